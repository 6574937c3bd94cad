/**
 * How the settings found in a picture become part of the request that is being composed.
 *
 * "All" leaves nothing stale behind: what the picture does not say goes back to the model's own default, and what
 * it was made from (references, a picture to start from, a mask) is cleared, since those files are not in it.
 * "One by one" touches the named fields and nothing else.
 */
import type { Abilities, RenderRequest } from '../../bindings';
import { parentsAfter, parentsIn } from '../../store/parents';
import { draws, sizeLike, spelled } from '../../store/sizes';

/** A field of a request that a picture's settings can fill. Size is one field, as people think of it. */
export type Field =
  | 'prompt'
  | 'negative'
  | 'seed'
  | 'size'
  | 'steps'
  | 'guidance'
  | 'sampler'
  | 'schedule'
  | 'noise_source'
  | 'precision'
  | 'model'
  | 'references'
  | 'init'
  | 'mask';

/** In the order in which they are offered. */
export const FIELDS: readonly Field[] = [
  'prompt',
  'negative',
  'seed',
  'size',
  'steps',
  'guidance',
  'sampler',
  'schedule',
  'noise_source',
  'precision',
  'model',
  'references',
  'init',
  'mask',
];

/** The recall keys of the Library: all, seed, prompt, remix (all but the seed), size. */
export type Recall = 'all' | 'seed' | 'prompt' | 'remix' | 'size';

/** Why a found value cannot simply be taken over. `values` fill the words of the string table. */
export interface Problem {
  code: 'not_accepted' | 'too_small' | 'too_large' | 'not_multiple' | 'no_negative' | 'too_many' | 'no_init' | 'no_mask' | 'other_kind';
  values: Record<string, string | number>;
}

/** A request with only what is known. */
export type Known = Partial<RenderRequest>;

/** Which fields `known` can fill. */
export function fieldsOf(known: Known): Field[] {
  return FIELDS.filter((field) => has(known, field));
}

/** The draft with the chosen fields of `known`, and nothing else changed but whose child that makes it. */
export function mergeSome(draft: RenderRequest, known: Known, chosen: Iterable<Field>): RenderRequest {
  const merged = { ...draft };
  const taking = new Set(chosen);
  for (const field of taking) if (has(known, field)) fill(merged, known, field);
  // A mask says where its own picture changes, and over another it means nothing.
  if (taking.has('mask') && known.mask && known.init) merged.init = known.init;
  else if (merged.init?.asset !== draft.init?.asset) merged.mask = null;
  return { ...merged, parents: parentsAfter(draft, merged, known.parents) };
}

/**
 * The draft as the picture says it, without anything left from before but how many to make. What is `refused` of it
 * is left out, and nothing stale stays in its place either.
 */
export function mergeAll(draft: RenderRequest, known: Known, refused: Iterable<Field> = []): RenderRequest {
  const out = new Set(refused);
  const merged = { ...draft };
  for (const field of FIELDS) {
    if (has(known, field) && !out.has(field)) fill(merged, known, field);
    else if (field !== 'prompt' || !out.has(field)) clear(merged, field);
  }
  return { ...merged, parents: parentsIn(merged, known.parents ?? []) };
}

/** What a recall key does with a picture's own request. */
export function recall(draft: RenderRequest, known: Known, which: Recall, refused: Iterable<Field> = []): RenderRequest {
  switch (which) {
    case 'all':
      return mergeAll(draft, known, refused);
    case 'remix':
      return { ...mergeAll(draft, known, refused), seed: null };
    case 'seed':
    case 'size':
      return mergeSome(draft, known, [which]);
    case 'prompt':
      // The two halves of what was said belong together.
      return mergeSome({ ...draft, negative: null }, known, ['prompt', 'negative']);
  }
}

/** So many times as many steps as a model takes by itself are of a model of another kind. */
const OTHER_KIND = 3;
/** Models that are asked twice at each step begin about here; those that are not know nothing of guidance. */
const GUIDED = 2;

/**
 * What stands in the way of `field`, by what the model that will run it can do; null when nothing does. What is from
 * `elsewhere` was meant for another model: that this one could do it, too, does not make it right for it.
 */
