/** Pictures that come into the Library from files, and the offer to make them again. */
import { platform } from '../../platform';
import { takeFiles as takeIn } from '../../store/incoming';
import { toasts } from '../../store/toasts.svelte';
import { openRestore } from './open.svelte';

/** Asks for files and takes them in. */
export async function takeFiles(): Promise<void> {
  try {
    await takePaths(await platform().openFiles());
  } catch (error) {
    toasts.error(error);
  }
}

/** Takes files in. A single picture that says how it was made offers to be made again. */
export async function takePaths(paths: string[]): Promise<void> {
  const imported = await takeIn(paths);
  const [only] = imported;
  if (imported.length === 1 && only) openRestore(only);
}
