/** What can be taken back: every change to the library and to the request that is being written. */
import { toasts } from './toasts.svelte';

export interface Change {
  /** In a person's words, such as "2 pictures to the trash". */
  label: string;
  undo: () => unknown;
  redo: () => unknown;
}

const MOST = 200;

class Undo {
  done = $state.raw<Change[]>([]);
  undone = $state.raw<Change[]>([]);
  #busy = false;

  push(change: Change): void {
    this.done = [...this.done, change].slice(-MOST);
    this.undone = [];
  }

  async undo(): Promise<Change | null> {
    return this.#move('undo');
  }

  async redo(): Promise<Change | null> {
    return this.#move('redo');
  }

  clear(): void {
    this.done = [];
    this.undone = [];
  }

  /** One at a time: a second press while the first is under way would take back the wrong thing. */
  async #move(way: 'undo' | 'redo'): Promise<Change | null> {
    const from = way === 'undo' ? this.done : this.undone;
    const change = from.at(-1);
    if (!change || this.#busy) return null;
    this.#busy = true;
    try {
      await change[way]();
      if (way === 'undo') {
        this.done = this.done.slice(0, -1);
        this.undone = [...this.undone, change];
      } else {
        this.undone = this.undone.slice(0, -1);
        this.done = [...this.done, change];
      }
      return change;
    } catch (error) {
      toasts.error(error);
      return null;
    } finally {
      this.#busy = false;
    }
  }
}

export const undo = new Undo();
