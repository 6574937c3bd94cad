import { beforeEach, expect, test } from 'vitest';
import { Failure, platform } from '../../platform';
import { toasts } from '../../store/toasts.svelte';
import { view } from '../../store/view.svelte';
import { compose } from '../../store/compose.svelte';
import { care, sentence } from './care.svelte';

beforeEach(() => {
  toasts.list = [];
  care.said = null;
  care.problem = null;
  view.show('create');
});

test('a backup that ends while one is elsewhere is told, and stays to be read', async () => {
  care.shown = false;
  await care.backup();
  expect(toasts.list.map(({ text, tone }) => [text, tone])).toEqual([['Copied to /pictures/ada/export', 'plain']]);
  toasts.list[0]?.action?.run();
  expect(view.current).toBe('settings');
  expect(care.said).toEqual({ kind: 'copied', folder: '/pictures/ada/export' });
});

test('one that fails while one is elsewhere says so until it is read', async () => {
  care.shown = false;
  platform().call = () => Promise.reject(new Failure({ code: 'storage', message: 'The disk is full.', field: null }));
  await care.backup();
  expect(toasts.list.map(({ text, tone }) => [text, tone])).toEqual([['The disk is full.', 'error']]);
  expect([care.problem?.message, care.busy]).toEqual(['The disk is full.', null]);
});

test('what is on the screen already is not told twice', async () => {
  care.shown = true;
  await care.check();
  expect(care.said?.kind).toBe('clean');
  expect(toasts.list).toEqual([]);
});

test('references that nothing needs are counted before they go, and what is being written keeps its own', async () => {
  const asked: unknown[] = [];
  platform().call = ((_: string, request: { remove: boolean }) => {
    asked.push(request);
    return Promise.resolve({ count: 2, bytes: 3_000_000 });
  }) as ReturnType<typeof platform>['call'];
  compose.patch({ references: [{ asset: 'aa', role: 'subject', name: null }], init: { asset: 'bb', strength: 0.5 }, mask: { asset: 'cc' } });
  await care.unused(false);
  expect(asked).toEqual([{ kept: ['aa', 'bb', 'cc'], remove: false }]);
  expect(sentence(care.said!)).toContain('2 references and masks (3');
  await care.unused(true);
  expect(asked[1]).toEqual({ kept: ['aa', 'bb', 'cc'], remove: true });
  expect(sentence(care.said!)).toContain('deleted');
});
