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
  #seed = LIVE_SEED;
  #turn = 0;
  /** What the draft that was finished last is of; empty while another one is drawn. */
  #finished = '';

  /** Follows the request for as long as the program runs. */
  start(): void {
    $effect.root(() => {
      $effect(() => {
        if (!this.on) return;
        const request = this.#request();
        const text = textOf(request);
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
    this.#finished = '';
    this.#seed = compose.lastSeed ?? LIVE_SEED;
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

  /** The seed of the drafts, which a picture that is made of one must have too; null while none are drawn. */
  get seed(): string | null {
    return this.on ? (this.#request().seed ?? null) : null;
  }

  /** Keeps the draft that is seen, as it is seen; null where what is seen is not yet what is asked for. */
  async keep(): Promise<PictureCard | null> {
    if (!this.on || this.#finished === '' || this.#finished !== textOf(this.#request())) return null;
    return platform().call('live_keep', {});
  }

  #request(): RenderRequest {
    const request = { ...compose.request(), count: 1, deliver: null };
    return { ...request, seed: request.seed ?? this.#seed };
  }

  #draw(request: RenderRequest): void {
    const size = compose.size ?? { width: 1, height: 1 };
    const turn = ++this.#turn;
    this.#finished = '';
    viewer.watch();
    platform()
      .watch('live', { request }, {
        preview: (_job, png) => this.on && viewer.live(size.width, size.height, png),
        // What is told of a draft that another one has taken the place of is of no use any more.
        event: (event) => turn === this.#turn && this.#hear(event, size, request),
      })
      .catch((error: unknown) => turn === this.#turn && this.#refuse(error));
  }

  #hear(event: RenderEvent, size: Size, request: RenderRequest): void {
    this.loading = event.kind === 'loading';
    if (event.kind === 'loading') viewer.expectLive(size);
    if (event.kind === 'drafted') {
      this.seconds = event.seconds;
      this.drawn += 1;
      this.#finished = textOf(request);
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

/** A draft is compared by what it would show, not by who asked for it. */
const textOf = (request: RenderRequest) => JSON.stringify({ ...request, parents: [] });

export const live = new Live();
