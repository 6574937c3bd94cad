/** Drafts while one types: each pause draws the request again at one and the same seed. */
import type { PictureCard, RenderEvent, RenderRequest } from '../bindings';
import { platform } from '../platform';
import { compose } from './compose.svelte';
import { settings } from './settings.svelte';
import type { Size } from './sizes';
import { toasts } from './toasts.svelte';
import { viewer } from './viewer.svelte';

/** Where nothing is locked, so that only what is typed changes the picture. */
const LIVE_SEED = '1';

class Live {
  on = $state(false);
  /** The model is being opened for the first draft, which takes as long as it takes. */
  loading = $state(false);
  /** How long the last draft took. */
  seconds = $state<number | null>(null);
  /** How many drafts were drawn. */
  drawn = $state(0);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last = '';
  /** What the draft that is seen was drawn from; null while none is whole. */
  #seen = $state.raw<{ text: string; seed: string } | null>(null);
  #seed = LIVE_SEED;
  #turn = 0;

  /** The seed of the draft that is seen. */
  get seed(): string | null {
    return this.on && viewer.coming?.job === 0 ? (this.#seen?.seed ?? null) : null;
  }

  /**
   * Stores the draft that is seen, to the byte as it is seen; null where there is none, or where what is
   * written says something else by now.
   */
  async keep(): Promise<PictureCard | null> {
    const seen = this.#seen;
    if (this.seed === null || seen === null || seen.text !== this.#text(this.#request())) return null;
    return platform().call('live_keep', {});
  }

  #request(): RenderRequest {
    const request = { ...compose.request(), count: 1, deliver: null };
    request.seed ??= this.#seed;
    return request;
  }

  /** A draft is compared by what it would show, not by who asked for it. */
  #text(request: RenderRequest): string {
    return JSON.stringify({ ...request, parents: [] });
  }

  /** Follows the request for as long as the program runs. */
  start(): void {
    $effect.root(() => {
      $effect(() => {
        if (!this.on) return;
        const request = this.#request();
        const text = this.#text(request);
        if (text === this.#last || !compose.ready) return;
        this.#last = text;
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#draw(request), settings.value.live_pause_ms);
      });
    });
  }

  toggle(): void {
    this.on = !this.on;
    this.#last = '';
    this.#seed = compose.lastSeed ?? LIVE_SEED;
    this.#seen = null;
    if (this.on) {
      viewer.watch();
      return;
    }
    clearTimeout(this.#timer);
    this.#turn += 1;
    this.loading = false;
    viewer.endLive();
    platform()
      .call('live_stop', {})
      .catch((error: unknown) => toasts.error(error));
  }

  #draw(request: RenderRequest): void {
    this.#seen = null;
    const size = compose.size ?? { width: 1, height: 1 };
    const turn = ++this.#turn;
    viewer.watch();
    platform()
      .watch('live', { request }, {
        preview: (_job, png) => this.on && viewer.live(size.width, size.height, png),
        // What is told of a draft that another one has taken the place of is of no use any more.
        event: (event) => turn === this.#turn && this.#hear(event, size, this.#text(request)),
      })
      .catch((error: unknown) => turn === this.#turn && this.#refuse(error));
  }

  #hear(event: RenderEvent, size: Size, text: string): void {
    this.loading = event.kind === 'loading';
    if (event.kind === 'loading') viewer.expectLive(size);
    if (event.kind === 'drafted') {
      this.seconds = event.seconds;
      this.#seen = { text, seed: event.seed };
      this.drawn += 1;
    }
    if (event.kind === 'failed') this.#refuse(event.error);
  }

  /** The draft that is there is of a request before this one. */
  #refuse(error: unknown): void {
    this.loading = false;
    viewer.endLive();
    compose.refuse(error);
  }
}

export const live = new Live();
