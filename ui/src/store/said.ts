/**
 * What is wrong with a field of a request, in the window's language, and what would mend it. It is said here where the
 * field itself shows what it is; what only the studio knows is said in its own words.
 */
import type { Abilities, Estimate, Model, RenderRequest, StudioError } from '../bindings';
import { t } from '../strings';
import { bytes } from '../strings/format';
import { draws, nearest, smaller, spelled, type Size } from './sizes';

export interface Mend {
  label: string;
  patch: Partial<RenderRequest>;
}

export interface Said {
  text: string;
  mend: Mend | null;
}

export interface About {
  request: RenderRequest;
  model: Model | null;
  size: Size | null;
  estimate: Estimate | null;
  /** One that would run, where the chosen one does not. */
  other: Model | null;
}

type Sayer = (about: About & { able: Abilities }, problem: StudioError) => Said | null;

const span = (field: 'steps' | 'guidance'): Sayer => ({ request, able }) => {
  const [value, { min, max }] = [request[field], able[field]];
  if (value === null || (value >= min && value <= max)) return null;
  const to = Math.min(max, Math.max(min, value));
  return { text: t('problem.span', { what: t(`create.${field}`), min, max }), mend: { label: t('problem.use', { what: to }), patch: { [field]: to } } };
};

const size: Sayer = ({ request, able, size }) => {
  if (!size || request.deliver || draws(able, size)) return null;
  const to = nearest(able, size);
  const text =
    able.sizes.length > 0
      ? t('problem.size.only', { sizes: able.sizes.slice(0, MOST_NAMED).map(spelled).join(', ') })
      : t('create.size.limits', { least: able.min_side, most: able.max_side, multiple: able.multiple });
  return { text, mend: { label: t('problem.use', { what: spelled(to) }), patch: { ...to } } };
};

/** More sizes than this are no help in a sentence. */
const MOST_NAMED = 4;
/** The least guidance at which what should be left out is plainly left out. */
export const HEARD = 1.5;
const MOST_SEED = 2n ** 64n - 1n;

const SAYERS: Record<string, Sayer> = {
  size,
  width: size,
  height: size,
  steps: span('steps'),
  guidance: span('guidance'),
  seed: ({ request: { seed } }) => {
    if (seed === null || (/^\d{1,20}$/.test(seed) && BigInt(seed) <= MOST_SEED)) return null;
    return { text: t('problem.seed'), mend: { label: t('problem.seed.random'), patch: { seed: null } } };
  },
  negative: ({ request, able }) => {
    if (request.negative === null) return null;
    if (!able.negative) return { text: t('problem.negative'), mend: { label: t('problem.leave_out'), patch: { negative: null } } };
    if ((request.guidance ?? able.defaults.guidance) !== 1) return null;
    return { text: t('create.negative.unheard'), mend: { label: t('create.negative.guide', { value: HEARD }), patch: { guidance: HEARD } } };
  },
  prompt: ({ request, estimate }) => {
    if (request.prompt.trim() === '') return { text: t('problem.prompt.none'), mend: null };
    const tokens = estimate?.tokens;
    return tokens && tokens.used > tokens.most ? { text: t('problem.prompt.long', { used: tokens.used, most: tokens.most }), mend: null } : null;
  },
  references: ({ request: { references }, able }, problem) => {
    const place = Number(/^references\[(\d+)\]/.exec(problem.field ?? '')?.[1]);
    const one = references[place];
    if (one && /\.asset$/.test(problem.field ?? '')) {
      return { text: t('problem.reference.gone', { name: one.name ?? t('create.reference') }), mend: { label: t('problem.leave_out'), patch: { references: references.filter((_, n) => n !== place) } } };
    }
    if (references.length <= able.max_references) return null;
    const text = able.max_references === 0 ? t('problem.references.none') : t('problem.references.most', { most: able.max_references });
    return { text, mend: { label: t('problem.leave_out'), patch: { references: able.max_references === 0 ? [] : references.slice(-able.max_references) } } };
  },
  init: ({ request }, problem) => {
    if (!request.init || !/\.asset$/.test(problem.field ?? '')) return null;
    return { text: t('problem.init.gone'), mend: { label: t('problem.leave_out'), patch: { init: null, mask: null } } };
  },
};

/** The field of a request that a problem is of, without the place in it. */
export const fieldOf = (problem: StudioError): string => problem.field?.split(/[.[]/)[0] ?? '';

export function said(problem: StudioError, about: About): Said {
  const { model, other, size, estimate } = about;
  const able = model?.able ?? null;
  if (problem.code === 'model' && other) return { text: problem.message, mend: { label: t('problem.use', { what: other.name }), patch: { model: other.name } } };
  if (problem.code === 'memory' && able && size) {
    const less = smaller(able, size);
    // An estimate that it would fit knows less than what was refused for it.
    const text = estimate?.memory_needed && !estimate.fits ? t('create.too_large', { needed: bytes(estimate.memory_needed) }) : problem.message;
    return { text, mend: less && { label: t('problem.use', { what: spelled(less) }), patch: { ...less } } };
  }
  const found = able && SAYERS[fieldOf(problem)]?.({ ...about, able }, problem);
  return found ?? { text: problem.message, mend: null };
}
