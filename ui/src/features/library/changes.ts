/** What can be done to chosen pictures here, each with its way back. */
import type { Ids } from '../../bindings';
import { Failure, platform } from '../../platform';
import { forThoseLeft } from '../../store/left';
import { toasts } from '../../store/toasts.svelte';
import { undo } from '../../store/undo.svelte';
import { t } from '../../strings';

/**
 * The number of each board that was changed, shared by all its changes: a board that is made again has another
 * number, and the changes before its deletion are about it all the same.
 */
const numbers = new Map<number, { id: number }>();

function numberOf(id: number): { id: number } {
  const number = numbers.get(id) ?? { id };
  numbers.set(id, number);
  return number;
}

/** Notes that a board has its number from now on. A number that was free again belongs to no board of before. */
function renumber(number: { id: number }, id: number): void {
  number.id = id;
  numbers.set(id, number);
}

async function remove(number: { id: number }): Promise<void> {
  await platform().call('board_delete', { id: number.id });
  numbers.delete(number.id);
}

/** Makes a board with those of these pictures on it that there still are. */
async function make(number: { id: number }, name: string, ids: string[]): Promise<void> {
  renumber(number, (await platform().call('board_create', { name })).id);
  if (ids.length === 0) return;
  try {
    await forThoseLeft(ids, (left) => change(number, left, 'board_add'));
  } catch (error) {
    // A board whose pictures are all gone for good comes back empty.
    if (Failure.of(error).code !== 'not_found') throw error;
  }
}

function change({ id }: { id: number }, ids: string[], way: 'board_add' | 'board_remove'): Promise<Ids> {
  return platform().call(way, { id, ids });
}

/** Puts pictures on a board. */
export async function putOnBoard(board: { id: number; name: string }, ids: string[]): Promise<void> {
  const number = numberOf(board.id);
  const { ids: moved } = await change(number, ids, 'board_add');
  if (moved.length === 0) return;
  const label = t('library.undo.board_add', { n: moved.length, board: board.name });
  const done = undo.push({
    label,
    undo: () => forThoseLeft(moved, (left) => change(number, left, 'board_remove')),
    redo: () => forThoseLeft(moved, (left) => change(number, left, 'board_add')),
  });
  toasts.show({ text: label, action: undo.back(done) });
}

/** Takes pictures off a board; they stay in the library. */
export async function takeOffBoard(board: { id: number; name: string }, ids: string[]): Promise<void> {
  const number = numberOf(board.id);
  const { ids: moved } = await change(number, ids, 'board_remove');
  if (moved.length === 0) return;
  undo.push({
    label: t('library.undo.board_remove', { n: moved.length, board: board.name }),
    undo: () => forThoseLeft(moved, (left) => change(number, left, 'board_add')),
    redo: () => forThoseLeft(moved, (left) => change(number, left, 'board_remove')),
  });
}

/** Makes a board, and puts `ids` on it if there are any. */
export async function makeBoard(name: string, ids: string[] = []): Promise<number> {
  const number = { id: 0 };
  await make(number, name, ids);
  undo.push({
    label: t('library.undo.board_create', { board: name }),
    undo: () => remove(number),
    redo: () => make(number, name, ids),
  });
  return number.id;
}

export async function renameBoard(board: { id: number; name: string }, name: string): Promise<void> {
  if (name === board.name) return;
  const number = numberOf(board.id);
  const call = (to: string) => platform().call('board_rename', { id: number.id, name: to });
  await call(name);
  undo.push({ label: t('library.undo.board_rename', { board: name }), undo: () => call(board.name), redo: () => call(name) });
}

/** Deletes a board. Its pictures stay; undoing makes it again with the same pictures, under a new number. */
export async function deleteBoard(board: { id: number; name: string }): Promise<void> {
  const ids = await picturesOn(board.id);
  const number = numberOf(board.id);
  const label = t('library.undo.board_delete', { board: board.name });
  await remove(number);
  const done = undo.push({ label, undo: () => make(number, board.name, ids), redo: () => remove(number) });
  toasts.show({ text: label, action: undo.back(done) });
}

/** Gives pictures a tag, or takes it from them. Those that had it already, or had it not, keep out of the undoing. */
export async function tag(ids: string[], name: string, way: 'add' | 'remove'): Promise<void> {
  const set = (to: 'add' | 'remove', of: string[]) =>
    platform().call('tag', { ids: of, add: to === 'add' ? [name] : [], remove: to === 'remove' ? [name] : [] });
  const { ids: changed } = await set(way, ids);
  if (changed.length === 0) return;
  undo.push({
    label: t(way === 'add' ? 'library.undo.tagged' : 'library.undo.untagged', { n: changed.length, tag: name }),
    undo: () => forThoseLeft(changed, (left) => set(way === 'add' ? 'remove' : 'add', left)),
    redo: () => forThoseLeft(changed, (left) => set(way, left)),
  });
}

/** All pictures of a board, also those in the trash: they are still on it when they come back. */
async function picturesOn(board: number): Promise<string[]> {
  const ids: string[] = [];
  for (const trashed of [false, true]) {
    let after: string | null = null;
    do {
      const page: { items: { id: string }[]; next: string | null } = await platform().call('pictures', {
        filter: { board, trashed, order: 'newest' },
        after,
        limit: 500,
      });
      ids.push(...page.items.map(({ id }) => id));
      after = page.next;
    } while (after !== null);
  }
  return ids;
}