export function problemOf(known: Known, field: Field, able: Abilities | null, elsewhere = false): Problem | null {
  if (!able) return null;
  const listed = (value: string | null | undefined, accepted: string[]): Problem | null =>
    value == null || accepted.includes(value)
      ? null
      : { code: 'not_accepted', values: { value, accepted: accepted.join(', ') } };
  const within = (value: number | null | undefined, { min, max }: { min: number; max: number }): Problem | null => {
    if (value == null) return null;
    if (value < min) return { code: 'too_small', values: { value, min } };
    if (value > max) return { code: 'too_large', values: { value, max } };
    return null;
  };
  switch (field) {
    case 'sampler':
      return listed(known.sampler, able.samplers);
    case 'schedule':
      return listed(known.schedule, able.schedules);
    case 'steps': {
      const usual = able.defaults.steps;
      const unlike = known.steps != null && (known.steps > OTHER_KIND * usual || known.steps * OTHER_KIND < usual);
      return within(known.steps, able.steps) ?? (elsewhere && unlike ? { code: 'other_kind', values: { usual } } : null);
    }
    case 'guidance': {
      const usual = able.defaults.guidance;
      const unlike = known.guidance != null && known.guidance > GUIDED !== usual > GUIDED;
      return within(known.guidance, able.guidance) ?? (elsewhere && unlike ? { code: 'other_kind', values: { usual } } : null);
    }
    case 'size': {
      const { width, height } = known;
      if (able.sizes.length > 0 && width != null && height != null && !draws(able, { width, height })) return { code: 'not_accepted', values: { value: spelled({ width, height }), accepted: able.sizes.map(spelled).join(', ') } };
      for (const side of [known.width, known.height]) {
        const outside = within(side, { min: able.min_side, max: able.max_side });
        if (outside) return outside;
        if (side != null && side % able.multiple !== 0) {
          return { code: 'not_multiple', values: { value: side, multiple: able.multiple } };
        }
      }
      return null;
    }
    case 'negative':
      return known.negative && !able.negative ? { code: 'no_negative', values: {} } : null;
    case 'references': {
      const count = known.references?.length ?? 0;
      return count > able.max_references ? { code: 'too_many', values: { count, max: able.max_references } } : null;
    }
    case 'init':
      return known.init && !able.init ? { code: 'no_init', values: {} } : null;
    case 'mask':
      return known.mask && !able.mask ? { code: 'no_mask', values: {} } : null;
    default:
      return null;
  }
}

/**
 * What is known, with a size that the model cannot draw as the nearest one of its shape that it can; where there is none,
 * it is drawn as usual and brought to that size.
 */
export function fitting<K extends Known>(known: K, able: Abilities | null): K {
  const { width, height } = known;
  if (able === null || width == null || height == null || problemOf(known, 'size', able) === null) return known;
  const size = sizeLike(able, { width, height });
  return { ...known, ...size, deliver: size.width === null ? { width, height, fit: 'auto' } : null };
}

/** Whether taking `field` over would change the draft at all. */
export function changes(draft: RenderRequest, known: Known, field: Field): boolean {
  const after = mergeSome(draft, known, [field]);
  return (Object.keys(after) as (keyof RenderRequest)[]).some(
    (key) => JSON.stringify(after[key]) !== JSON.stringify(draft[key]),
  );
}

/** The field of ours that a reader's field name means, or null. Readers name width and height apart. */
export function fieldNamed(name: string): Field | null {
  if (name === 'width' || name === 'height') return 'size';
  return (FIELDS as readonly string[]).includes(name) ? (name as Field) : null;
}

function has(known: Known, field: Field): boolean {
  switch (field) {
    case 'size':
      return (known.width != null && known.height != null) || known.deliver != null;
    case 'references':
      return (known.references?.length ?? 0) > 0;
    case 'prompt':
      return known.prompt != null && known.prompt !== '';
    default:
      return known[field] != null;
  }
}

function fill(request: RenderRequest, known: Known, field: Field): void {
  if (field === 'size') {
    request.width = known.width ?? null;
    request.height = known.height ?? null;
    if (known.deliver || request.deliver) request.deliver = known.deliver ?? null;
  } else Object.assign(request, { [field]: known[field] });
}

function clear(request: RenderRequest, field: Field): void {
  switch (field) {
    case 'prompt':
      request.prompt = '';
      break;
    case 'size':
      request.width = null;
      request.height = null;
      if (request.deliver) request.deliver = null;
      break;
    case 'references':
      request.references = [];
      break;
    // The model stays: a file that does not name one, or names one that is not here, says nothing against it.
    case 'model':
      break;
    default:
      Object.assign(request, { [field]: null });
  }
}
