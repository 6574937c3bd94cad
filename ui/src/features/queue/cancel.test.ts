import { beforeEach, expect, test } from 'vitest';
import { usePlatform } from '../../platform';
import { fakePlatform, type FakePlatform } from '../../platform/fake';
import { emptyRequest } from '../../store/compose.svelte';
import { toasts } from '../../store/toasts.svelte';
import { undo } from '../../store/undo.svelte';
import { cancelJobs } from './cancel';

let fake: FakePlatform;

beforeEach(async () => {
  fake = fakePlatform({ step: 1 });
  usePlatform(fake);
  undo.clear();
  toasts.list = [];
  await fake.call('queue_pause', { paused: true });
  await fake.call('render', { request: { ...emptyRequest(), prompt: 'a fox', count: 3 }, place: 'last', interactive: false });
});

const states = () => fake.studio.engine.queue().jobs.map((job) => job.state);

test('a night’s work that was cancelled by a slip comes back', async () => {
  await cancelJobs(null);
  expect(states()).toEqual(['cancelled', 'cancelled', 'cancelled']);
  expect(toasts.list.at(-1)?.text).toBe('3 jobs cancelled');
  await undo.undo();
  expect(states()).toEqual(['waiting', 'waiting', 'waiting']);
  await undo.redo();
  expect(states()).toEqual(['cancelled', 'cancelled', 'cancelled']);
});

test('what had ended before is not made again by taking it back', async () => {
  const [first, second] = fake.studio.engine.queue().jobs;
  await cancelJobs([first!.id]);
  expect(toasts.list, 'one is seen where it was').toEqual([]);
  undo.clear();
  await cancelJobs([first!.id, second!.id]);
  await undo.undo();
  expect(states().filter((state) => state === 'cancelled')).toHaveLength(1);
  await cancelJobs([first!.id]);
  expect(undo.undone, 'nothing was left to cancel').toHaveLength(1);
});
