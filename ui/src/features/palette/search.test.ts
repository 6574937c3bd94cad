import { expect, test } from 'vitest';
import { score } from './search';

const best = (asked: string, names: string[]) =>
  names
    .map((name) => ({ name, score: score(name, asked) }))
    .filter((one) => one.score !== null)
    .toSorted((a, b) => (b.score ?? 0) - (a.score ?? 0))
    .map((one) => one.name);

test('a beginning comes before a middle', () => expect(best('pic', ['Save the picture', 'Picture to the trash'])[0]).toBe('Picture to the trash'));
test('every word must be there', () => expect(best('seed lock', ['Hold the seed', 'Lock the seed'])).toEqual(['Lock the seed']));
test('letters in order are enough', () => expect(best('vrpic', ['Vary the picture'])).toEqual(['Vary the picture']));
test('nothing asked finds everything', () => expect(score('Anything', '')).toBe(0));
