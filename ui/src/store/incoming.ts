/** Pictures that come from outside: dropped, pasted or chosen. */
import { openRestore } from '../features/restore/open.svelte';
import type { Imported, Refused } from '../bindings';
import { Failure, platform } from '../platform';
import { t, TABLES, type Key } from '../strings';
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
  const none = { imported: [], refused: [] };
  const { imported, refused } = paths.length === 0 ? none : await underWay(() => platform().call('import', { paths, reference }), none);
  // A picture of a page in a browser comes as where it lies on the network.
  tell(imported, [sayRefused(refused), paths.length < dropped.length ? t('incoming.link') : '']);
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
  if (imported) tell([imported]);
  return imported;
}

/** The picture on the system's clipboard, where the page is given none; one that cannot be used says why. */
export async function takeClipboard(reference: boolean): Promise<Imported | null> {
  const imported = await underWay<Imported | null>(() => platform().pasteImage(t('incoming.pasted'), reference), null, (error) => {
    const why = `incoming.${Failure.of(error).field ?? ''}`;
    if (why in TABLES.en) toasts.show({ text: t(why as Key), tone: 'error' });
    else toasts.error(error);
  });
  if (imported) tell([imported]);
  return imported;
}

/** Says that pictures are being taken in for as long as they are. A folder of them takes its time. */
async function underWay<T>(run: () => Promise<T>, otherwise: T, refuse: (error: unknown) => void = (error) => toasts.error(error)): Promise<T> {
  let notice: number | null = null;
  const late = setTimeout(() => (notice = toasts.show({ text: t('incoming.taking'), stay: 'under_way' })), AT_ONCE_MS);
  try {
    return await run();
  } catch (error) {
    refuse(error);
    return otherwise;
  } finally {
    clearTimeout(late);
    if (notice !== null) toasts.dismiss(notice);
  }
}

/**
 * One notice of all that came and what did not: the first that was refused says what is likely wrong with the others.
 * What came can be taken back. References are not in the library and say so themselves.
 */
function tell(imported: readonly Imported[], refused: readonly string[] = []): void {
  const pictures = imported.filter(({ picture }) => picture !== null);
  // One that was there before stays when this is taken back.
  const ids = pictures.flatMap(({ picture, new: isNew }) => (picture && isNew ? picture.id : []));
  const label = t('incoming.taken', { n: ids.length });
  const came = ids.length > 0 ? label : pictures.length > 0 ? t('incoming.known', { n: pictures.length }) : '';
  const lost = refused.filter(Boolean);
  const text = [came, ...lost].filter(Boolean).join('. ');
  if (text === '') return;
  const change =
    ids.length > 0 &&
    undo.push({
      label,
      undo: () => forThoseLeft(ids, (left) => platform().call('trash', { ids: left })),
      redo: () => forThoseLeft(ids, (left) => platform().call('restore', { ids: left })),
    });
  toasts.show({ text, action: change ? undo.back(change) : null, ...(lost.length > 0 && { tone: 'error', stay: 'lost' }) });
}

function sayRefused([first, ...others]: readonly Refused[]): string {
  if (!first) return '';
  const one = { name: nameOf(first.path), reason: first.reason };
  return others.length === 0 ? t('incoming.refused', one) : t('incoming.refused_many', { n: others.length + 1, ...one });
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
