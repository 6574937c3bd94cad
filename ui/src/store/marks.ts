/** Changes to pictures of the library, each of which can be taken back. */
import type { Marks } from '../bindings';
import { platform } from '../platform';
import { t } from '../strings';
import { forThoseLeft } from './left';
import { toasts } from './toasts.svelte';
import { undo } from './undo.svelte';

export async function setStar(ids: string[], star: boolean): Promise<void> {
  await mark(ids, { star, rating: null }, t(star ? 'undo.starred' : 'undo.unstarred', { n: ids.length }));
}

export async function setRating(ids: string[], rating: number): Promise<void> {
  await mark(ids, { star: null, rating }, t('undo.rated', { n: ids.length, rating }));
}

async function mark(ids: string[], marks: { star: boolean | null; rating: number | null }, label: string) {
  if (ids.length === 0) return;
  const { before } = await platform().call('mark', { ids, ...marks });
  const was = new Map<string, Marks>(before.map((one) => [one.id, one]));
  undo.push({
    label,
    undo: () => forThoseLeft(ids, (left) => platform().call('set_marks', { marks: left.flatMap((id) => was.get(id) ?? []) })),
    redo: () => forThoseLeft(ids, (left) => platform().call('mark', { ids: left, ...marks })),
  });
}

/** Goes without a question, since it can be taken back. */
export async function moveToTrash(ids: string[]): Promise<void> {
  await move(ids, 'trash', t('undo.trashed', { n: ids.length }));
}

export async function restorePictures(ids: string[]): Promise<void> {
  await move(ids, 'restore', t('undo.restored', { n: ids.length }));
}

async function move(ids: string[], way: 'trash' | 'restore', label: string) {
  if (ids.length === 0) return;
  const back = way === 'trash' ? 'restore' : 'trash';
  const moved = (await platform().call(way, { ids })).ids;
  if (moved.length === 0) return;
  const change = undo.push({
    label,
    undo: () => forThoseLeft(moved, (left) => platform().call(back, { ids: left })),
    redo: () => forThoseLeft(moved, (left) => platform().call(way, { ids: left })),
  });
  toasts.show({ text: label, action: undo.back(change) });
}
