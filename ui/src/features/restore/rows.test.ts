import { expect, it } from 'vitest';
import type { Abilities } from '../../bindings';
import { manyPictures, settingsOf } from '../../platform/fake/many';
import { emptyRequest } from '../../store/compose.svelte';
import { rowsOf, usual } from './rows';

const card = manyPictures(200).find(({ source }) => source === 'a1111')!;
const settings = settingsOf(card);

it('says what was found in the words of the program that wrote it', () => {
  const rows = rowsOf(settings, emptyRequest(), null);
  expect(rows.map(({ field }) => field)).toEqual(['prompt', 'negative', 'seed', 'size', 'steps', 'guidance', 'sampler']);
  expect(rows.find(({ field }) => field === 'guidance')?.label).toBe('CFG scale');
});

it('takes by itself only what nothing stands in the way of', () => {
  const rows = rowsOf(settings, emptyRequest(), null);
  expect([...usual(rows)]).toEqual(['prompt', 'seed', 'size', 'guidance']);
});

it('asks the model where the reader saw no problem', () => {
  const able = { guidance: { min: 1, max: 1 }, min_side: 64, max_side: 2048, multiple: 8, sizes: [], defaults: { steps: 28, guidance: 1 }, negative: true } as unknown as Abilities;
  const rows = rowsOf(settings, emptyRequest(), able);
  expect(rows.find(({ field }) => field === 'guidance')?.problem).toMatchObject({ code: 'too_large' });
});

it('marks what is so already', () => {
  const rows = rowsOf(settings, { ...emptyRequest(), prompt: card.prompt }, null);
  expect(rows.find(({ field }) => field === 'prompt')?.changes).toBe(false);
  expect(rows.find(({ field }) => field === 'seed')?.changes).toBe(true);
});
