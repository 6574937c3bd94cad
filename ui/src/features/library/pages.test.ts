import { describe, expect, it, vi } from 'vitest';
import type { Filter, Page, PictureCard, PictureDetail } from '../../bindings';
import { fakePlatform } from '../../platform/fake';
import { manyDetail, manyPictures } from '../../platform/fake/many';
import { comesBefore, everything } from './filter';
import { Pages } from './pages.svelte';

const cards = manyPictures(1500).filter(({ trashed_at }) => trashed_at === null);

/** A source over `all`, whose cursor is the last id, as a real one's would be a key; it counts once, for the first stretch. */
function over(all: PictureCard[], trouble: { fail: boolean; detail?: string } = { fail: false }, finds: (card: PictureCard) => boolean = () => true) {
  const asked: { after: string | null; limit: number }[] = [];
  const failure = { code: 'storage', message: 'the disk is gone', field: null };
  let total = 0;
  const source = {
    async page({ trashed }: Filter, after: string | null, limit: number): Promise<Page> {
      asked.push({ after, limit });
      await Promise.resolve();
      if (trouble.fail) throw failure;
      const found = (those: PictureCard[]) => those.filter((card) => (card.trashed_at !== null) === trashed && finds(card));
      if (after === null) total = found(all).length;
      const rest = found(after === null ? all : all.slice(all.findIndex(({ id }) => id === after) + 1));
      const items = rest.slice(0, limit);
      return { items, next: limit < rest.length ? items.at(-1)!.id : null, total };
    },
    async detail(id: string): Promise<PictureDetail | null> {
      if (trouble.detail === id) throw failure;
      const card = all.find((one) => one.id === id);
      return card ? manyDetail(card) : null;
    },
  };
  return { pages: new Pages(source), asked, trouble };
}

describe('stretches', () => {
  it('the first is small and says how many there are', async () => {
    const { pages, asked } = over(cards);
    await pages.show(everything());
    expect([pages.loaded, pages.total, pages.state]).toEqual([120, cards.length, 'ready']);
    expect(asked).toEqual([{ after: null, limit: 120 }]);
  });

  it('more come as far as they are wanted, each from the end of the one before', async () => {
    const { pages, asked } = over(cards);
    await pages.show(everything());
    pages.want(900);
    await vi.waitFor(() => expect(pages.loaded).toBeGreaterThanOrEqual(900));
    expect(asked.map(({ limit }) => limit)).toEqual([120, 500, 500]);
    expect(asked[2]!.after).toBe(cards[619]!.id);
    expect(pages.items.map(({ id }) => id)).toEqual(cards.slice(0, 1120).map(({ id }) => id));
  });

  it('wanting twice asks once', async () => {
    const { pages, asked } = over(cards);
    await pages.show(everything());
    pages.want(200);
    pages.want(210);
    await vi.waitFor(() => expect(pages.loaded).toBe(320));
    expect(asked).toHaveLength(2);
  });

  it('all fetches to the end', async () => {
    const { pages } = over(cards);
    await pages.show(everything());
    expect(await pages.all()).toHaveLength(cards.length);
  });

  it('an answer to an older question is thrown away', async () => {
    const { pages } = over(cards);
    const first = pages.show(everything());
    const second = pages.show({ ...everything(), min_rating: 1 });
    pages.want(600);
    await Promise.all([first, second]);
    await pages.all();
    expect(pages.loaded).toBe(cards.length);
    expect(new Set(pages.items.map(({ id }) => id)).size).toBe(cards.length);
  });
});

it('a failure is said, and trying again mends it', async () => {
  const { pages, trouble } = over(cards, { fail: true });
  await pages.show(everything());
  expect([pages.state, pages.problem?.message]).toEqual(['failed', 'the disk is gone']);
  trouble.fail = false;
  await pages.reload();
  expect([pages.state, pages.problem]).toEqual(['ready', null]);
});

