/** What the numbers behind a render mean: which of them matter, and in which words. */
import type { Job, PictureDetail, RenderWork, WorkRow } from '../../bindings';

/** Two times nearer than this are one. */
const SAME_SECONDS = 0.0005;
/** Less of the whole than this for opening the model is not worth a sentence. */
const LOAD_MATTERS = 0.1;
/** From here on a machine is used well: what is left is less than what could be gained by asking for less. */
const WELL = 0.5;

/** The least time that the machine needs, and what that is of the time it took. */
export interface Least {
  seconds: number;
  share: number;
}

/** Whether what was recorded is the work of this picture: by its job, or where that is forgotten, by all that is known. */
export function isOf(work: Pick<RenderWork, 'width' | 'height' | 'seconds'>, { card, seconds }: Pick<PictureDetail, 'card' | 'seconds'>, job: Job | null): boolean {
  if (job?.picture) return job.picture === card.id;
  return card.width === work.width && card.height === work.height && seconds !== null && Math.abs(seconds - work.seconds) < SAME_SECONDS;
}

/** A row's share of its limit, of which no more than all can be reached; null where it is not known. */
export function reached({ share_of_limit }: WorkRow): number | null {
  return share_of_limit === null ? null : Math.min(1, Math.max(0, share_of_limit));
}

/**
 * The least time for the work that was counted. Null until the machine is measured. What was not counted needs
 * none here, so the truth is a little more.
 */
export function leastOf(rows: readonly WorkRow[]): Least | null {
  if (!rows.some((row) => row.share_of_limit !== null)) return null;
  const total = rows.reduce((sum, row) => sum + row.seconds, 0);
  const seconds = rows.reduce((sum, row) => sum + row.seconds * (reached(row) ?? 0), 0);
  return { seconds, share: total > 0 ? seconds / total : 0 };
}

/** What is worth saying of a render, by name. */
export interface Verdict {
  /** Seconds for opening the model, where that is much of it. */
  load: number | null;
  /** The row that took the longest; none where nothing was recorded. */
  longest: WorkRow | null;
  /** Whether that is more than half of all. */
  most: boolean;
  least: Least | null;
  /** Whether the machine was used well. */
  well: boolean;
}

export function verdictOf({ rows, seconds, load_seconds }: Pick<RenderWork, 'rows' | 'seconds' | 'load_seconds'>): Verdict {
  const longest = rows.reduce<WorkRow | null>((best, row) => (best === null || row.seconds > best.seconds ? row : best), null);
  const least = leastOf(rows);
  return {
    load: seconds > 0 && load_seconds / seconds >= LOAD_MATTERS ? load_seconds : null,
    longest: longest !== null && longest.seconds > 0 ? longest : null,
    most: longest !== null && longest.share > 0.5,
    least,
    well: least !== null && least.share >= WELL,
  };
}

/** Billions a second as people read them: three figures, and thousands of billions by their own name. */
export function rate(billions: number, unit: 'FLOP/s' | 'B/s'): string {
  const [value, prefix] = billions >= 999.5 ? [billions / 1000, 'T'] : [billions, 'G'];
  return `${figures(value)} ${prefix}${unit}`;
}

/** What was reached and what could have been, in the unit of what sets the limit; null where nothing was counted. */
export function ratesOf({ bound, gflops, gigabytes, limit_gflops, share_of_limit }: WorkRow, bandwidth: number | null): { reached: string; limit: string | null } | null {
  // What a cache gave is no part of what memory could have given.
  if (share_of_limit !== null && share_of_limit > 1 && bound === 'memory' && gigabytes !== null) return { reached: rate(gigabytes, 'B/s'), limit: null };
  if (bound === 'memory' && gigabytes !== null) return { reached: rate(gigabytes, 'B/s'), limit: bandwidth === null ? null : rate(bandwidth, 'B/s') };
  if (gflops !== null) return { reached: rate(gflops, 'FLOP/s'), limit: limit_gflops === null ? null : rate(limit_gflops, 'FLOP/s') };
  if (gigabytes !== null) return { reached: rate(gigabytes, 'B/s'), limit: null };
  return null;
}

function figures(value: number): string {
  if (value >= 99.95) return String(Math.round(value));
  return value.toFixed(value >= 9.995 ? 1 : 2);
}
