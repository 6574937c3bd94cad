/** What can be taken back: every change to the library and to the request that is being written. */
import { Failure } from '../platform';
import { t } from '../strings';
import { toasts, type ToastAction } from './toasts.svelte';

export interface Change {
  /** In a person's words, such as "2 pictures to the trash". */
  label: string;
  /** Which fields it is about: changes of one kind that follow at once on each other are one. */
  kind?: string;
  undo: () => unknown;
  redo: () => unknown;
}

const MOST = 200;

class Undo {
  done = $state.raw<Change[]>([]);
  undone = $state.raw<Change[]>([]);
  #busy = false;

  /** Answers the change, for the notice that tells of it. */
  push(change: Change): Change {
    this.done = [...this.done, change].slice(-MOST);
    this.undone = [];
    return change;
  }

  async undo(): Promise<Change | null> {
    return this.#move('undo');
  }

  async redo(): Promise<Change | null> {
    return this.#move('redo');
  }

  /** Takes back a change with all that came after it, for as long as each can be. */
  async undoTo(change: Change): Promise<void> {
    while (this.done.includes(change)) if (!(await this.undo())) return;
  }

  /** What a notice of `change` offers: to take it back, for as long as it is what would be taken back. */
  back(change: Change): ToastAction {
    return { label: t('undo.undo'), run: () => this.undo(), when: () => this.done.at(-1) === change };
  }

  /** The same for one that was taken back. */
  again(change: Change): ToastAction {
    return { label: t('undo.redo'), run: () => this.redo(), when: () => this.undone.at(-1) === change };
  }

  /** Forgets a change that there is no more to be taken back of. */
  drop(change: Change): void {
    this.done = this.done.filter((one) => one !== change);
    this.undone = this.undone.filter((one) => one !== change);
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
      // Others may have been made meanwhile: only this one moves.
      this.drop(change);
      if (way === 'undo') this.undone = [...this.undone, change];
      else this.done = [...this.done, change];
      return change;
    } catch (error) {
      // What it was about is gone for good: kept, it would stand before all others for ever.
      if (Failure.of(error).code === 'not_found') this.drop(change);
      toasts.error(error);
      return null;
    } finally {
      this.#busy = false;
    }
  }
}

export const undo = new Undo();
