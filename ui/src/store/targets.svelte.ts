/** Which pictures an action is about: what is selected on the screen that is shown. */
import type { PictureCard } from '../bindings';
import { view, type Screen } from './view.svelte';

export interface Source {
  ids: () => string[];
  /** What is known of them already, in any order. */
  cards: () => readonly PictureCard[];
}

class Targets {
  #sources = $state.raw<Partial<Record<Screen, Source>>>({});

  /** A screen tells how to find its selection; the answer takes it back. */
  provide(screen: Screen, source: Source): () => void {
    this.#sources = { ...this.#sources, [screen]: source };
    return () => {
      if (this.#sources[screen] === source) this.#sources = { ...this.#sources, [screen]: undefined };
    };
  }

  get ids(): string[] {
    return this.#sources[view.current]?.ids() ?? [];
  }

  get cards(): readonly PictureCard[] {
    return this.#sources[view.current]?.cards() ?? [];
  }

  /** The picture, where it is just one. */
  get one(): string | null {
    const ids = this.ids;
    return ids.length === 1 ? (ids[0] ?? null) : null;
  }
}

export const targets = new Targets();
