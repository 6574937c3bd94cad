/** Every action there is, found by id and by key. */
import { createActions } from '../features/create/actions';
import { paintingActions } from '../features/create/painting-actions';
import { pictureActions } from '../features/create/picture-actions';
import { libraryActions } from '../features/library/actions';
import { queueActions } from '../features/queue/actions';
import { settings } from '../store/settings.svelte';
import { toasts } from '../store/toasts.svelte';
import { prompt } from '../features/create/prompt.svelte';
import { composing, matches, typed, writes } from './keys';
import type { Action, Heard } from './types';
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

/**
 * Where a key of an action is heard. What is done to pictures is done by key only where a picture has the focus, unless
 * it is meant for while one writes, too; and so is whatever has a letter for its key: elsewhere that letter is written.
 */
export function heardAt(one: Action, key: string): Heard {
  return one.heard ?? (!one.typing && (one.group === 'picture' || writes(key)) ? 'picture' : 'anywhere');
}

/** Where a picture has the focus: the viewer, the filmstrip, the grid, a family. */
const PICTURES = '[data-region="viewer"], [data-region="filmstrip"], [data-region="pictures"], [data-region="family"]';
/** What is open for a choice is asked nothing else meanwhile. */
const CHOICES = '.popover, [role="menu"]';

/** Runs what a key stands for. A field that is written in keeps its own keys; a letter that is nobody's is written. */
export function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || composing(event)) return;
  if (document.querySelector('dialog[open]')) return;
  const place = event.target instanceof Element ? event.target : null;
  const typing = isField(place) && !passesOn(place, event);
  const letter = typed(event);
  if (letter && !typing && document.querySelector(CHOICES)) return;
  const atPicture = place?.closest(PICTURES) != null;
  for (const one of actions) {
    if (typing && !one.typing) continue;
    const key = keysOf(one).find((key) => matches(event, key));
    // What would be written into the field is written, whatever it stands for elsewhere.
    if (key === undefined || (typing && writes(key))) continue;
    if (!typing && heardAt(one, key) === 'picture' && !atPicture) continue;
    if (!possible(one)) continue;
    event.preventDefault();
    if (!event.repeat || one.repeats) void perform(one);
    return;
  }
  // The key goes on to the field that has the focus by then, which writes it.
  if (letter && !typing && !atPicture) prompt.element?.focus();
}

/** A list that is opened writes nothing: chords mean there what they mean elsewhere. */
function passesOn(field: Element | null, event: KeyboardEvent): boolean {
  return field instanceof HTMLSelectElement && (event.ctrlKey || event.metaKey);
}

const UNDO = ['undo.undo', 'undo.redo'];

/** Whether a key takes back a change, or makes it again. */
export function isUndo(event: KeyboardEvent): boolean {
  return UNDO.some((id) => keysOf(action(id)).some((key) => matches(event, key)));
}

/** For a field in which nothing is written that it could take back itself. */
export function passUndo(event: KeyboardEvent): void {
  const one = UNDO.map(action).find((one) => possible(one) && keysOf(one).some((key) => matches(event, key)));
  if (!one) return;
  event.preventDefault();
  void perform(one);
}

/** Whether something is written in. */
export function isField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !['range', 'checkbox', 'radio', 'button'].includes(target.type);
}
