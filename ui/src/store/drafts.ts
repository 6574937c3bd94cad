/** What is being written lives with the library that it is for: another one has its own. */
import type { Draft } from '../bindings';
import { platform } from '../platform';

/** How long nothing is changed until it is kept. */
const PAUSE_MS = 250;

class Drafts {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #draft: (() => Draft) | null = null;

  load(): Promise<Draft> {
    return platform().call('draft', {});
  }

  /** Keeps it once nothing has changed for a moment. Losing the last words to a crash is no cause for an alarm. */
  keep(draft: () => Draft): void {
    this.#draft = draft;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), PAUSE_MS);
  }

  /** Keeps what waits to be kept: the page is about to go. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    const draft = this.#draft;
    this.#draft = null;
    if (draft) await platform().call('draft_set', draft()).catch(() => undefined);
  }
}

export const drafts = new Drafts();
