import { expect, it } from 'vitest';
import { conflictsOf, reset, setKey } from './keys';
import { hitRate } from './rate';

it('keeps only keys that are not as designed', () => {
  const chosen = setKey({}, 'library.tag', 'G', 'T');
  expect(chosen).toEqual({ 'library.tag': 'G' });
  expect(setKey(chosen, 'library.tag', 'T', 'T')).toEqual({});
  expect(setKey(chosen, 'library.tag', '', 'T')).toEqual({ 'library.tag': '' });
  expect(reset(chosen, 'library.tag')).toEqual({});
});

it('finds keys that two actions of a group share', () => {
  const found = conflictsOf([
    { id: 'a', group: 'library', keys: ['T'] },
    { id: 'b', group: 'library', keys: ['G', 'T'] },
    { id: 'c', group: 'queue', keys: ['T'] },
    { id: 'd', group: 'library', keys: [] },
  ]);
  expect([...found]).toEqual([
    ['a', 'b'],
    ['b', 'a'],
  ]);
});

it('says no hit rate before anything was asked for', () => {
  expect(hitRate({ hits: 0, misses: 0 })).toBe(null);
  expect(hitRate({ hits: 3, misses: 1 })).toBe(0.75);
});
