import { describe, expect, it, vi } from 'vitest';
import type { Filter, Page, PictureCard, PictureDetail } from '../../bindings';
import { manyDetail, manyPictures } from '../../platform/fake/many';
import { everything } from './filter';
import { Pages } from './pages.svelte';

const cards = manyPictures(1500).filter(({ trashed_at }) => trashed_at === null);

/** A source over `all`, whose cursor is the last id, as a real one's would be a key. */
function over(all: PictureCard[], trouble: { fail: boolean } = { fail: false }) {
  const asked: { after: string | null; limit: number }[] = [];
  const source = {
    async page(_: Filter, after: string | null, limit: number): Promise<Page> {
      asked.push({ after, limit });
      await Promise.resolve();
      if (trouble.fail) throw { code: 'storage', message: 'the disk is gone', field: null };
      const from = after === null ? 0 : all.findIndex(({ id }) => id === after) + 1;
      const items = all.slice(from, from + limit);
      return { items, next: from + limit < all.length ? items.at(-1)!.id : null, total: all.length };
    },
    async detail(id: string): Promise<PictureDetail | null> {
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
    const second = pages.show({ ...everything(), star: true });
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
  const some = () => cards.slice(0, 50).map((card) => ({ ...card, star: false }));

  it('a mark is taken up in place, without asking for the page again', async () => {
    const all = some();
    const { pages, asked } = over(all);
    await pages.show(everything());
    all[7] = { ...all[7]!, star: true };
    await pages.changed([all[7].id]);
    expect(pages.at(7)?.star).toBe(true);
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
