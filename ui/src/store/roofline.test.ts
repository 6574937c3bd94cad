import { beforeEach, expect, test } from 'vitest';
import { usePlatform } from '../platform';
import { fakePlatform, type FakePlatform } from '../platform/fake';
import { emptyRequest } from './compose.svelte';
import { roofline } from './roofline.svelte';

let fake: FakePlatform;

beforeEach(() => {
  fake = fakePlatform({ step: 1 });
  usePlatform(fake);
  Object.assign(roofline, { value: null, problem: null, refused: false });
});

async function render(): Promise<void> {
  await fake.call('render', { request: { ...emptyRequest(), prompt: 'a fox' }, place: 'last', interactive: true });
  while (fake.studio.engine.queue().done === 0) await new Promise((done) => setTimeout(done, 2));
}

test('before the first picture there is nothing to tell', async () => {
  await roofline.load();
  expect(roofline.value).toEqual({ render: null, machine: null, busy: false });
});

test('rows have limits once the machine is measured, and it is measured when somebody asks', async () => {
  await render();
  await roofline.load();
  const { render: work, machine } = roofline.value!;
  expect(machine).toBeNull();
  expect(work!.rows.every((row) => row.share_of_limit === null)).toBe(true);
  expect(work!.rows.reduce((sum, row) => sum + row.seconds, 0)).toBeCloseTo(work!.seconds - work!.load_seconds, 6);
  await roofline.measure();
  expect(roofline.value!.machine).not.toBeNull();
  expect(roofline.value!.render!.rows[0]!.share_of_limit).toBeGreaterThan(0);
  expect(roofline.refused).toBe(false);
});

test('a machine that makes a picture is not measured, and that is said', async () => {
  await fake.call('render', { request: { ...emptyRequest(), prompt: 'a fox', steps: 100 }, place: 'last', interactive: true });
  await roofline.measure();
  expect(roofline.refused).toBe(true);
  await fake.call('queue_cancel', { ids: null });
  await roofline.measure();
  expect(roofline.refused).toBe(false);
});

test('what is refused keeps what was known', async () => {
  await render();
  await roofline.load();
  fake.studio.fail.add('roofline');
  await roofline.load();
  expect(roofline.problem?.message).toMatch(/disk is full/);
  expect(roofline.value?.render).not.toBeNull();
});
