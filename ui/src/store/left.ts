import { Failure, platform } from '../platform';

/**
 * Does something with those of `ids` that there still are: between a change and its undoing some may have been
 * deleted for good, and the others are to be brought back all the same.
 */
export async function forThoseLeft<T>(ids: string[], run: (left: string[]) => Promise<T>): Promise<T> {
  try {
    return await run(ids);
  } catch (error) {
    if (Failure.of(error).code !== 'not_found') throw error;
    const there = await Promise.all(ids.map(isThere));
    const left = ids.filter((_, n) => there[n]);
    // With all or none of them there, it was not some of the pictures that were not found.
    if (left.length === 0 || left.length === ids.length) throw error;
    return run(left);
  }
}

/** Asks for the row alone: of a picture's details the file would be read. */
async function isThere(id: string): Promise<boolean> {
  try {
    await platform().call('asset', { id });
    return true;
  } catch (error) {
    if (Failure.of(error).code === 'not_found') return false;
    throw error;
  }
}
