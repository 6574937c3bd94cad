import { beforeEach, expect, test, vi } from 'vitest';
import type { Settings } from '../bindings';
import { Failure, platform } from '../platform';
import { settings } from './settings.svelte';
import { toasts } from './toasts.svelte';

/** The calls that wait to be answered, in order. */
let asked: { wish: Settings; answer: (error?: Failure) => void }[];

beforeEach(async () => {
  toasts.list = [];
  await settings.load();
  asked = [];
  const { call } = platform();
  platform().call = async (name, request) => {
    if (name === 'settings_set') await new Promise<void>((done, fail) => asked.push({ wish: request as Settings, answer: (error) => (error ? fail(error) : done()) }));
    return call(name, request);
  };
});

test('of quick changes one is under way at a time, and the latest is what stays', async () => {
  const all = [5, 6, 7].map((trash_days) => settings.change({ trash_days }));
  expect(settings.value.trash_days, 'it shows at once').toBe(7);
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  const later = [settings.change({ trash_days: 8 }), settings.change({ theme: 'light' }), settings.change({ trash_days: 9 })];
  await settings.load();
  expect([settings.value.trash_days, settings.value.theme]).toEqual([9, 'light']);
  asked[0]!.answer();
  await Promise.all(all);
  expect(settings.value.trash_days, 'an answer to an older wish').toBe(9);
  await vi.waitFor(() => expect(asked).toHaveLength(2));
  asked[1]!.answer();
  await Promise.all(later);
  expect(asked.map(({ wish }) => [wish.trash_days, wish.theme])).toEqual([[7, 'dark'], [9, 'light']]);
  expect([settings.value.trash_days, settings.value.theme]).toEqual([9, 'light']);
});

test('what is refused does not take what was wished meanwhile with it', async () => {
  const before = settings.value.trash_days;
  const wrong = settings.change({ trash_days: 9999 });
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  const right = settings.change({ theme: 'light' });
  asked[0]!.answer(new Failure({ code: 'usage', message: 'Days in the trash: 1 to 3650.', field: 'trash_days' }));
  await expect(wrong).rejects.toThrow('1 to 3650');
  await vi.waitFor(() => expect(asked).toHaveLength(2));
  asked[1]!.answer();
  await right;
  expect([settings.value.trash_days, settings.value.theme]).toEqual([before, 'light']);
  expect(toasts.list, 'it is said beside the field').toEqual([]);
});
