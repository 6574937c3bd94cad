/** Variations of a picture: how far they go, what came of them, and how different they truly are. */
import type { Job, PictureCard, PictureDetail, RenderRequest, Spread } from '../../bindings';
import { Failure, platform } from '../../platform';
import { bus } from '../../store/bus';
import { compose } from '../../store/compose.svelte';
import { queue } from '../../store/queue.svelte';
import { models } from '../../store/models.svelte';
import { toasts } from '../../store/toasts.svelte';
import { t } from '../../strings';
import { tellPaused } from '../queue/paused';
import { saidIn, varied, type Aspect, type Said } from './vary';

class Variations {
  /** The picture that is varied; null while the strip is away. */
  of = $state<string | null>(null);
  /** 0 is hardly, 1 is entirely new. */
  strength = $state(0.5);
  count = $state(4);
  /** What shall stay as it is. */
  held = $state.raw<ReadonlySet<Aspect>>(new Set());
  /** All that is known of the picture that is varied; another one may be looked at meanwhile. */
  #source = $state.raw<PictureDetail | null>(null);
  /** Those that were made, also those that are in the trash by now: out of it they come back. */
  #made = $state.raw<PictureCard[]>([]);
  pictures = $derived(this.#made.filter((one) => one.trashed_at === null));
  spread = $state.raw<Spread | null>(null);
  coming = $state(0);
  #jobs = new Set<number>();
  /** While variations are being asked for: what is done before it is known whose it is. */
  #early = new Map<number, PictureCard>();
  #asking = 0;
  /** Which measurement is the last. */
  #measured = 0;

  constructor() {
    queue.onDone.push((job, card) => {
      if (this.#jobs.delete(job)) this.#take([card]);
      else if (this.#asking > 0) this.#early.set(job, card);
    });
    queue.onEnded.push((job) => {
      if (this.#jobs.delete(job)) this.coming = this.#jobs.size;
    });
    bus.on('pictures', ({ ids }) => void this.#follow(ids).catch((error: unknown) => toasts.error(error)));
  }

  /** The words by which the picture can be varied, as far as its model knows some. */
  get said(): Said[] {
    const found = this.#source?.card.id === this.of ? this.#source : null;
    return found ? saidIn(found.recipe?.prompt ?? found.card.prompt, models.chosen(found.recipe?.model ?? null)?.words ?? []) : [];
  }

  /** Those that are not held fast. */
  get free(): Said[] {
    return this.said.filter(({ aspect }) => !this.held.has(aspect));
  }

  hold(aspect: Aspect): void {
    const next = new Set(this.held);
    if (!next.delete(aspect)) next.add(aspect);
    this.held = next;
  }

  open(id: string): void {
    if (this.of === id) return;
    this.of = id;
    this.#made = [];
    this.spread = null;
    this.#measured += 1;
    this.coming = 0;
    this.#jobs.clear();
    void platform()
      .call('picture', { id })
      .then((found) => this.of === id && (this.#source = found))
      .catch(() => undefined);
  }

  close(): void {
    this.of = null;
  }

  async make(): Promise<void> {
    const { of } = this;
    if (of === null) return;
    this.#asking += 1;
    try {
      const jobs: Job[] = [];
      for (const request of await this.requests(of)) jobs.push(...(await platform().call('render', { request, place: 'last', interactive: true })).jobs);
      tellPaused();
      // Another picture may be varied by now.
      if (this.of !== of) return;
      // A small render may have ended before the answer came.
      for (const { id } of jobs) if (!queue.hasEnded(id)) this.#jobs.add(id);
      this.#take(jobs.flatMap(({ id }) => this.#early.get(id) ?? []));
    } catch (error) {
      toasts.error(error);
    } finally {
      this.#asking -= 1;
      if (this.#asking === 0) this.#early.clear();
    }
  }

  #take(cards: PictureCard[]): void {
    this.coming = this.#jobs.size;
    if (cards.length === 0) return;
    this.#made = [...this.#made, ...cards];
    void this.#measure();
  }

  /** Takes up what was done to the pictures of the strip; none named means that it may be any. */
  async #follow(ids: readonly string[]): Promise<void> {
    const changed = this.#made.filter(({ id }) => ids.length === 0 || ids.includes(id));
    if (changed.length === 0) return;
    const before = this.pictures.length;
    const now = new Map<string, PictureCard | null>();
    for (const { id } of changed) now.set(id, await cardOf(id));
    this.#made = this.#made.flatMap((one) => now.get(one.id) ?? (now.has(one.id) ? [] : one));
    if (this.pictures.length !== before) void this.#measure();
  }

  /** By other words, each a request of its own; where the model knows none, or all are held fast, by other noise. */
  async requests(id: string): Promise<RenderRequest[]> {
    const { free } = this;
    const one = await this.request(id);
    if (free.length === 0) return [one];
    // From the old picture the new words would change next to nothing.
    const base = { ...one, init: null, count: 1 };
    const turn = crypto.getRandomValues(new Uint16Array(1))[0] ?? 0;
    return varied(one.prompt, free, this.count, this.strength, turn, models.chosen(one.model)?.words ?? []).map((prompt) => ({ ...base, prompt }));
  }

  /** The picture's own recipe from another seed, begun from the picture where the model can. */
  async request(id: string): Promise<RenderRequest> {
    const { recipe } = await platform().call('picture', { id });
    if (!recipe) throw new Failure({ code: 'input', message: t('create.no_recipe'), field: null });
    const able = compose.able?.init ?? false;
    const init = able && this.strength < 1 ? { asset: id, strength: this.strength } : null;
    // What was painted says where the old picture was to change, and nothing of this one.
    return { ...recipe, seed: null, init, mask: null, count: this.count, parents: [{ id, relation: 'variation' }] };
  }

  async #measure(): Promise<void> {
    const turn = (this.#measured += 1);
    const ids = this.pictures.map((one) => one.id);
    if (ids.length < 2) {
      this.spread = null;
      return;
    }
    let spread: Spread | null = null;
    try {
      spread = await platform().call('spread', { ids: [...new Set(ids)] });
    } catch {
      // The pictures are there all the same; only the figure is not.
    }
    // More have come meanwhile, or another picture is varied.
    if (turn === this.#measured) this.spread = spread;
  }
}

/** A picture as it is now; null where it is gone for good. */
async function cardOf(id: string): Promise<PictureCard | null> {
  try {
    return (await platform().call('picture', { id })).card;
  } catch (error) {
    if (Failure.of(error).code === 'not_found') return null;
    throw error;
  }
}

export const variations = new Variations();
