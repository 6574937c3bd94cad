import { expect, test, vi } from 'vitest';
import type { Abilities } from '../bindings';
import { Failure, usePlatform } from '../platform';
import { fakePlatform } from '../platform/fake';
import { MODELS } from '../platform/fake/given';
import { usualStrength } from './compose.svelte';
import { deliveredAs, draws, nearest, ratioOf, RATIOS, sizeLike, sizeOf, smaller } from './sizes';
import { toasts } from './toasts.svelte';
import { undo } from './undo.svelte';
import { PANELS, view } from './view.svelte';

const measured = MODELS[0]?.able as Abilities;
/** One that draws any size within its limits. */
const starter: Abilities = { ...measured, sizes: [] };

test('a shape becomes the nearest size that the model draws', () => {
  expect(sizeOf(starter, 1, 1)).toEqual({ width: 128, height: 128 });
  expect(sizeOf(starter, 3, 2)).toEqual({ width: 144, height: 96 });
  expect(sizeOf(starter, 9, 16)).toEqual({ width: 96, height: 160 });
});

test('a shape that the model cannot draw is none', () => expect(sizeOf(starter, 21, 9)).toBeNull());

test('what is like a picture is its own size, else its shape, else left to the studio', () => {
  expect(sizeLike(starter, { width: 144, height: 96 })).toEqual({ width: 144, height: 96 });
  expect(sizeLike(starter, { width: 1500, height: 1000 })).toEqual({ width: 144, height: 96 });
  expect(sizeLike(starter, { width: 2560, height: 1080 })).toEqual({ width: null, height: null });
  expect(sizeLike(null, { width: 144, height: 96 })).toEqual({ width: null, height: null });
});

test('a model that names its sizes draws these and no others', () => {
  expect(sizeOf(measured, 1, 1)).toEqual({ width: 128, height: 128 });
  expect(sizeOf(measured, 3, 2)).toBeNull();
  expect(draws(measured, { width: 144, height: 96 })).toBe(false);
  expect(sizeLike(measured, { width: 1500, height: 1000 })).toEqual({ width: null, height: null });
  expect(nearest(measured, { width: 1080, height: 1350 })).toEqual({ width: 128, height: 128 });
});

test('what is asked for and cannot be drawn has a nearest, and a smaller one', () => {
  expect(nearest(starter, { width: 1080, height: 1080 })).toEqual({ width: 128, height: 128 });
  expect(smaller(starter, { width: 160, height: 160 })).toEqual({ width: 144, height: 144 });
  expect(smaller(measured, { width: 128, height: 128 })).toBeNull();
});

test('a shape that is not drawn is delivered with the shorter side that channels ask for', () => {
  expect(RATIOS.filter(({ name }) => ['4:5', '16:9'].includes(name)).map(deliveredAs)).toEqual([
    { width: 1920, height: 1080 },
    { width: 1080, height: 1350 },
  ]);
});

test('a size knows the shape it was chosen by', () => {
  expect(ratioOf(starter, { width: 144, height: 96 })).toBe('3:2');
  expect(ratioOf(starter, { width: 112, height: 96 })).toBeNull();
});

test('a larger model has every shape', () => {
  const large = { ...starter, min_side: 256, max_side: 2048, defaults: { ...starter.defaults, width: 1024, height: 1024 } };
  const wide = sizeOf(large, 21, 9);
  expect(wide && Math.abs(wide.width / wide.height - 21 / 9)).toBeLessThan(0.1);
});

test('a change is taken back once, however often the key is pressed meanwhile', async () => {
  undo.clear();
  let count = 0;
  undo.push({ label: 'one', undo: () => new Promise((done) => setTimeout(() => done((count += 1)), 10)), redo: () => undefined });
  await Promise.all([undo.undo(), undo.undo()]);
  expect(count).toBe(1);
  expect(undo.undone.map((one) => one.label)).toEqual(['one']);
});

