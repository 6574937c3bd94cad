/**
 * The pictures that a filter lets through, as far as they have been looked at.
 *
 * They come in stretches, each asked for by the end of the one before (a key, never an offset), so the list grows
 * from its start; the grid says how far it wants to see, and stretches are fetched until it does. What is there is
 * kept: fifty thousand cards are some thirty megabytes.
 */
import type { Filter, Page, PictureCard, PictureDetail } from '../../bindings';
import { Failure } from '../../platform';
import { admits, comesBefore } from './filter';

/** What the list asks of the world. */
export interface Source {
  page(filter: Filter, after: string | null, limit: number): Promise<Page>;
  /** All that is known of one picture; null where it is gone for good. */
  detail(id: string): Promise<PictureDetail | null>;
}

/** Enough for a screen of small cells, so that the first one comes at once. */
const FIRST = 120;
const NEXT = 200;
/** When the end of the scroll bar was dragged far ahead. The studio gives no more at once. */
const MOST = 500;
/** More changed pictures than this are not patched one by one. */
const PATCHED = 40;

export class Pages {
  /** The pictures themselves are no state: they are many. Whoever reads them reads `version` too. */
  #items: PictureCard[] = [];
  #next: string | null = null;
  #filter: Filter | null = null;
  #wanted = 0;
  #asking = false;
  /** Answers to an older filter are thrown away. */
  #generation = 0;

  version = $state(0);
  /** How many there are in all, known from the first stretch on. */
  total = $state(0);
  state = $state<'waiting' | 'ready' | 'failed'>('waiting');
  problem = $state<Failure | null>(null);

  /** Told what was there, as soon as something else is: whoever remembers places finds their pictures again. */
  onMoved: (idsBefore: readonly string[]) => void = () => undefined;

  constructor(private readonly source: Source) {}

  /** How many are there from the start on without a gap. */
  get loaded(): number {
    void this.version;
    return this.#items.length;
  }

  at(index: number): PictureCard | null {
    void this.version;
    return this.#items[index] ?? null;
  }

  idAt = (index: number): string | null => this.#items[index]?.id ?? null;

  /** All that are there. Not to be changed. */
  get items(): readonly PictureCard[] {
    void this.version;
    return this.#items;
  }

  indexOf(id: string): number {
    return this.#items.findIndex((card) => card.id === id);
  }

  /** Shows what `filter` lets through. What was shown stays until the first answer, so nothing flashes. */
  async show(filter: Filter): Promise<void> {
    this.#filter = filter;
    this.#generation += 1;
    this.#wanted = 0;
    await this.#restart(FIRST, 0);
  }

  /** Asks for everything anew, as far as it was there; what is shown stays until all of that has come. */
  async reload(): Promise<void> {
    if (!this.#filter) return;
    this.#generation += 1;
    const far = this.#items.length;
    await this.#restart(Math.min(MOST, Math.max(FIRST, far)), far);
  }

  /** The grid wants to see up to `end`. */
  want(end: number): void {
    this.#wanted = Math.max(this.#wanted, end);
    void this.#fetch();
  }

  /** Fetches up to and with `index`. */
  async reach(index: number): Promise<void> {
    const generation = this.#generation;
    this.#wanted = Math.max(this.#wanted, Math.min(index + 1, this.total));
    while (this.#items.length <= index && this.#next !== null && generation === this.#generation && this.state === 'ready') {
      if (this.#asking) await new Promise((later) => setTimeout(later, 5));
      else await this.#fetch();
    }
  }

  /** Fetches all the rest, for whoever chooses all. */
  async all(): Promise<readonly PictureCard[]> {
    await this.reach(this.total - 1);
    return this.#items;
  }

  /** Takes up changes to pictures, whoever made them. None named means anything may have changed. */
  async changed(ids: readonly string[]): Promise<void> {
    const filter = this.#filter;
    if (!filter) return;
    if (ids.length === 0 || ids.length > PATCHED || this.state !== 'ready') return this.reload();
    const generation = this.#generation;
    const details = await Promise.all(ids.map((id) => this.source.detail(id))).catch(() => null);
    if (generation !== this.#generation) return;
    // Where one could not be read, asking anew says what all have become, or what is wrong.
    if (details === null) return this.reload();
    const before = this.#ids();
    const known = details.map((detail, n) => this.#patch(filter, ids[n]!, detail));
    this.version += 1;
    this.onMoved(before);
    if (known.includes(false)) await this.reload();
  }

  #ids(): string[] {
    return this.#items.map(({ id }) => id);
  }

  async #restart(limit: number, far: number): Promise<void> {
    const generation = this.#generation;
    if (this.#items.length === 0) this.state = 'waiting';
    try {
      const page = await this.source.page(this.#filter!, null, limit);
      if (generation !== this.#generation) return;
      const items = page.items;
      let { next } = page;
      while (next !== null && items.length < far) {
        const more = await this.source.page(this.#filter!, next, MOST);
        if (generation !== this.#generation) return;
        for (const card of more.items) items.push(card);
        next = more.next;
      }
      const before = this.#ids();
      this.#items = items;
      this.#next = next;
      this.total = page.total;
      this.state = 'ready';
      this.problem = null;
      this.version += 1;
      this.onMoved(before);
    } catch (error) {
      if (generation === this.#generation) this.#fail(error);
      return;
    }
    // The stretch that was under way belongs to the generation before.
    this.#asking = false;
    void this.#fetch();
  }

  async #fetch(): Promise<void> {
    const generation = this.#generation;
    while (!this.#asking && this.state === 'ready' && this.#next !== null && this.#items.length < this.#wanted) {
      const far = this.#wanted - this.#items.length > NEXT;
      this.#asking = true;
      try {
        const page = await this.source.page(this.#filter!, this.#next, far ? MOST : NEXT);
        if (generation !== this.#generation) return;
        for (const card of page.items) this.#items.push(card);
        this.#next = page.next;
        // A later stretch repeats what was counted for the first; what has come and gone since is known here.
        if (page.next === null) this.total = this.#items.length;
        this.version += 1;
      } catch (error) {
        if (generation !== this.#generation) return;
        this.#fail(error);
      }
      this.#asking = false;
    }
  }

  #fail(error: unknown): void {
    this.#asking = false;
    this.state = 'failed';
    this.problem = Failure.of(error);
  }

  /** Takes up one change; false where only the library knows what came of it. */
  #patch(filter: Filter, id: string, detail: PictureDetail | null): boolean {
    const index = this.indexOf(id);
    const fits = detail !== null && admits(filter, detail);
    const more = this.#next !== null;
    // Marks move pictures in this order: past what is there, into it, and so twice into the list.
    const moves = more && filter.order === 'best';
    if (index >= 0) {
      if (fits) this.#items[index] = detail.card;
      else {
        this.#items.splice(index, 1);
        this.total -= 1;
      }
      return !fits || !moves || comesBefore(filter, detail.card, this.#items.at(-1)!);
    }
    // The library's search knows more about words than is known here.
    if (fits && filter.text) return false;
    const place = detail === null ? -1 : this.#items.findIndex((card) => comesBefore(filter, detail.card, card));
    // Past the end of what is there it may have been counted already, or not.
    if (more && (place < 0 || moves)) return false;
    if (!fits) return true;
    this.#items.splice(place < 0 ? this.#items.length : place, 0, detail.card);
    this.total += 1;
    return true;
  }
}
