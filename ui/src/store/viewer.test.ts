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

test('its neighbour is none that goes with it', async () => {
  const [id, near] = [place(2), place(5)];
  viewer.open(id);
  await fake.call('trash', { ids: [id, place(3), place(4)] });
  await vi.waitFor(() => expect(viewer.id).toBe(near));
});
