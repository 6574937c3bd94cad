import { describe, expect, it } from 'vitest';
import type { Abilities, Relation, RenderRequest } from '../../bindings';
import { changes, type Field, fieldNamed, fieldsOf, fitting, type Known, mergeAll, mergeSome, problemOf, recall } from './merge';

const draft: RenderRequest = {
  model: 'starter',
  prompt: 'a blue cup',
  negative: 'text',
  references: [{ asset: 'aa', role: 'subject', name: null }],
  init: { asset: 'bb', strength: 0.5 },
  mask: { asset: 'cc' },
  seed: '7',
  noise_source: null,
  steps: 4,
  guidance: null,
  width: 256,
  height: 256,
  sampler: null,
  schedule: 'karras',
  precision: null,
  count: 3,
  parents: [],
};

const found: Known = { prompt: 'a red fox', seed: '18446744073709551615', steps: 20, width: 512, height: 768, sampler: 'euler_a' };

const able = {
  defaults: { steps: 4, guidance: 1 },
  sizes: [],
  min_side: 96,
  max_side: 512,
  multiple: 16,
  steps: { min: 1, max: 8 },
  guidance: { min: 1, max: 1 },
  samplers: ['flow_euler'],
  schedules: ['default'],
  negative: false,
  max_references: 2,
  roles: ['subject'],
  init: true,
  mask: false,
} as unknown as Abilities;

it('finds what a picture can fill, in the order of the list', () => {
  expect(fieldsOf(found)).toEqual(['prompt', 'seed', 'size', 'steps', 'sampler']);
  expect(fieldsOf({ prompt: '', width: 512 })).toEqual([]);
});

it('one by one touches nothing else', () => {
  expect(mergeSome(draft, found, ['seed'])).toEqual({ ...draft, seed: '18446744073709551615' });
  expect(mergeSome(draft, found, ['size', 'prompt'])).toEqual({ ...draft, prompt: 'a red fox', width: 512, height: 768 });
  // Naming a field that the picture does not have changes nothing.
  expect(mergeSome(draft, found, ['guidance', 'mask'])).toEqual(draft);
});

it('a mask belongs to its picture', () => {
  const init = { asset: 'x', strength: null };
  expect(mergeSome(draft, { init }, ['init']), 'painted over another').toEqual({ ...draft, init, mask: null });
  expect(mergeSome(draft, { init: { asset: 'bb', strength: 0.9 } }, ['init']).mask, 'the same picture').toEqual(draft.mask);
  const taken = mergeSome(draft, { init, mask: { asset: 'y' } }, ['mask']);
  expect([taken.init, taken.mask], 'comes with what it was painted over').toEqual([init, { asset: 'y' }]);
});

it('all leaves nothing stale behind, but keeps the model and the count', () => {
  expect(mergeAll(draft, found)).toEqual({
    ...draft,
    ...found,
    negative: null,
    references: [],
    init: null,
    mask: null,
    schedule: null,
  });
});

describe('parents', () => {
  const reference = (asset: string) => ({ asset, role: 'subject' as const, name: null });
  const of = (id: string, relation: Relation = 'reference') => ({ id, relation });
  const family = { ...draft, references: [reference('aa')], init: null, parents: [of('aa'), of('dd', 'remix')] };

  it('all takes the references with where they come from, and leaves no parent of before', () => {
    const merged = mergeAll(family, { ...found, references: [reference('ee')], parents: [of('ee', 'edit'), of('ff', 'variation')] });
    expect(merged.parents).toEqual([of('ee', 'edit')]);
    expect(mergeAll(family, found).parents).toEqual([]);
  });

  it('what is refused brings no parents', () => {
    const merged = mergeAll(family, { ...found, references: [reference('ee')], parents: [of('ee')] }, ['references']);
    expect([merged.references, merged.parents]).toEqual([[], []]);
  });

  it('one by one changes those of the field', () => {
    const known = { ...found, references: [reference('ee')], parents: [of('ee')] };
    expect(mergeSome(family, known, ['seed']).parents).toEqual(family.parents);
    expect(mergeSome(family, known, ['references']).parents).toEqual([of('dd', 'remix'), of('ee')]);
  });
});

