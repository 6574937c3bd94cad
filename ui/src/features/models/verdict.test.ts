import { expect, it } from 'vitest';
import { byKind, verdictOf } from './verdict';

it.each([
  [true, true, 'runs'],
  [true, false, 'too_large'],
  // What cannot be read does not get better with more memory.
  [false, false, 'refused'],
  [false, true, 'refused'],
])('runs %s and fits %s: %s', (runs, fits, expected) => {
  expect(verdictOf({ runs, fits })).toBe(expected);
});

it('words are gathered by kind, in order', () => {
  const words = ['subjects fox', 'styles flat', 'subjects owl'].map((line) => ({ kind: line.split(' ')[0]!, text: line.split(' ')[1]! }));
  expect(byKind(words)).toEqual([
    ['subjects', ['fox', 'owl']],
    ['styles', ['flat']],
  ]);
});