describe('changes', () => {
  const some = () => cards.slice(0, 50).map((card) => ({ ...card, rating: 0 }));

  it('a mark is taken up in place, without asking for the page again', async () => {
    const all = some();
    const { pages, asked } = over(all);
    await pages.show(everything());
    all[7] = { ...all[7]!, rating: 2 };
    await pages.changed([all[7].id]);
    expect(pages.at(7)?.rating).toBe(2);
    expect(asked).toHaveLength(1);
  });

  it('what the filter lets through no longer goes, and what is gone for good too', async () => {
    const all = some();
    const { pages } = over(all);
    await pages.show(everything());
    const [trashed, purged] = [all[3]!.id, all[4]!.id];
    all[3] = { ...all[3]!, trashed_at: 1 };
    all.splice(4, 1);
    await pages.changed([trashed, purged]);
    expect([pages.total, pages.indexOf(trashed), pages.indexOf(purged)]).toEqual([48, -1, -1]);
  });

  it('a new picture goes where it belongs', async () => {
    const all = some();
    const newest = all.shift()!;
    const { pages } = over(all);
    await pages.show(everything());
    all.unshift(newest);
    await pages.changed([newest.id]);
    expect([pages.idAt(0), pages.total]).toEqual([newest.id, 50]);
  });

  it('the count stays with what has gone since it was counted, to the end of the list', async () => {
    const all = cards.slice(0, 600);
    const { pages } = over(all);
    await pages.show(everything());
    for (const place of [3, 4, 5]) all[place] = { ...all[place]!, trashed_at: 1 };
    await pages.changed(all.slice(3, 6).map(({ id }) => id));
    await pages.reach(300);
    expect([pages.loaded, pages.total]).toEqual([317, 597]);
    expect([(await pages.all()).length, pages.total]).toEqual([597, 597]);
  });

  it('and with what has come since', async () => {
    const all = cards.slice(5, 600);
    const { pages } = over(all);
    await pages.show(everything());
    all.unshift(...cards.slice(0, 5));
    await pages.changed(cards.slice(0, 5).map(({ id }) => id));
    await pages.reach(300);
    expect(pages.total).toBe(600);
    expect([(await pages.all()).length, pages.total]).toEqual([600, 600]);
  });

  it.each([
    ['rated', { rating: 5 }, 600],
    ['deleted', { trashed_at: 1 }, 599],
  ])('one that has not come yet and is %s is counted once', async (_, change, total) => {
    const all = cards.slice(0, 600);
    const { pages } = over(all);
    await pages.show(everything());
    all[400] = { ...all[400]!, ...change };
    await pages.changed([all[400].id]);
    expect(pages.total).toBe(total);
    expect(await pages.all()).toHaveLength(total);
  });

  it.each([
    ['rated', { order: 'newest' as const, min_rating: 1 }, 1],
    ['any', { order: 'newest' as const }, 1],
    ['any, the oldest first', { order: 'oldest' as const }, 2],
  ])('a new picture asks for the list anew only where it may stand past what has come: %s', async (_, filter, times) => {
    const all = cards.slice(1, 600);
    if (filter.order === 'oldest') all.reverse();
    const { pages, asked } = over(all);
    await pages.show({ ...everything(), ...filter });
    all.unshift({ ...cards[0]!, rating: 0 });
    await pages.changed([cards[0]!.id]);
    expect(asked).toHaveLength(times);
  });

  it.each([
    ['狐狸', '一只红色的狐狸', true],
    ['fox -snow', 'a fox on a table', true],
    ['café', 'a cafe by the sea', true],
    // The library looks for it in what was to be seen only.
    ['blurry', 'a fox', false],
  ])('what comes back under the search %s is for the library to find', async (text, prompt, found) => {
    const all = some().map((card) => ({ ...card, prompt, source: 'a1111' }));
    const { pages } = over(all, undefined, () => found);
    all[3] = { ...all[3]!, trashed_at: 1 };
    await pages.show({ ...everything(), text });
    all[3] = { ...all[3], trashed_at: null };
    await pages.changed([all[3].id]);
    expect(pages.indexOf(all[3].id)).toBe(found ? 3 : -1);
  });

  it('one that cannot be read does not keep the others from being taken up', async () => {
    const all = some();
    const trouble = { fail: false, detail: all[8]!.id };
    const { pages } = over(all, trouble);
    await pages.show(everything());
    all[7] = { ...all[7]!, rating: 2 };
    await pages.changed([all[7].id, all[8]!.id]);
    expect(pages.at(7)?.rating).toBe(2);
    trouble.fail = true;
    await pages.changed([all[8]!.id]);
    expect(pages.problem?.message, 'what is wrong is said').toBe('the disk is gone');
  });

  it('the best are the best rated, then the latest, as the library has them', async () => {
    const all = some()
      .slice(0, 2)
      .map((card) => ({ ...card, rating: 3 }));
    const best = { ...cards[60]!, rating: 4 };
    const { pages } = over(all);
    await pages.show({ ...everything(), order: 'best' });
    all.push(best);
    await pages.changed([best.id]);
    expect(pages.items.map(({ id }) => id)).toEqual([best.id, all[0]!.id, all[1]!.id]);
  });

  it('the fake has them in the same order', async () => {
    const filter = { ...everything(), order: 'best' as const };
    const { items } = await fakePlatform({ pictures: 400 }).call('pictures', { filter, after: null, limit: 400 });
    expect(items.filter((card, place) => place > 0 && comesBefore(filter, card, items[place - 1]!))).toEqual([]);
  });

  it('one that loses its place among the best is not there twice', async () => {
    const all = cards.slice(0, 300).map((card, place) => ({ ...card, rating: place < 200 ? 1 : 0 }));
    const { pages } = over(all);
    await pages.show({ ...everything(), order: 'best' });
    const card = { ...all[0]!, rating: 0 };
    all.splice(0, 1);
    all.splice(199, 0, card);
    await pages.changed([card.id]);
    const ids = (await pages.all()).map(({ id }) => id);
    expect([ids.length, new Set(ids).size, pages.total]).toEqual([300, 300, 300]);
  });

  it('asked for anew, it comes as far as it was there, and stays until then', async () => {
    const { pages, asked } = over(cards);
    await pages.show(everything());
    await pages.reach(1000);
    const before = pages.loaded;
    asked.length = 0;
    const again = pages.reload();
    expect(pages.loaded, 'nothing is taken away meanwhile').toBe(before);
    await again;
    expect(pages.loaded).toBeGreaterThanOrEqual(before);
    expect(asked.map(({ limit }) => limit)).toEqual([500, 500, 500]);
  });

  it('many at once are asked for anew', async () => {
    const all = some();
    const { pages, asked } = over(all);
    await pages.show(everything());
    await pages.changed(all.map(({ id }) => id));
    expect(asked).toHaveLength(2);
  });
});
