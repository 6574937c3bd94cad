/** Made-up work of a made-up render, in the proportions that a small transformer has. */
import type { MachinePeak, RenderWork, Roofline, WorkRow } from '../../bindings';

export const MACHINE: MachinePeak = { f32_gflops: 212, bf16_gflops: 1840, int8_gflops: 3510, gigabytes: 21.4 };

type Given = Omit<RenderWork, 'rows' | 'load_seconds'>;
type Kind = Pick<WorkRow, 'kind' | 'numbers' | 'share' | 'calls' | 'bound'> & { reaches: number | null };

/** Shares of the time, and of their limits. */
const KINDS: readonly Kind[] = [
  { kind: 'product', numbers: 'bf16', share: 0.46, calls: 412, bound: 'compute', reaches: 0.38 },
  { kind: 'attention', numbers: 'bf16', share: 0.17, calls: 48, bound: 'compute', reaches: 0.21 },
  { kind: 'convolution', numbers: 'f32', share: 0.14, calls: 26, bound: 'compute', reaches: 0.67 },
  { kind: 'norm', numbers: 'f32', share: 0.09, calls: 196, bound: 'memory', reaches: 1.3 },
  { kind: 'elementwise', numbers: 'f32', share: 0.08, calls: 240, bound: 'memory', reaches: 0.55 },
  { kind: 'other', numbers: 'f32', share: 0.06, calls: 1, bound: null, reaches: null },
];

/** The rows add up to what the render took but for opening the model, as a studio's do. */
export function fakeRoofline(given: Given | null, measured: boolean, busy: boolean): Roofline {
  if (given === null) return { render: null, machine: measured ? MACHINE : null, busy };
  const load = given.job === 1 ? given.seconds * 0.3 : 0;
  const rows = KINDS.map((kind) => rowOf(kind, given.seconds - load, measured));
  return { render: { ...given, load_seconds: load, rows }, machine: measured ? MACHINE : null, busy };
}

function rowOf({ reaches, bound, ...kind }: Kind, total: number, measured: boolean): WorkRow {
  const peak = kind.numbers === 'bf16' ? MACHINE.bf16_gflops : MACHINE.f32_gflops;
  // Under the memory's limit an operation does a quarter of a sum for each byte.
  const limit = bound === 'memory' ? MACHINE.gigabytes / 4 : peak;
  const counted = reaches !== null;
  return {
    ...kind,
    seconds: total * kind.share,
    gflops: counted ? limit * reaches : null,
    gigabytes: counted ? (bound === 'memory' ? MACHINE.gigabytes * reaches : 3.2) : null,
    limit_gflops: counted && measured ? limit : null,
    share_of_limit: counted && measured ? reaches : null,
    bound: measured ? bound : null,
  };
}
