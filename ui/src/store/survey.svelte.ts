/**
 * Several pictures beside one another: those that were asked for at once, or some that a person chose. Which run is
 * known of follows the picture that is looked at, so that going from one view to another asks for nothing.
 */
import type { Job, PictureCard } from '../bindings';
import { platform } from '../platform';
import { bus } from './bus';
import { queue } from './queue.svelte';

/** So many beside one another can still be told apart; a run of more is gone through in pages. */
export const MOST_BESIDE = 9;
/** As many as can be asked for at once. */
const MOST = 100;

/** All of them; one of them closely; none of this. */
export type SurveyState = 'off' | 'all' | 'close';

class Survey {
  state = $state<SurveyState>('off');
  /** What the pictures were asked for as; null where they were chosen one by one. */
  run = $state<string | null>(null);
  /** In the order in which they were made, also those that are in the trash by now: out of it they come back. */
  #all = $state.raw<readonly PictureCard[]>([]);
  cards = $derived(this.#all.filter((one) => one.trashed_at === null));
  rejected = $state.raw<ReadonlySet<string>>(new Set());
  page = $state(0);
  /** The latest steps of those that are being made. */
  previews = $state.raw<Readonly<Record<number, string>>>({});
  /** One zoom for all of them, as a share of what fits; null is what fits. */
  zoom = $state<number | null>(null);
  /** In shares of a picture's own sides. */
  pan = $state.raw({ x: 0, y: 0 });
  #asked = 0;
  /** What was asked for, until the queue is known to have it. */
  #expected = $state.raw<readonly Job[]>([]);

  start(): void {
    bus.on('pictures', ({ ids }) => {
      // None named means that it may be any.
      if (ids.length === 0 || ids.some((id) => this.has(id))) void this.load().catch(() => undefined);
    });
    queue.onDone.push((job, card) => {
      this.#forget(job);
      if (card.run !== null && card.run === this.run) this.#add(card);
    });
    queue.onEnded.push((job) => this.#forget(job));
    queue.onPreview.push((job, png) => this.#preview(job, png));
  }

  /** Pictures of this run that are still to come. */
  get toCome(): Job[] {
    const { run } = this;
    if (run === null) return [];
    const known = queue.value.jobs;
    const early = this.#expected.filter(({ id }) => !queue.hasEnded(id) && !known.some((job) => job.id === id));
    const there = known.filter((job) => job.run === run && (job.state === 'waiting' || job.state === 'running') && !queue.hasEnded(job.id));
    return [...there, ...early].toSorted((a, b) => a.id - b.id);
  }

  get count(): number {
    return this.cards.length + this.toCome.length;
  }

  /** There is something to hold beside it. */
  get possible(): boolean {
    return this.count > 1;
  }

  get on(): boolean {
    return this.state === 'all';
  }

  get pages(): number {
    return Math.max(1, Math.ceil(this.count / MOST_BESIDE));
  }

  /** The pictures that are seen, and what is still to come beside them. */
  get shown(): { cards: PictureCard[]; toCome: Job[] } {
    const from = Math.min(this.page, this.pages - 1) * MOST_BESIDE;
    const cards = this.cards.slice(from, from + MOST_BESIDE);
    const next = Math.max(0, from - this.cards.length);
    return { cards, toCome: this.toCome.slice(next, next + MOST_BESIDE - cards.length) };
  }

  has(id: string): boolean {
    return this.#all.some((one) => one.id === id);
  }

  /** Those that were rejected and are still there. */
  get out(): string[] {
    return this.cards.filter(({ id }) => this.rejected.has(id)).map(({ id }) => id);
  }

  /** Knows the run of what is looked at, where it does not know it already. */
  follow(card: PictureCard): void {
    if (this.has(card.id)) return;
    this.#begin(card.run, [card]);
    void this.load().catch(() => undefined);
  }

  /** What was just asked for, before any of it is there. */
  expect(run: string, jobs: readonly Job[]): void {
    this.#begin(run, []);
    this.#expected = jobs;
    this.state = 'all';
    void this.load().catch(() => undefined);
  }

  /** A run of which some are known. */
  openRun(cards: readonly PictureCard[]): void {
    const run = cards[0]?.run ?? null;
    if (run === null || this.run !== run) this.#begin(run, cards);
    this.state = 'all';
    void this.load().catch(() => undefined);
  }

  /** Pictures that a person chose, whenever they were made. */
  choose(cards: readonly PictureCard[]): void {
    this.#begin(null, cards);
    this.state = 'all';
  }

  open(): void {
    if (this.possible) this.state = 'all';
  }

  close(): void {
    this.state = 'off';
  }

  /** Turns to the page that this picture is on. */
  turnTo(id: string): void {
    const at = this.cards.findIndex((one) => one.id === id);
    if (at >= 0) this.page = Math.floor(at / MOST_BESIDE);
  }

  reject(id: string, out: boolean): void {
    const next = new Set(this.rejected);
    if (out) next.add(id);
    else next.delete(id);
    this.rejected = next;
  }

  /** What is looked at when `id` goes, with all of `ids`: the next one, else the one before. */
  instead(id: string, ids: readonly string[]): string | null {
    const at = this.#all.findIndex((one) => one.id === id);
    if (at < 0) return null;
    const stays = (one: PictureCard) => one.trashed_at === null && one.id !== id && !ids.includes(one.id);
    return (this.#all.slice(at + 1).find(stays) ?? this.#all.slice(0, at).findLast(stays))?.id ?? null;
  }

  beside(id: string | null, by: number): PictureCard | null {
    const at = this.cards.findIndex((one) => one.id === id);
    return this.cards[Math.max(0, Math.min(this.cards.length - 1, at < 0 ? 0 : at + by))] ?? null;
  }

  fit(): void {
    this.zoom = null;
    this.pan = { x: 0, y: 0 };
  }

  /** Reads again what the pictures are by now. */
  async load(): Promise<void> {
    const { run } = this;
    const turn = (this.#asked += 1);
    if (run === null && this.#all.length === 0) return;
    const found = run === null ? await this.#again() : await this.#ofRun(run);
    if (turn !== this.#asked || this.run !== run) return;
    // One that is in the trash is not among what is found, and may come back.
    const gone = run === null ? [] : this.#all.filter(({ id }) => !found.some((one) => one.id === id)).map((one) => ({ ...one, trashed_at: one.trashed_at ?? 0 }));
    this.#all = [...found, ...gone].toSorted((a, b) => a.created_at - b.created_at);
  }

  async #ofRun(run: string): Promise<PictureCard[]> {
    return (await platform().call('pictures', { filter: { run, trashed: false, order: 'oldest' }, after: null, limit: MOST })).items;
  }

  async #again(): Promise<PictureCard[]> {
    return Promise.all(this.#all.map(async ({ id }) => (await platform().call('picture', { id })).card));
  }

  #begin(run: string | null, cards: readonly PictureCard[]): void {
    this.#asked += 1;
    this.run = run;
    this.#all = cards;
    this.#expected = [];
    this.page = 0;
    this.fit();
  }

  #add(card: PictureCard): void {
    if (!this.has(card.id)) this.#all = [...this.#all, card];
  }

  #preview(job: number, png: Blob): void {
    if (this.run === null || queue.job(job)?.run !== this.run) return;
    this.#forget(job);
    this.previews = { ...this.previews, [job]: URL.createObjectURL(png) };
  }

  #forget(job: number): void {
    const { [job]: url, ...rest } = this.previews;
    if (url === undefined) return;
    this.previews = rest;
    // It may still be painted: it is let go of after the next frame.
    setTimeout(() => URL.revokeObjectURL(url), 200);
  }
}

export const survey = new Survey();
