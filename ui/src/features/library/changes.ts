/** What can be done to chosen pictures here, each with its way back. */
import { platform } from '../../platform';
import { toasts } from '../../store/toasts.svelte';
import { undo } from '../../store/undo.svelte';
import { t } from '../../strings';

/** Puts pictures on a board. */
export async function putOnBoard(board: { id: number; name: string }, ids: string[]): Promise<void> {
  const { ids: moved } = await platform().call('board_add', { id: board.id, ids });
  if (moved.length === 0) return;
  const label = t('library.undo.board_add', { n: moved.length, board: board.name });
  undo.push({
    label,
    undo: () => platform().call('board_remove', { id: board.id, ids: moved }),
    redo: () => platform().call('board_add', { id: board.id, ids: moved }),
  });
  toasts.show({ text: label, action: { label: t('undo.undo'), run: () => undo.undo() } });
}

/** Takes pictures off a board; they stay in the library. */
export async function takeOffBoard(board: { id: number; name: string }, ids: string[]): Promise<void> {
  const { ids: moved } = await platform().call('board_remove', { id: board.id, ids });
  if (moved.length === 0) return;
  undo.push({
    label: t('library.undo.board_remove', { n: moved.length, board: board.name }),
    undo: () => platform().call('board_add', { id: board.id, ids: moved }),
    redo: () => platform().call('board_remove', { id: board.id, ids: moved }),
  });
}

/** Makes a board, and puts `ids` on it if there are any. */
export async function makeBoard(name: string, ids: string[] = []): Promise<number> {
  let { id } = await platform().call('board_create', { name });
  if (ids.length > 0) await platform().call('board_add', { id, ids });
  undo.push({
    label: t('library.undo.board_create', { board: name }),
    undo: () => platform().call('board_delete', { id }),
    redo: async () => {
      ({ id } = await platform().call('board_create', { name }));
      if (ids.length > 0) await platform().call('board_add', { id, ids });
    },
  });
  return id;
}

export async function renameBoard(board: { id: number; name: string }, name: string): Promise<void> {
  if (name === board.name) return;
  await platform().call('board_rename', { id: board.id, name });
  undo.push({
    label: t('library.undo.board_rename', { board: name }),
    undo: () => platform().call('board_rename', { id: board.id, name: board.name }),
    redo: () => platform().call('board_rename', { id: board.id, name }),
  });
}

/** Deletes a board. Its pictures stay; undoing makes it again with the same pictures, under a new number. */
export async function deleteBoard(board: { id: number; name: string }): Promise<void> {
  const ids = await picturesOn(board.id);
  let { id } = board;
  const label = t('library.undo.board_delete', { board: board.name });
  await platform().call('board_delete', { id });
  undo.push({
    label,
    undo: async () => {
      ({ id } = await platform().call('board_create', { name: board.name }));
      if (ids.length > 0) await platform().call('board_add', { id, ids });
    },
    redo: () => platform().call('board_delete', { id }),
  });
  toasts.show({ text: label, action: { label: t('undo.undo'), run: () => undo.undo() } });
}

/** Gives pictures a tag, or takes it from them. `ids` are those that it truly changes. */
export async function tag(ids: string[], name: string, way: 'add' | 'remove'): Promise<void> {
  const set = (to: 'add' | 'remove') =>
    platform().call('tag', { ids, add: to === 'add' ? [name] : [], remove: to === 'remove' ? [name] : [] });
  await set(way);
  undo.push({
    label: t(way === 'add' ? 'library.undo.tagged' : 'library.undo.untagged', { n: ids.length, tag: name }),
    undo: () => set(way === 'add' ? 'remove' : 'add'),
    redo: () => set(way),
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
