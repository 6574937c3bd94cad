/** Variations of a picture: how far they go, what came of them, and how different they truly are. */
import type { PictureCard, RenderRequest, Spread } from '../../bindings';
import { Failure, platform } from '../../platform';
import { compose } from '../../store/compose.svelte';
import { queue } from '../../store/queue.svelte';
import { toasts } from '../../store/toasts.svelte';
import { t } from '../../strings';

class Variations {
  /** The picture that is varied; null while the strip is away. */
  of = $state<string | null>(null);
  /** 0 is hardly, 1 is entirely new. */
  strength = $state(0.5);
  count = $state(4);
  pictures = $state.raw<PictureCard[]>([]);
  spread = $state.raw<Spread | null>(null);
  coming = $state(0);
  #jobs = new Set<number>();

  constructor() {
    queue.onDone.push((job, card) => {
      if (!this.#jobs.delete(job)) return;
      this.coming = this.#jobs.size;
      this.pictures = [...this.pictures, card];
      void this.#measure();
    });
    queue.onEnded.push((job) => {
      if (this.#jobs.delete(job)) this.coming = this.#jobs.size;
    });
  }

  open(id: string): void {
    if (this.of === id) return;
    this.of = id;
    this.pictures = [];
    this.spread = null;
    this.coming = 0;
    this.#jobs.clear();
  }

  close(): void {
    this.of = null;
  }

  async make(): Promise<void> {
    if (this.of === null) return;
    try {
      const request = await this.request(this.of);
      const { jobs } = await platform().call('render', { request, place: 'last', interactive: true });
      for (const job of jobs) this.#jobs.add(job.id);
      this.coming = this.#jobs.size;
    } catch (error) {
      toasts.error(error);
    }
  }

  /** The picture's own recipe from another seed, begun from the picture where the model can. */
  async request(id: string): Promise<RenderRequest> {
    const { recipe } = await platform().call('picture', { id });
    if (!recipe) throw new Failure({ code: 'input', message: t('create.no_recipe'), field: null });
    const able = compose.able?.init ?? false;
    const init = able && this.strength < 1 ? { asset: id, strength: this.strength } : null;
    return { ...recipe, seed: null, init, count: this.count, parents: [{ id, relation: 'variation' }] };
  }

  async #measure(): Promise<void> {
    if (this.pictures.length < 2) return;
    const ids = this.pictures.map((one) => one.id);
    try {
      this.spread = await platform().call('spread', { ids: [...new Set(ids)] });
    } catch {
      // The pictures are there all the same; only the figure is not.
      this.spread = null;
    }
  }
}

export const variations = new Variations();
