import { expect, it } from 'vitest';
import { manyDetail, manyFacets, manyLineage, manyPictures, pictureSvg } from './many';

it('is the same every time, and no two pictures share an id', () => {
  const cards = manyPictures(50_000);
  expect(new Set(cards.map(({ id }) => id)).size).toBe(50_000);
  expect(cards.slice(0, 50)).toEqual(manyPictures(50));
  expect(cards.every(({ id }) => /^[0-9a-f]{64}$/.test(id))).toBe(true);
});

it('goes from the newest to the oldest', () => {
  const cards = manyPictures(2_000);
  expect(cards.every((card, n) => n === 0 || card.created_at < cards[n - 1]!.created_at)).toBe(true);
});

it('has a bit of everything', () => {
  const cards = manyPictures(5_000);
  const some = (test: (card: (typeof cards)[number]) => boolean) => expect(cards.some(test)).toBe(true);
  some(({ rating }) => rating === 1);
  some(({ rating }) => rating === 5);
  some(({ subject }) => subject === '小红');
  some(({ prompt }) => prompt.length > 2_000);
  some(({ prompt }) => /[\u0600-\u06ff]/.test(prompt));
  some(({ source }) => source === 'comfyui');
  some(({ trashed_at }) => trashed_at !== null);
  expect(manyFacets(cards).models[0]!.count).toBeGreaterThan(500);
});

it('gives details, families and pictures', () => {
  const cards = manyPictures(50);
  expect(manyDetail(cards.find(({ source }) => source === 'likeness')!).recipe?.prompt).toBeTruthy();
  expect(manyDetail(cards.find(({ source }) => source !== 'likeness')!).settings?.unmatched.length).toBeGreaterThan(0);
  const { nodes, edges } = manyLineage(cards[20]!, cards);
  expect(new Set(nodes.map(({ id }) => id)).size).toBe(nodes.length);
  expect(edges.length).toBeGreaterThan(4);
  expect(pictureSvg(cards[0]!.id, 128, 128)).not.toBe(pictureSvg(cards[1]!.id, 128, 128));
});
