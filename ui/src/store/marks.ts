/** Changes to pictures of the library, each of which can be taken back. */
import type { Marks } from '../bindings';
import { platform } from '../platform';
import { t } from '../strings';
import { forThoseLeft } from './left';
import { toasts } from './toasts.svelte';
import { undo } from './undo.svelte';
import { viewer } from './viewer.svelte';

/** From 0, which is none, to 5. */
export async function setRating(ids: string[], rating: number, unmarked = false): Promise<void> {
  if (ids.length === 0) return;
  const { before } = await platform().call('mark', { ids, rating, unmarked });
  const was = new Map<string, Marks>(before.map((one) => [one.id, one]));
  const n = was.size;
  if (n === 0) return;
  const label = rating === 0 ? t('undo.unrated', { n }) : t('undo.rated', { n, rating });
  undo.push({
    label,
    undo: () => forThoseLeft([...was.keys()], (left) => platform().call('set_marks', { marks: left.flatMap((id) => was.get(id) ?? []) })),
    redo: () => forThoseLeft([...was.keys()], (left) => platform().call('mark', { ids: left, rating })),
  });
}

/** Those that have no mark get one star; what has more keeps it. */
export const giveStar = (ids: string[]) => setRating(ids, 1, true);

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
  const looked = viewer.id;
  const moved = (await platform().call(way, { ids })).ids;
  if (moved.length === 0) return;
  const change = undo.push({
    label,
    undo: async () => {
      await forThoseLeft(moved, (left) => platform().call(back, { ids: left }));
      // What one looked at when it went is what one wants to see back.
      if (way === 'trash' && looked !== null && moved.includes(looked)) viewer.open(looked);
    },
    redo: () => forThoseLeft(moved, (left) => platform().call(way, { ids: left })),
  });
  toasts.show({ text: label, action: undo.back(change) });
}