it('never writes into the draft', () => {
  const before = structuredClone(draft);
  mergeAll(draft, found);
  mergeSome(draft, found, ['prompt']);
  expect(draft).toEqual(before);
});

describe('recall keys', () => {
  it('S takes the seed, D the size', () => {
    expect(recall(draft, found, 'seed')).toEqual({ ...draft, seed: found.seed });
    expect(recall(draft, found, 'size')).toEqual({ ...draft, width: 512, height: 768 });
  });
  it('P takes both halves of what was said', () => {
    expect(recall(draft, found, 'prompt')).toEqual({ ...draft, prompt: 'a red fox', negative: null });
  });
  it('R is all but the seed', () => {
    expect(recall(draft, found, 'remix')).toEqual({ ...mergeAll(draft, found), seed: null });
  });
});

describe('for another kind of model', () => {
  it.each<[Known, Field, string | null]>([
    [{ steps: 8 }, 'steps', null],
    [{ steps: 20 }, 'steps', 'other_kind'],
    [{ guidance: 7 }, 'guidance', 'other_kind'],
    [{ guidance: 1.5 }, 'guidance', null],
  ])('%j %s: %s', (known, field, code) => {
    const few = { ...able, steps: { min: 1, max: 100 }, guidance: { min: 0, max: 30 }, defaults: { ...able.defaults, steps: 4, guidance: 1 } };
    expect(problemOf(known, field, few, true)?.code ?? null).toBe(code);
    expect(problemOf(known, field, few), 'of its own model it is taken').toBe(null);
  });

  it('a size that cannot be drawn becomes the nearest of its shape', () => {
    const small = { ...able, min_side: 96, max_side: 256, multiple: 16, sizes: [], defaults: { ...able.defaults, width: 128, height: 128 } };
    const { width, height } = fitting({ width: 512, height: 768 }, small) as { width: number; height: number };
    expect([width / height, width <= 256]).toEqual([expect.closeTo(2 / 3, 1), true]);
    expect(fitting({ width: 128, height: 128 }, small)).toEqual({ width: 128, height: 128 });
  });
});

describe('problems', () => {
  it.each<[Known, Field, string | null]>([
    [{ sampler: 'euler_a' }, 'sampler', 'not_accepted'],
    [{ sampler: 'flow_euler' }, 'sampler', null],
    [{ steps: 20 }, 'steps', 'too_large'],
    [{ steps: 0 }, 'steps', 'too_small'],
    [{ width: 512, height: 768 }, 'size', 'too_large'],
    [{ width: 100, height: 128 }, 'size', 'not_multiple'],
    [{ width: 256, height: 512 }, 'size', null],
    [{ negative: 'blurry' }, 'negative', 'no_negative'],
    [{ mask: { asset: 'x' } }, 'mask', 'no_mask'],
    [{ init: { asset: 'x', strength: null } }, 'init', null],
    [{ prompt: 'anything' }, 'prompt', null],
  ])('%j %s: %s', (known, field, code) => {
    expect(problemOf(known, field, able)?.code ?? null).toBe(code);
  });

  it('are not guessed without a model', () => {
    expect(problemOf({ steps: 999 }, 'steps', null)).toBe(null);
  });
});

it('says whether a field would change anything', () => {
  expect(changes(draft, found, 'seed')).toBe(true);
  expect(changes(draft, { seed: '7' }, 'seed')).toBe(false);
});

it("knows a reader's names", () => {
  expect(fieldNamed('width')).toBe('size');
  expect(fieldNamed('steps')).toBe('steps');
  expect(fieldNamed('clip_skip')).toBe(null);
});
