import { expect, test, vi } from 'vitest';
import { usePlatform } from '../platform';
import { fakePlatform } from '../platform/fake';
import { boot } from './boot';
import { toasts } from './toasts.svelte';
import { view } from './view.svelte';

test('why the queue is paused stays until it is read, and leads to the queue', async () => {
  const fake = fakePlatform({ pictures: 3, step: 1 });
  usePlatform(fake);
  await boot();
  vi.useFakeTimers();
  fake.studio.tell({ kind: 'notice', message: 'The queue is paused: the disk is full.' });
  vi.advanceTimersByTime(60_000);
  vi.useRealTimers();
  expect(toasts.list.map(({ text, tone }) => [text, tone])).toEqual([['The queue is paused: the disk is full.', 'error']]);
  toasts.list[0]?.action?.run();
  expect(view.queueOpen).toBe(true);
});
