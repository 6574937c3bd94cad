import { beforeEach, expect, test, vi } from 'vitest';
import { usePlatform } from '../platform';
import { fakePlatform } from '../platform/fake';
import { bus } from './bus';
import { session } from './session.svelte';
import { viewer } from './viewer.svelte';

viewer.start();
bus.on('pictures', () => void session.load());

let fake: ReturnType<typeof fakePlatform>;

beforeEach(async () => {
  fake = fakePlatform({ pictures: 12 });
  usePlatform(fake);
  fake.listen((event) => bus.tell(event));
  const { call } = fake;
  // The latest pictures are answered first.
  fake.call = async (name, request) => {
    const answer = await call(name, request);
    if (name === 'picture') await new Promise((later) => setTimeout(later, 40));
    return answer;
  };
  await session.load();
});

const place = (at: number) => session.list.at(at)!.id;

test.each([
  ['in the middle', 2, 3],
  ['the newest', -1, -2],
])('a picture that is deleted makes room for its neighbour: %s', async (_, at, next) => {
  const [id, near] = [place(at), place(next)];
  viewer.open(id);
  await vi.waitFor(() => expect(viewer.detail?.card.id).toBe(id));
  await fake.call('trash', { ids: [id] });
  await vi.waitFor(() => expect(viewer.id).not.toBe(id));
  expect(viewer.id).toBe(near);
});

test('one that is opened from the trash is shown, and one that comes out of it and goes again makes room', async () => {
  const id = place(4);
  await fake.call('trash', { ids: [id] });
  await vi.waitFor(() => expect(session.has(id)).toBe(false));
  viewer.open(id);
  await vi.waitFor(() => expect(viewer.detail?.card.id).toBe(id));
  expect([viewer.id, viewer.card()?.trashed_at]).toEqual([id, expect.any(Number)]);
  await fake.call('restore', { ids: [id] });
  await vi.waitFor(() => expect(viewer.card()?.trashed_at).toBeNull());
  await fake.call('trash', { ids: [id] });
  await vi.waitFor(() => expect(viewer.id).not.toBe(id));
});

test('what is gone without being named goes from the viewer, too', async () => {
  const [id, near] = [place(3), place(4)];
  viewer.open(id);
  await vi.waitFor(() => expect(viewer.detail?.card.id).toBe(id));
  fake.studio.card(id).trashed_at = Date.now();
  fake.studio.tell({ kind: 'pictures', ids: [] });
  await vi.waitFor(() => expect(viewer.id).toBe(near));
});

test('its neighbour is none that goes with it', async () => {
  const [id, near] = [place(2), place(5)];
  viewer.open(id);
  await fake.call('trash', { ids: [id, place(3), place(4)] });
  await vi.waitFor(() => expect(viewer.id).toBe(near));
});
