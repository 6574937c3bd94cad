import { expect, test } from 'vitest';
import { manyPictures } from '../platform/fake/many';
import { stacksOf } from './stacks';

const card = (id: string, run: string | null, rating = 0) => ({ ...manyPictures(1)[0]!, id, run, rating, created_at: id.charCodeAt(0) });
const seen = (stacks: ReturnType<typeof stacksOf>) => stacks.map(({ top, cards }) => `${top.id}${cards.length}`).join(' ');

test('what was asked for at once is one pile, the latest on top', () => {
  expect(seen(stacksOf([card('a', 'x'), card('b', 'x'), card('c', null), card('d', null), card('e', 'y')]))).toBe('b2 c1 d1 e1');
});

test('the pick is on top, whenever it was made', () => {
  expect(seen(stacksOf([card('a', 'x', 1), card('b', 'x'), card('c', 'x')]))).toBe('a3');
  expect(seen(stacksOf([card('a', 'x', 1), card('b', 'x', 3), card('c', 'x', 3)]))).toBe('c3');
});

test('a run that another one came between is still one pile, where it began', () => {
  expect(seen(stacksOf([card('a', 'x'), card('b', 'y'), card('c', 'x')]))).toBe('c2 b1');
});

test('one that is open lies side by side', () => {
  expect(seen(stacksOf([card('a', 'x'), card('b', 'x'), card('c', 'y'), card('d', 'y')], new Set(['x'])))).toBe('a1 b1 d2');
});
