/**
 * The check of the library, its mending and its copy. They take their time, so what came of them is kept here while
 * one goes elsewhere, and told there.
 */
import type { LibraryProblem } from '../../bindings';
import { Failure, platform } from '../../platform';
import { compose } from '../../store/compose.svelte';
import { toasts } from '../../store/toasts.svelte';
import { view } from '../../store/view.svelte';
import { t } from '../../strings';
import { bytes } from '../../strings/format';

export type Said =
  | { kind: 'clean'; pictures: number }
  | { kind: 'problems'; list: readonly LibraryProblem[] }
  | { kind: 'mended'; done: readonly string[]; left: readonly LibraryProblem[] }
  | { kind: 'unused'; count: number; bytes: number; removed: boolean }
  | { kind: 'copied'; folder: string };

type Way = 'check' | 'repair' | 'unused' | 'backup';

class Care {
  said = $state.raw<Said | null>(null);
  problem = $state.raw<Failure | null>(null);
  busy = $state<Way | null>(null);
  /** Whether the settings that show all this are on the screen. */
  shown = false;

  check(): Promise<void> {
    return this.#act('check', async () => {
      const { pictures, problems } = await platform().call('library_check', {});
      return problems.length === 0 ? { kind: 'clean', pictures } : { kind: 'problems', list: problems };
    });
  }

  repair(): Promise<void> {
    return this.#act('repair', async () => ({ kind: 'mended', ...(await platform().call('library_repair', {})) }));
  }

  /** Counts references and masks that nothing needs, or deletes them. What is being written, the studio does not know. */
  unused(removed: boolean): Promise<void> {
    return this.#act('unused', async () => {
      const { references, init, mask } = compose.draft;
      const kept = [...references, init, mask].flatMap((one) => (one ? [one.asset] : []));
      return { kind: 'unused', removed, ...(await platform().call('library_unused', { kept, remove: removed })) };
    });
  }

  backup(): Promise<void> {
    return this.#act('backup', async () => {
      const folder = await platform().openFolder();
      if (folder === null) return null;
      await platform().call('library_backup', { path: folder });
      return { kind: 'copied', folder };
    });
  }

  async #act(way: Way, run: () => Promise<Said | null>): Promise<void> {
    this.busy = way;
    this.problem = null;
    try {
      const said = await run();
      this.said = said ?? this.said;
      if (said !== null && !this.shown) toasts.show({ text: sentence(said), action: { label: t('view.settings'), run: () => view.show('settings') } });
    } catch (error) {
      this.problem = Failure.of(error);
      if (!this.shown) toasts.error(error);
    } finally {
      this.busy = null;
    }
  }
}

export const care = new Care();

/** What came of it, without the list of what was found. */
export function sentence(said: Said): string {
  switch (said.kind) {
    case 'clean':
      return t('settings.care.clean', { n: said.pictures });
    case 'problems':
      return t('settings.care.found', { n: said.list.length });
    case 'mended':
      return said.left.length === 0 ? t('settings.care.mended') : t('settings.care.left', { n: said.left.length });
    case 'unused':
      if (said.count === 0) return t('settings.care.unused.none');
      return t(said.removed ? 'settings.care.unused.removed' : 'settings.care.unused.some', { n: said.count, bytes: bytes(said.bytes) });
    case 'copied':
      return t('settings.care.copied', { folder: said.folder });
  }
}
