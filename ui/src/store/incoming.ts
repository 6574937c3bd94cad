/** Pictures that come from outside: dropped, pasted or chosen. */
import { openRestore } from '../features/restore/open.svelte';
import type { Imported, Refused } from '../bindings';
import { platform } from '../platform';
import { t } from '../strings';
import { compose } from './compose.svelte';
import { forThoseLeft } from './left';
import { toasts } from './toasts.svelte';
import { undo } from './undo.svelte';
import { viewer } from './viewer.svelte';

/** What is over sooner than this needs no notice that it is under way. */
const AT_ONCE_MS = 100;

/** Takes files into the library, or only to be used in a request; what came and what was refused is said. */
export async function takeFiles(dropped: string[], reference = false): Promise<Imported[]> {
  const paths = dropped.filter((path) => !isLink(path));
  // A picture of a page in a browser comes as where it lies on the network.
  if (paths.length < dropped.length) toasts.show({ text: t('incoming.link'), tone: 'error' });
  if (paths.length === 0) return [];
  const { imported, refused } = await underWay(() => platform().call('import', { paths, reference }), { imported: [], refused: [] });
  tellRefused(refused);
  tellTaken(imported);
  return imported;
}

/** Shows what came; one that says how it was made offers to be made again. */
export function show(imported: Imported[]): void {
  const first = imported[0];
  if (!first) return;
  if (first.picture) viewer.open(first.picture.id);
  const told = imported.find((one) => one.settings !== null);
  if (told) openRestore(told);
}

export async function takeAsReferences(paths: string[]): Promise<void> {
  compose.takeReferences((await takeFiles(paths, true)).map(({ asset }) => asset));
}

/** What the clipboard or a browser's drop holds: bytes without a path. */
export async function takeBlob(blob: Blob, name: string, reference = false): Promise<Imported | null> {
  const imported = await underWay<Imported | null>(async () => platform().call('import_bytes', { name, base64: await base64(blob), reference }), null);
  if (imported) tellTaken([imported]);
  return imported;
}

/** What the system's clipboard holds, where the page was given none of it. Says why where that is no picture. */
export async function takeClipboard(name: string, reference = false): Promise<Imported | null> {
  const imported = await underWay<Imported | null>(() => platform().pasteImage(name, reference), null);
  if (imported) tellTaken([imported]);
  return imported;
}

/** Says that pictures are being taken in for as long as they are. A folder of them takes its time. */
async function underWay<T>(run: () => Promise<T>, otherwise: T): Promise<T> {
  let notice: number | null = null;
  const late = setTimeout(() => (notice = toasts.show({ text: t('incoming.taking'), lasting: true })), AT_ONCE_MS);
  try {
    return await run();
  } catch (error) {
    toasts.error(error);
    return otherwise;
  } finally {
    clearTimeout(late);
    if (notice !== null) toasts.dismiss(notice);
  }
}

/** One notice, however many there were: the first says what is likely wrong with the others. */
function tellRefused(refused: readonly Refused[]): void {
  const [first, ...others] = refused;
  if (!first) return;
  const one = { name: nameOf(first.path), reason: first.reason };
  toasts.show({ text: others.length === 0 ? t('incoming.refused', one) : t('incoming.refused_many', { n: refused.length, ...one }), tone: 'error' });
}

/** Says what came into the library, and lets it be taken back. References are not in it and say so themselves. */
function tellTaken(imported: readonly Imported[]): void {
  const pictures = imported.filter(({ picture }) => picture !== null);
  if (pictures.length === 0) return;
  // One that was there before stays when this is taken back.
  const ids = pictures.flatMap(({ picture, new: isNew }) => (picture && isNew ? picture.id : []));
  if (ids.length === 0) return void toasts.show({ text: t('incoming.known', { n: pictures.length }) });
  const label = t('incoming.taken', { n: ids.length });
  const change = undo.push({
    label,
    undo: () => forThoseLeft(ids, (left) => platform().call('trash', { ids: left })),
    redo: () => forThoseLeft(ids, (left) => platform().call('restore', { ids: left })),
  });
  toasts.show({ text: label, action: undo.back(change) });
}

async function base64(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = '';
  // In pieces: a call can take only so many arguments.
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

const isLink = (path: string) => /^https?:/i.test(path);
const nameOf = (path: string) => path.split(/[\\/]/).at(-1) ?? path;
