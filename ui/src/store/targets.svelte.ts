/** Which pictures an action is about: what is selected on the screen that is shown. */
import { view, type Screen } from './view.svelte';

class Targets {
  #sources = $state.raw<Partial<Record<Screen, () => string[]>>>({});

  /** A screen tells how to find its selection; the answer takes it back. */
  provide(screen: Screen, ids: () => string[]): () => void {
    this.#sources = { ...this.#sources, [screen]: ids };
    return () => {
      if (this.#sources[screen] === ids) this.#sources = { ...this.#sources, [screen]: undefined };
    };
  }

  get ids(): string[] {
    return this.#sources[view.current]?.() ?? [];
  }

  /** The picture, where it is just one. */
  get one(): string | null {
    const ids = this.ids;
    return ids.length === 1 ? (ids[0] ?? null) : null;
  }
}

export const targets = new Targets();
