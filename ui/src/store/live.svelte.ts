/** Drafts while one types: each pause draws the request again at one and the same seed. */
import { platform } from '../platform';
import { compose } from './compose.svelte';
import { settings } from './settings.svelte';
import { toasts } from './toasts.svelte';
import { viewer } from './viewer.svelte';

/** Where nothing is locked, so that only what is typed changes the picture. */
const LIVE_SEED = '1';

class Live {
  on = $state(false);
  /** How long the last draft took. */
  seconds = $state<number | null>(null);
  /** How many drafts were drawn. */
  drawn = $state(0);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last = '';
  #seed = LIVE_SEED;

  /** Follows the request for as long as the program runs. */
  start(): void {
    $effect.root(() => {
      $effect(() => {
        if (!this.on) return;
        const request = { ...compose.request(), count: 1 };
        request.seed ??= this.#seed;
        // A draft is compared by what it would show, not by who asked for it.
        const text = JSON.stringify({ ...request, parents: [] });
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
    if (this.on) {
      viewer.watch();
      return;
    }
    clearTimeout(this.#timer);
    viewer.endLive();
    platform()
      .call('live_stop', {})
      .catch((error: unknown) => toasts.error(error));
  }

  #draw(request: ReturnType<typeof compose.request>): void {
    const size = compose.size ?? { width: 1, height: 1 };
    viewer.watch();
    platform()
      .watch('live', { request }, {
        preview: (_job, png) => this.on && viewer.live(size.width, size.height, png),
        event: (event) => {
          if (event.kind !== 'drafted') return;
          this.seconds = event.seconds;
          this.drawn += 1;
        },
      })
      .catch((error: unknown) => {
        compose.refuse(error);
      });
  }
}

export const live = new Live();
