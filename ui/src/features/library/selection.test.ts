import { describe, expect, it } from 'vitest';
import { choose, chooseAll, chooseNone, follow, grasp, NOTHING, type Selection } from './selection';

const ids = [...'abcdefghij'];
const idAt = (index: number) => ids[index] ?? null;
const click = { toggle: false, range: false };
const ctrl = { toggle: true, range: false };
const shift = { toggle: false, range: true };
const both = { toggle: true, range: true };
const named = (selection: Selection) => [...selection.ids].sort().join('');

/** Plays clicks, each as place and keys held. */
const play = (...clicks: [number, typeof click][]) =>
  clicks.reduce((before, [index, held]) => choose(before, index, held, idAt), NOTHING);

describe('choosing', () => {
  it.each<[string, [number, typeof click][], string]>([
    ['a click chooses one', [[2, click]], 'c'],
    ['another click chooses that one instead', [[2, click], [4, click]], 'e'],
    ['Ctrl adds', [[2, click], [4, ctrl]], 'ce'],
    ['Ctrl on a chosen one takes it away', [[2, click], [4, ctrl], [2, ctrl]], 'e'],
    ['Shift draws from the anchor', [[2, click], [5, shift]], 'cdef'],
    ['Shift again redraws from the same anchor', [[2, click], [5, shift], [1, shift]], 'bc'],
    ['Ctrl moves the anchor', [[2, click], [5, ctrl], [7, both]], 'cfgh'],
    ['Shift with nothing before is a click', [[3, shift]], 'd'],
    ['past what is loaded chooses nothing', [[2, click], [99, click]], 'c'],
  ])('%s', (_, clicks, expected) => {
    expect(named(play(...clicks))).toBe(expected);
  });
});

it('a drag takes the whole selection when it starts on it, and one picture otherwise', () => {
  const two = play([2, click], [4, ctrl]);
  expect(named(grasp(two, 4, idAt))).toBe('ce');
  expect(named(grasp(two, 5, idAt))).toBe('f');
});

it('all and none keep the place', () => {
  const one = play([3, click]);
  expect(named(chooseAll(one, ids))).toBe('abcdefghij');
  expect(chooseNone(one)).toMatchObject({ cursor: 3, anchor: 3 });
});

describe('after pictures went away the cursor is where one goes on', () => {
  it.each<[number, string, number]>([
    [3, 'd', 3],
    [9, 'j', 8],
    [5, 'bdf', 3],
    [0, 'abcdefghij', -1],
  ])('from %i without %s to %i', (cursor, gone, expected) => {
    const left = ids.filter((id) => !gone.includes(id));
    expect(follow({ ids: new Set(gone), anchor: 0, cursor }, ids, left).cursor).toBe(expected);
  });
});

it('cursor and anchor stay with their pictures when others come', () => {
  const before = play([2, click], [4, shift]);
  expect(follow(before, ids, ['new', ...ids])).toEqual({ ids: before.ids, anchor: 3, cursor: 5 });
  expect(follow(NOTHING, ids, ['new', ...ids])).toEqual(NOTHING);
  // A place past what is loaded belongs to no picture yet.
  expect(follow({ ...before, cursor: 40 }, ids, ['new', ...ids]).cursor).toBe(40);
});
