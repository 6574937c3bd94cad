/**
 * What a request would cost and what is to be said of it, as the studio answers. An answer belongs to the request that
 * it was asked with, and is shown of no other: a person would be told of a mistake that they have mended already.
 */
import type { Estimate, PromptNote, RenderRequest, TokenCount } from '../bindings';
import { platform } from '../platform';

/** How long nothing is written until it is asked: typing never waits for the answer. */
const PAUSE_MS = 120;

interface Answer {
  asked: string;
  /** The request but for its words: these cost next to nothing. */
  besides: string;
  prompt: string;
  value: Estimate;
}

class Estimates {
  #answer = $state.raw<Answer | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #turn = 0;

  ask(request: RenderRequest): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(request), PAUSE_MS);
  }

  async #ask(request: RenderRequest): Promise<void> {
    const turn = ++this.#turn;
    try {
      const value = await platform().call('estimate', { request });
      if (turn === this.#turn) this.take(request, value);
    } catch {
      if (turn === this.#turn) this.#answer = null;
    }
  }

  take(request: RenderRequest, value: Estimate): void {
    this.#answer = { asked: JSON.stringify(request), besides: besides(request), prompt: request.prompt, value };
  }

  /** What is known of this very request. */
  of(request: RenderRequest): Estimate | null {
    return this.#answer?.asked === JSON.stringify(request) ? this.#answer.value : null;
  }

  /** What a request costs that differs from the one that was asked about in words alone. */
  cost(request: RenderRequest): Estimate | null {
    return this.#answer?.besides === besides(request) ? this.#answer.value : null;
  }

  /** What is to be said of a prompt: of what has been written since nothing is, and the rest is where it stands by now. */
  notes(prompt: string): PromptNote[] {
    return this.#answer ? carried(this.#answer.value.notes, this.#answer.prompt, prompt) : [];
  }

  tokens(prompt: string): TokenCount | null {
    return this.#answer?.prompt === prompt ? this.#answer.value.tokens : null;
  }
}

const besides = (request: RenderRequest) => JSON.stringify({ ...request, prompt: '', negative: null });

/** The notes on a text as it was, on what of it is the same in the text as it is. */
export function carried(notes: readonly PromptNote[], before: string, now: string): PromptNote[] {
  if (before === now) return [...notes];
  const most = Math.min(before.length, now.length);
  let [head, tail] = [0, 0];
  while (head < most && before[head] === now[head]) head += 1;
  while (tail < most - head && before.at(-1 - tail) === now.at(-1 - tail)) tail += 1;
  const by = now.length - before.length;
  // A word that what was written touches may be another word.
  return notes.flatMap((note) => {
    if (note.end < head) return [note];
    return note.start > before.length - tail ? [{ ...note, start: note.start + by, end: note.end + by }] : [];
  });
}

export const estimates = new Estimates();
