import { beforeEach, expect, test, vi } from 'vitest';
import { Failure, platform } from '../platform';
import { t } from '../strings';
import { drag, draggable } from './drag.svelte';
import { toasts } from './toasts.svelte';

beforeEach(() => (toasts.list = []));

/** Drags a picture past the edge of the window. */
function dragOut(): void {
  const element = document.createElement('div');
  element.setPointerCapture = () => undefined;
  const stop = draggable(() => ['a'])(element);
  const at = (clientX: number) => ({ clientX, clientY: 10, button: 0, pointerId: 1, pointerType: 'mouse' });
  element.dispatchEvent(new PointerEvent('pointerdown', at(10)));
  window.dispatchEvent(new PointerEvent('pointermove', at(-5)));
  stop?.();
}

test.each([
  ['the studio cannot find the file', () => Promise.reject(new Failure({ code: 'not_found', message: 'There is no picture a.', field: null })), 'There is no picture a.'],
  ['the desktop cannot', () => Promise.resolve(false), t('drag.not_out')],
])('a drag out of the window that comes to nothing says why: %s', async (_, begin, said) => {
  platform().startDrag = vi.fn(begin);
  dragOut();
  expect(platform().startDrag).toHaveBeenCalledWith(['a']);
  await vi.waitFor(() => expect(toasts.list.map(({ text, tone }) => [text, tone])).toEqual([[said, 'error']]));
  expect(drag.active).toBe(false);
});

test('one that begins says nothing', async () => {
  dragOut();
  await Promise.resolve();
  expect(toasts.list).toEqual([]);
});