test('a change that cannot be taken back stays and says why', async () => {
  undo.clear();
  toasts.list = [];
  undo.push({ label: 'one', undo: () => Promise.reject(new Error('the disk is full')), redo: () => undefined });
  await undo.undo();
  expect(undo.done).toHaveLength(1);
  expect(toasts.list[0]?.text).toBe('the disk is full');
});

test('a change of something that is gone for good makes way for the ones before', async () => {
  undo.clear();
  toasts.list = [];
  let count = 0;
  undo.push({ label: 'one', undo: () => (count += 1), redo: () => undefined });
  undo.push({ label: 'two', undo: () => Promise.reject(new Failure({ code: 'not_found', message: 'no such picture', field: null })), redo: () => undefined });
  await undo.undo();
  expect([undo.done.length, undo.undone.length, toasts.list[0]?.text]).toEqual([1, 0, 'no such picture']);
  await undo.undo();
  expect(count).toBe(1);
});

test('what a notice offers to take back is its own change, or nothing', () => {
  undo.clear();
  const change = (label: string) => undo.push({ label, undo: () => undefined, redo: () => undefined });
  const first = undo.back(change('first'));
  expect(first.when?.()).toBe(true);
  const second = undo.back(change('second'));
  expect([first.when?.(), second.when?.()]).toEqual([false, true]);
});

test('a new change ends what could be done again', () => {
  undo.clear();
  undo.undone = [{ label: 'old', undo: () => undefined, redo: () => undefined }];
  undo.push({ label: 'new', undo: () => undefined, redo: () => undefined });
  expect(undo.undone).toHaveLength(0);
});

test('notices pass by themselves, but for those of something that is lost', () => {
  vi.useFakeTimers();
  toasts.list = [];
  toasts.error(new Failure({ code: 'storage', message: 'no room', field: null }));
  toasts.error(new Failure({ code: 'cancelled', message: 'cancelled', field: null }));
  toasts.show({ text: 'done' });
  expect(toasts.shown?.text, 'the latest is shown').toBe('done');
  vi.advanceTimersByTime(60_000);
  expect(toasts.list.map((one) => one.text), 'and what is lost comes back').toEqual(['no room']);
  toasts.list = [];
  toasts.error(new Failure({ code: 'not_found', message: 'it is gone', field: null }));
  vi.advanceTimersByTime(60_000);
  expect(toasts.list).toEqual([]);
  vi.useRealTimers();
});

test('one notice is shown at a time, and what passes makes room for the next', () => {
  toasts.list = [];
  for (const n of [1, 2]) toasts.show({ text: `lost ${n}`, tone: 'error', stay: 'lost' });
  toasts.show({ text: 'under way', stay: 'under_way' });
  for (const n of [1, 2, 3]) toasts.show({ text: `done ${n}` });
  expect(toasts.list.map((one) => one.text)).toEqual(['lost 1', 'lost 2', 'under way', 'done 3']);
  toasts.dismiss(toasts.shown!.id);
  expect(toasts.shown?.text).toBe('under way');
  toasts.list = [];
});

test('a panel keeps to its limits and is remembered', () => {
  view.resize('inspector', 9999);
  expect(view.sizes.inspector).toBe(PANELS.inspector.most);
  expect(localStorage.getItem('likeness.inspector')).toBe(String(PANELS.inspector.most));
});

test('what the studio refuses keeps its field', async () => {
  usePlatform(fakePlatform());
  const { platform } = await import('../platform');
  const settings = await platform().call('settings', {});
  const refused = platform().call('settings_set', { ...settings, trash_days: 0 });
  await expect(refused).rejects.toMatchObject({ code: 'usage', field: 'trash_days' });
});

test('shows how far a masked picture goes from the one it begins from', () => {
  const defaults = { strength: 0.6, masked_strength: 1 } as Parameters<typeof usualStrength>[0];
  expect(usualStrength(defaults, { mask: null })).toBe(0.6);
  expect(usualStrength(defaults, { mask: { asset: 'a' } })).toBe(1);
});
