import { expect, test } from 'vitest';
import { fill, TABLES, type Key } from './index';

const names = (text: string) => [...new Set([...text.matchAll(/\{(\w+)/g)].map((match) => match[1]))].toSorted();

test.each(Object.keys(TABLES.en) as Key[])('%s says the same in Chinese', (key) => {
  expect(TABLES.zh[key].trim()).not.toBe('');
  // A plural needs its number in every language; other values may not be lost either.
  expect(names(TABLES.zh[key])).toEqual(names(TABLES.en[key]));
});

test('a number takes the word that goes with it', () => {
  expect(fill('{n|picture|pictures} rated {rating}', { n: 1, rating: 4 }, 'en')).toBe('1 picture rated 4');
  expect(fill('{n|picture|pictures}', { n: 1200 }, 'en')).toBe('1,200 pictures');
});

test('what is not given stays, so that it is seen', () => expect(fill('{what}?', {}, 'en')).toBe('{what}?'));
