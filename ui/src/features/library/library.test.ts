import { beforeEach, expect, test, vi } from 'vitest';
import { usePlatform } from '../../platform';
import { fakePlatform } from '../../platform/fake';
import { bus } from '../../store/bus';
import { library } from './library.svelte';

let fake: ReturnType<typeof fakePlatform>;

beforeEach(async () => {
  fake = fakePlatform({ pictures: 12 });
  usePlatform(fake);
  fake.listen((event) => bus.tell(event));
  library.go({ kind: 'all' });
  library.chooseNone();
  library.follow();
  await library.loadBoards();
  await library.look();
  await library.pages.reload();
});

test('what is gone without being named is chosen no more', async () => {
  await library.choose(3, { toggle: false, range: false });
  const id = library.chosen[0]!;
  fake.studio.card(id).trashed_at = Date.now();
  fake.studio.tell({ kind: 'pictures', ids: [] });
  await vi.waitFor(() => expect(library.pages.indexOf(id)).toBe(-1));
  await vi.waitFor(() => expect(library.chosen).toEqual([library.pages.idAt(3)]));
});

test('of two answers about boards the later question counts', async () => {
  const { call } = fake;
  const held: (() => void)[] = [];
  fake.call = async (name, request) => {
    const answer = await call(name, request);
    if (name === 'boards') await new Promise<void>((done) => held.push(done));
    return answer;
  };
  const before = library.loadBoards();
  await vi.waitFor(() => expect(held).toHaveLength(1));
  const { id } = await fake.call('board_create', { name: 'Covers' });
  const after = library.loadBoards();
  // The event asked, too.
  await vi.waitFor(() => expect(held).toHaveLength(3));
  held.slice(1).forEach((answer) => answer());
  await after;
  library.go({ kind: 'board', id });
  held[0]!();
  await before;
  expect(library.shelf, 'the older answer does not know it yet').toEqual({ kind: 'board', id });
  fake.call = call;
  await fake.call('board_delete', { id });
  await vi.waitFor(() => expect(library.shelf).toEqual({ kind: 'all' }));
});
