/** A mirror of why the last render took as long as it did, read when somebody looks. */
import type { Roofline } from '../bindings';
import { Failure, platform } from '../platform';

class RooflineMirror {
  value = $state.raw<Roofline | null>(null);
  problem = $state.raw<Failure | null>(null);
  measuring = $state(false);
  /** The machine was to be measured while it made a picture. */
  refused = $state(false);
  #turn = 0;

  /** Reads anew what is known; only the answer to the last question counts. */
  async load(): Promise<void> {
    await this.#ask(false);
  }

  /** Measures the machine, which computes with all threads for about a second. */
  async measure(): Promise<void> {
    if (this.measuring) return;
    this.measuring = true;
    try {
      await this.#ask(true);
      this.refused = this.problem === null && this.value?.machine === null;
    } finally {
      this.measuring = false;
    }
  }

  async #ask(measure: boolean): Promise<void> {
    const turn = ++this.#turn;
    try {
      const value = await platform().call('roofline', { measure });
      if (turn !== this.#turn) return;
      this.value = value;
      this.problem = null;
      if (value.machine !== null) this.refused = false;
    } catch (error) {
      if (turn === this.#turn) this.problem = Failure.of(error);
    }
  }
}

export const roofline = new RooflineMirror();
