/** Every action there is, found by id and by key. */
import { createActions } from '../features/create/actions';
import { paintingActions } from '../features/create/painting-actions';
import { pictureActions } from '../features/create/picture-actions';
import { libraryActions } from '../features/library/actions';
import { queueActions } from '../features/queue/actions';
import { settings } from '../store/settings.svelte';
import { toasts } from '../store/toasts.svelte';
import { composing, matches, writes } from './keys';
import type { Action } from './types';
import { viewActions } from './view';

export const actions: readonly Action[] = [...createActions, ...paintingActions, ...pictureActions, ...queueActions, ...libraryActions, ...viewActions];

const byId = new Map(actions.map((one) => [one.id, one]));

export function action(id: string): Action {
  const found = byId.get(id);
  if (!found) throw new Error(`no action is called ${id}`);
  return found;
}

/** The keys of an action, with the person's own in place of the designed ones. */
export function keysOf(one: Action): readonly string[] {
  const own = settings.value.keys[one.id];
  if (own !== undefined) return own === '' ? [] : [own];
  return one.keys ?? [];
}

export function possible(one: Action): boolean {
  return one.when?.() ?? true;
}

export async function perform(one: Action): Promise<void> {
  takeWritten();
  if (!possible(one)) return;
  try {
    await one.run();
  } catch (error) {
    toasts.error(error);
  }
}

/** A field that is taken when one leaves it counts as it stands: who presses a key or a menu has not left it. */
function takeWritten(): void {
  const field = document.activeElement;
  if (field instanceof HTMLInputElement && field.type === 'text') field.dispatchEvent(new Event('change', { bubbles: true }));
}

/** Runs what a key stands for. A field that is written in keeps its own keys. */
export function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || composing(event)) return;
  if (document.querySelector('dialog[open]')) return;
  const typing = isField(event.target);
  for (const one of actions) {
    if (typing && !one.typing) continue;
    // What would be written into the field is written, whatever it stands for elsewhere.
    if (!keysOf(one).some((key) => matches(event, key) && !(typing && writes(key)))) continue;
    if (!possible(one)) continue;
    event.preventDefault();
    if (!event.repeat || one.repeats) void perform(one);
    return;
  }
}

/** Whether something is written in. */
export function isField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !['range', 'checkbox', 'radio', 'button'].includes(target.type);
}
