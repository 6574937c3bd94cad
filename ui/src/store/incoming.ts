/** Pictures that come from outside: dropped, pasted or chosen. */
import { openRestore } from '../features/restore/open.svelte';
import type { Imported } from '../bindings';
import { platform } from '../platform';
import { t } from '../strings';
import { compose } from './compose.svelte';
import { toasts } from './toasts.svelte';
import { viewer } from './viewer.svelte';

/** Takes files into the library, or only to be used in a request; what was refused is said. */
export async function takeFiles(paths: string[], reference = false): Promise<Imported[]> {
  if (paths.length === 0) return [];
  try {
    const { imported, refused } = await platform().call('import', { paths, reference });
    for (const { path, reason } of refused) toasts.show({ text: t('incoming.refused', { name: nameOf(path), reason }), tone: 'error' });
    return imported;
  } catch (error) {
    toasts.error(error);
    return [];
  }
}

/** Shows what came; one that says how it was made offers to be made again. */
export function show(imported: Imported[]): void {
  const first = imported[0];
  if (!first) return;
  if (first.picture) viewer.open(first.picture.id);
  const told = imported.find((one) => one.settings !== null);
  if (told) openRestore(told);
  else toasts.show({ text: t('incoming.taken', { n: imported.length }) });
}

export async function takeAsReferences(paths: string[]): Promise<void> {
  for (const { asset } of await takeFiles(paths, true)) compose.takeReference(asset);
}

/** What the clipboard or a browser's drop holds: bytes without a path. */
export async function takeBlob(blob: Blob, name: string, reference = false): Promise<Imported | null> {
  try {
    return await platform().call('import_bytes', { name, base64: await base64(blob), reference });
  } catch (error) {
    toasts.error(error);
    return null;
  }
}

async function base64(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = '';
  // In pieces: a call can take only so many arguments.
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

const nameOf = (path: string) => path.split(/[\\/]/).at(-1) ?? path;
