import { describe, expect, it } from 'vitest';
import { MODELS } from '../../platform/fake/given';
import { say, saidIn, varied } from './vary';

const known = MODELS[0]!.words;
const subjects = known.filter(({ kind }) => kind === 'subjects').map(({ text }) => text);

describe('what a prompt says', () => {
  it.each([
    ['a mug', [null, null, null]],
    ['a red fox on a snowy beach, paper cut', ['paper cut', 'on a snowy beach', 'red']],
    ['a Blue fire engine in space', [null, 'in space', 'blue']],
  ])('%s', (prompt, words) => {
    expect(saidIn(prompt, known).map(({ word }) => word)).toEqual(words);
  });

  it('is nothing where the model lists no words', () => expect(saidIn('a red fox', [])).toEqual([]));
});

it.each([
  ['a mug', 'style', 'paper cut', 'a mug, paper cut'],
  ['a mug, neon', 'place', 'on a beach', 'a mug on a beach, neon'],
  ['a mug', 'colour', 'orange', 'an orange mug'],
  ['an orange mug', 'colour', 'red', 'a red mug'],
  ['two fire engine toys', 'colour', 'blue', 'two blue fire engine toys'],
] as const)('%s with another %s: %s', (prompt, aspect, other, expected) => {
  const said = saidIn(prompt, known).find((one) => one.aspect === aspect)!;
  expect(say(prompt, said, other, subjects)).toBe(expected);
});

describe('variations', () => {
  it('of twelve are twelve', () => {
    const prompt = 'a rocket in space, cartoon style';
    for (const far of [0.05, 0.5, 1]) {
      const all = varied(prompt, saidIn(prompt, known), 12, far, 5, known);
      expect(new Set(all).size, String(far)).toBe(12);
      expect(all).not.toContain(prompt);
    }
  });

  it('leave alone what is held fast', () => {
    const prompt = 'a red rocket in space, cartoon style';
    const free = saidIn(prompt, known).filter(({ aspect }) => aspect === 'place');
    for (const text of varied(prompt, free, 6, 1, 2, known)) expect(text).toMatch(/^a red rocket .*, cartoon style$/);
  });

  it('go farther by more aspects at once', () => {
    const prompt = 'a red rocket in space, cartoon style';
    const free = saidIn(prompt, known);
    const kept = (text: string) => free.filter(({ word }) => word !== null && text.includes(word)).length;
    expect(varied(prompt, free, 3, 0.05, 1, known).map(kept)).toEqual([2, 2, 2]);
    expect(varied(prompt, free, 3, 1, 1, known).map(kept)).toEqual([0, 0, 0]);
  });
});
