import { expect, test } from 'vitest';
import { accept, offer } from './words';

const KNOWN = ['fox', 'football', 'teddy bear', 'bear', 'on a beach', 'on a snowy beach', 'paper cut'].map((text) => ({ kind: 'subjects', text }));
const offered = (text: string, caret = text.length) => offer(text, caret, KNOWN)?.words.map((one) => one.text) ?? [];

test('a beginning offers what begins so', () => expect(offered('a red fo')).toEqual(['fox', 'football']));
test('one letter is too little', () => expect(offered('a red f')).toEqual([]));
test('a phrase is found by a word inside it', () => expect(offered('a fox, bea')).toEqual(['teddy bear', 'bear', 'on a beach', 'on a snowy beach']));
test('a phrase goes on over spaces', () => expect(offered('a fox on a sn')).toEqual(['on a snowy beach']));
test('a word that is complete offers nothing', () => expect(offered('a fox')).toEqual([]));
test('nothing is offered within a word', () => expect(offered('a foxglove', 4)).toEqual([]));
test('a taken word replaces what was typed', () => {
  const text = 'a fox pap';
  const found = offer(text, text.length, KNOWN);
  expect(found && accept(text, found, 'paper cut')).toEqual({ text: 'a fox paper cut ', caret: 16 });
});
