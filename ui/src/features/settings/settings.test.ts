import { expect, it } from 'vitest';
import { actions } from '../../actions';
import { conflictsOf, reset, setKey } from './keys';
import { hitRate } from './rate';

it('keeps only keys that are not as designed', () => {
  const chosen = setKey({}, 'library.tag', 'G', 'T');
  expect(chosen).toEqual({ 'library.tag': 'G' });
  expect(setKey(chosen, 'library.tag', 'T', 'T')).toEqual({});
  expect(setKey(chosen, 'library.tag', '', 'T')).toEqual({ 'library.tag': '' });
  expect(reset(chosen, 'library.tag')).toEqual({});
});

it('finds keys that two actions share, whatever they are about', () => {
  const found = conflictsOf([
    { id: 'library.tag', keys: ['T'], designed: ['T'] },
    { id: 'queue.pause', keys: ['G', 'T'], designed: [] },
    { id: 'library.none', keys: ['Escape'], designed: ['Escape'] },
    { id: 'queue.close', keys: ['Escape'], designed: ['Escape'] },
    { id: 'view.theme', keys: [], designed: [] },
  ]);
  expect([...found]).toEqual([
    ['library.tag', 'queue.pause'],
    ['queue.pause', 'library.tag'],
  ]);
});

it('finds no two keys in each other’s way as they were designed', () => {
  const designed = actions.map(({ id, keys = [] }) => ({ id, keys, designed: keys }));
  expect([...conflictsOf(designed)]).toEqual([]);
});

it('says no hit rate before anything was asked for', () => {
  expect(hitRate({ hits: 0, misses: 0 })).toBe(null);
  expect(hitRate({ hits: 3, misses: 1 })).toBe(0.75);
});
