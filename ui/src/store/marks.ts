/** Changes to pictures of the library, each of which can be taken back. */
import type { Marks } from '../bindings';
import { platform } from '../platform';
import { t } from '../strings';
import { forThoseLeft } from './left';
import { toasts } from './toasts.svelte';
import { undo } from './undo.svelte';

/** Gives the least mark, or takes any away. A picture that is marked higher keeps that. */
export async function setStar(ids: string[], star: boolean): Promise<void> {
  await mark(ids, (before) => (star ? Math.max(1, before) : 0), star ? 1 : 0, t(star ? 'undo.starred' : 'undo.unstarred', { n: ids.length }));
}

export async function setRating(ids: string[], rating: number): Promise<void> {
  await mark(ids, () => rating, rating, t('undo.rated', { n: ids.length, rating }));
}

/** Marks `ids` with `rating`, but for those of which `wanted` says another. */
async function mark(ids: string[], wanted: (before: number) => number, rating: number, label: string) {
  if (ids.length === 0) return;
  const { before } = await platform().call('mark', { ids, rating });
  const was = new Map<string, Marks>(before.map((one) => [one.id, one]));
  const is = new Map<string, Marks>(before.map((one) => [one.id, { ...one, rating: wanted(one.rating) }]));
  const others = [...is.values()].filter((one) => one.rating !== rating);
  if (others.length > 0) await platform().call('set_marks', { marks: others });
  const set = (marks: Map<string, Marks>) => forThoseLeft(ids, (left) => platform().call('set_marks', { marks: left.flatMap((id) => marks.get(id) ?? []) }));
  undo.push({ label, undo: () => set(was), redo: () => set(is) });
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
