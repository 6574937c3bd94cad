/** What the viewer shows: a picture, or a render as it comes. */
import type { Job, PictureCard, PictureDetail } from '../bindings';
import { Failure, platform } from '../platform';
import { bus } from './bus';
import { models } from './models.svelte';
import { queue } from './queue.svelte';
import { session } from './session.svelte';
import { survey } from './survey.svelte';

/** A render that is shown while it is being made; job 0 is the live draft. */
export interface Coming {
  job: number;
  width: number;
  height: number;
  /** The latest step preview; null before the first one. */
  url: string | null;
}

export type Compare = 'off' | 'slider' | 'swapped';
/** What the middle shows: the picture, those that were made with it, or it and what it came from. */
export const MIDDLES = ['single', 'survey', 'compare'] as const;
export type Middle = (typeof MIDDLES)[number];

/** Two pictures that are compared: which of them was there first, and whether the other came from it. */
export interface Pair {
  before: PictureCard;
  after: PictureCard;
  kin: boolean;
}

class Viewer {
  id = $state<string | null>(null);
  detail = $state.raw<PictureDetail | null>(null);
  coming = $state.raw<Coming | null>(null);
  /** What is being made is shown as it comes; a person who opens a picture meanwhile is left in peace. */
  follow = $state(true);
  compare = $state<Compare>('off');
  /** Something is being done to the picture that is shown: nothing that is made takes its place. */
  held = false;
  /** What it is compared with; null takes what it came from, or else the picture before. */
  otherId = $state<string | null>(null);
  /** Alt is held. */
  holding = $state(false);
  /** Null fits the picture into the room there is. */
  zoom = $state<number | null>(null);
  pan = $state({ x: 0, y: 0 });
  /** What is shown when this one goes. */
  #instead: string | null = null;
  /** It was out of the trash while it was shown: one that was in it already is what the person wants to see. */
  #kept = false;

  start(): void {
    survey.start();
    queue.onPreview.push((job, png) => this.#preview(job, png));
    queue.onDone.push((job, card, _seconds) => {
      session.add(card);
      // Beside the others it is seen where it is; what one looks at there stays.
      if (survey.on && card.run === survey.run) {
        if (this.id === null && this.follow) this.open(card.id, { follow: true });
        return;
      }
      // Only what the person watched appear is put before them.
      if (this.follow && (this.coming === null || this.coming.job === job)) this.open(card.id, { follow: true });
    });
    queue.onEnded.push((job) => {
      if (this.coming?.job === job) this.#leave();
    });
    bus.on('pictures', ({ ids }) => {
      // None named means that it may be any.
      if (this.id === null || (ids.length > 0 && !ids.includes(this.id))) return;
      // The latest pictures may be read again before this one is: its neighbour would not be found any more.
      if (session.has(this.id)) this.#instead = this.#neighbour(this.id, ids);
      void this.#load(this.id);
    });
  }

  open(id: string | null, { follow = false } = {}): void {
    this.follow = follow;
    this.#leave();
    if (id === null || !survey.has(id)) survey.close();
    if (this.id !== id) {
      this.id = id;
      this.#instead = id === null ? null : this.#neighbour(id, [id]);
      this.#kept = id !== null && session.has(id);
      this.otherId = null;
      this.compare = 'off';
      if (id === null) this.detail = null;
      else if (survey.has(id)) survey.turnTo(id);
    }
    if (id !== null) void this.#load(id);
  }

  /** From here on shows what is being made. */
  watch(): void {
    if (this.held) return;
    this.follow = true;
    this.compare = 'off';
    survey.close();
  }

  /**
   * Renders were asked for. Several are seen beside one another as they come; of one the picture before stays until
   * its first preview, only quieter.
   */
  expect(jobs: readonly Job[]): void {
    this.watch();
    const [job] = jobs;
    if (job === undefined) return;
    if (jobs.length > 1 && !this.held && !queue.value.paused) return this.#survey(job.run, jobs);
    if (this.held || queue.value.paused || queue.hasEnded(job.id) || (this.coming !== null && this.coming.job !== 0)) return;
    this.#leave();
    this.coming = { job: job.id, ...models.sizeOf(job.request), url: null };
  }

  /** Nothing is looked at until the first is there: what one did to a picture by key would be done unseen. */
  #survey(run: string, jobs: readonly Job[]): void {
    this.open(null, { follow: true });
    survey.expect(run, jobs);
    void survey.load().then(() => {
      const [first] = survey.cards;
      if (first && this.id === null && survey.run === run) this.open(first.id, { follow: true });
    });
  }

  get middle(): Middle {
    if (survey.on) return 'survey';
    return this.compare === 'slider' && this.coming === null && this.other() !== null ? 'compare' : 'single';
  }

  /** Whether the middle can show this now. */
  canShow(middle: Middle): boolean {
    if (middle === 'single') return this.id !== null || this.coming !== null;
    if (middle === 'survey') return survey.possible && !this.held;
    return this.coming === null && this.other() !== null && !this.held;
  }

  show(middle: Middle): void {
    if (!this.canShow(middle)) return;
    this.compare = middle === 'compare' ? 'slider' : 'off';
    if (middle !== 'survey') return survey.close();
    this.#leave();
    survey.open();
    if (this.id !== null) survey.turnTo(this.id);
  }

  /** Shows all that was asked for at once, beginning at one of them. */
  openRun(cards: readonly PictureCard[], id: string): void {
    this.compare = 'off';
    survey.openRun(cards);
    this.open(id);
  }

  /** Shows pictures that a person chose beside one another. */
  beside(cards: readonly PictureCard[]): void {
    const [first] = cards;
    if (!first) return;
    this.compare = 'off';
    survey.choose(cards);
    this.open(first.id);
    survey.state = 'all';
  }

  /** The seed of what is looked at; of a draft its own. */
  get seed(): string | null {
    return this.coming === null ? (this.card()?.seed ?? null) : null;
  }

  card(): PictureCard | null {
    if (this.detail?.card.id === this.id) return this.detail?.card ?? null;
    return session.list.find((one) => one.id === this.id) ?? null;
  }

  /** The picture on the other side of a comparison. */
  other(): PictureCard | null {
    const own = this.card();
    if (own === null) return null;
    if (this.otherId !== null) return session.list.find((one) => one.id === this.otherId) ?? this.#parent(this.otherId);
    const parent = this.detail?.card.id === own.id ? this.detail.parents[0] : undefined;
    if (parent) return parent;
    const at = session.list.findIndex((one) => one.id === own.id);
    return (at > 0 ? session.list[at - 1] : session.list.find((one) => one.id !== own.id)) ?? null;
  }

  /** Both, told apart by what came of what, and otherwise by when they were made. */
  pair(): Pair | null {
    const [own, other] = [this.card(), this.other()];
    if (own === null || other === null) return null;
    const [came, went] = [this.#parent(other.id) !== null, this.detail?.children.some(({ id }) => id === other.id) ?? false];
    const first = came || (!went && (other.created_at < own.created_at || (other.created_at === own.created_at && placeOf(other) < placeOf(own))));
    return first ? { before: other, after: own, kin: came } : { before: own, after: other, kin: went };
  }

  #neighbour(id: string, ids: readonly string[]): string | null {
    return (survey.state === 'off' ? null : survey.instead(id, ids)) ?? session.instead(id, ids);
  }

  #parent(id: string): PictureCard | null {
    return this.detail?.parents.find((one) => one.id === id) ?? null;
  }

  /** A live draft. */
  live(width: number, height: number, png: Blob): void {
    // What is being made to be kept goes before a draft.
    if (!this.follow || survey.on || (this.coming !== null && this.coming.job !== 0)) return;
    this.#show(0, width, height, png);
  }

  /** A live draft was asked for that shows nothing for a while yet: what is there stays, only quieter. */
  expectLive({ width, height }: { width: number; height: number }): void {
    if (this.follow && this.coming === null) this.coming = { job: 0, width, height, url: null };
  }

  endLive(): void {
    if (this.coming?.job === 0) this.#leave();
  }

  fit(): void {
    if (survey.on) return survey.fit();
    this.zoom = null;
    this.pan = { x: 0, y: 0 };
  }

  /** What goes to the trash while it is shown makes room for its neighbour. */
  async #load(id: string): Promise<void> {
    try {
      const detail = await platform().call('picture', { id });
      if (this.id !== id) return;
      this.detail = detail;
      survey.follow(detail.card);
      if (detail.card.trashed_at === null) this.#kept = true;
      else if (this.#kept) this.open(this.#instead);
    } catch (error) {
      if (this.id === id && Failure.of(error).code === 'not_found') this.open(this.#instead);
    }
  }

  #preview(job: number, png: Blob): void {
    if (!this.follow || survey.on) return;
    const request = queue.job(job)?.request;
    const { width, height } = request ? models.sizeOf(request) : (this.coming ?? { width: 1, height: 1 });
    this.#show(job, width, height, png);
  }

  #show(job: number, width: number, height: number, png: Blob): void {
    const before = this.coming?.url;
    this.coming = { job, width, height, url: URL.createObjectURL(png) };
    // The one before may still be painted; it is let go of after the next frame.
    if (before) setTimeout(() => URL.revokeObjectURL(before), 200);
  }

  #leave(): void {
    const url = this.coming?.url;
    this.coming = null;
    if (url) setTimeout(() => URL.revokeObjectURL(url), 2000);
  }
}

const placeOf = (card: PictureCard) => session.list.findIndex(({ id }) => id === card.id);

export const viewer = new Viewer();
