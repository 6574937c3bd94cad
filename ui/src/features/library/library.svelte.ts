/**
 * What the Library screen looks at: which place, which filter, which pictures are chosen, and what is known of the
 * one that is looked at. The pictures themselves are the studio's; this only mirrors them.
 */
import type { Board, PictureCard, PictureDetail } from '../../bindings';
import { Failure, platform } from '../../platform';
import { bus } from '../../store/bus';
import { isBoolean, isNumber, remember, remembered } from '../../store/remembered';
import { stacksOf, type Stack } from '../../store/stacks';
import { everything, partsOf, same, withSearch, without, type Part, type Wanted } from './filter';
import { Pages } from './pages.svelte';
import { choose, chooseAll, chooseNone, follow, grasp, NOTHING, type Held, type Selection } from './selection';

/** A row of the left column. */
export type Shelf = { kind: 'all' } | { kind: 'rated' } | { kind: 'trash' } | { kind: 'board'; id: number };

/** How wide a cell may be wished, in pixels. */
export const CELL = { least: 88, usual: 152, most: 320 } as const;

/** While one goes through pictures faster than this, details are fetched for the one where one stops. */
const DETAIL_PAUSE_MS = 80;

class LibraryState {
  readonly pages = new Pages({
    page: (filter, after, limit) => platform().call('pictures', { filter, after, limit }),
    detail,
  });

  shelf = $state.raw<Shelf>({ kind: 'all' });
  /** What the menus say, without the shelf and the search field. */
  menus = $state.raw<Wanted>(everything());
  /** The search field. */
  typed = $state('');
  selection = $state.raw<Selection>(NOTHING);
  boards = $state.raw<readonly Board[]>([]);
  /** The picture whose family is shown instead of the grid. */
  family = $state<string | null>(null);
  cell = $state(remembered('library.cell', CELL.usual, isNumber));
  /** Of the picture that is looked at; it may still be that of the one before. */
  detail = $state.raw<PictureDetail | null>(null);
  problem = $state<Failure | null>(null);

  #chosen = $derived.by<string[]>(() => {
    if (this.family !== null) return [this.family];
    const { ids } = this.selection;
    if (ids.size < 2) return [...ids];
    return this.pages.items.filter(({ id }) => ids.has(id)).map(({ id }) => id);
  });
  #filter = $derived(withSearch(onShelf(this.menus, this.shelf), this.typed));
  /** What was asked for at once is shown as one pile. */
  piled = $state(remembered('library.piled', true, isBoolean));
  /** Runs whose pictures lie side by side all the same. */
  opened = $state.raw<ReadonlySet<string>>(new Set());
  /** The cells of the grid as far as they are there; null where each picture is one. */
  #cells = $derived.by<Stack[] | null>(() => {
    const { items } = this.pages;
    return this.piled && items.some(({ run }) => run !== null) ? stacksOf(items, this.opened) : null;
  });
  /** What stood in the cells before something changed. */
  #keys: readonly string[] = [];
  #shown: Wanted | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #detailOf: string | null = null;
  #lookedAt = -Infinity;
  #following = false;
  /** How often the boards were asked for. */
  #boardsAsked = 0;

  constructor() {
    this.pages.onMoved = (before) => {
      this.selection = follow(this.selection, this.#keys.length > 0 ? this.#keys : before, this.#standing());
      this.#keys = this.#cells ? this.#standing() : [];
    };
  }

  /** How many cells there are; what is still to come is counted as if it were no piles. */
  get count(): number {
    return this.#cells ? this.#cells.length + this.pages.total - this.pages.loaded : this.pages.total;
  }

  /** How many of them are there without a gap. */
  get loaded(): number {
    return this.#cells?.length ?? this.pages.loaded;
  }

  cellAt(place: number): Stack | null {
    if (this.#cells) return this.#cells[place] ?? null;
    const card = this.pages.at(place);
    return card && { top: card, cards: [card] };
  }

  idAt = (place: number): string | null => this.cellAt(place)?.top.id ?? null;

  /** The grid wants to see up to `end`. */
  want(end: number): void {
    this.pages.want(end + this.pages.loaded - this.loaded);
  }

  async reach(place: number): Promise<void> {
    for (let before = -1; this.loaded <= place && this.pages.loaded < this.pages.total && this.pages.loaded !== before; ) {
      before = this.pages.loaded;
      await this.pages.reach(this.pages.loaded + place - this.loaded);
    }
  }

  setPiled(on: boolean): void {
    this.piled = on;
    remember('library.piled', on);
    this.#rearranged();
  }

  /** Lays a pile's pictures side by side, or back onto one another. */
  togglePile(run: string): void {
    const next = new Set(this.opened);
    if (!next.delete(run)) next.add(run);
    this.opened = next;
    this.#rearranged();
  }

  /** The keyboard goes with the picture that it was at. */
  #rearranged(): void {
    const [id] = this.selection.ids;
    const place = id === undefined ? -1 : this.placeOf(id);
    if (place >= 0) this.selection = { ...this.selection, anchor: place, cursor: place };
    this.#keys = this.#cells ? this.#standing() : [];
  }

  placeOf(id: string): number {
    return this.#cells ? this.#cells.findIndex(({ cards }) => cards.some((card) => card.id === id)) : this.pages.indexOf(id);
  }

  /** What stands in each cell, by what stays when another of its pictures comes to the top. */
  #standing(): string[] {
    return this.#cells ? this.#cells.map(({ top, cards }) => (cards.length > 1 ? (top.run ?? top.id) : top.id)) : this.pages.items.map(({ id }) => id);
  }

  get filter(): Wanted {
    return this.#filter;
  }

  /** The parts of the menus' filter: what the chips show. The search field shows itself. */
  get parts(): Part[] {
    return partsOf(this.menus);
  }

  /** Whether anything narrows the shelf. */
  get narrowed(): boolean {
    return this.parts.length > 0 || this.typed.trim() !== '';
  }

  get inTrash(): boolean {
    return this.shelf.kind === 'trash';
  }

  /** The chosen pictures, in the order in which they stand. */
  get chosen(): string[] {
    return this.#chosen;
  }

  /** What the grid shows of the chosen pictures. */
  get cards(): readonly PictureCard[] {
    if (this.family !== null || this.selection.ids.size === 1) return this.one ? [this.one] : [];
    return this.pages.items.filter(({ id }) => this.selection.ids.has(id));
  }

  /** The picture that is looked at: the only chosen one. */
  get one(): PictureCard | null {
    if (this.family !== null) return this.detail?.card.id === this.family ? this.detail.card : null;
    if (this.selection.ids.size !== 1) return null;
    const [id] = this.selection.ids;
    const here = this.cellAt(this.selection.cursor)?.top;
    return here && here.id === id ? here : this.pages.at(this.pages.indexOf(id!));
  }

  /** Looks at what the filter says, if that is not what is looked at already. */
  async look(): Promise<void> {
    const filter = this.#filter;
    if (this.#shown !== null && same(this.#shown, filter)) return;
    const moved = this.#shown !== null;
    this.#shown = filter;
    if (moved) this.selection = NOTHING;
    await this.pages.show(filter);
  }

  go(shelf: Shelf): void {
    this.family = null;
    this.shelf = shelf;
  }

  narrow(part: Partial<Wanted>): void {
    this.menus = { ...this.menus, ...part };
  }

  widen(part: Part): void {
    this.menus = without(this.menus, part);
  }

  /** Takes every narrowing away, and keeps the order. */
  clear(): void {
    this.menus = { ...everything(), order: this.menus.order };
    this.typed = '';
  }

  /** Chooses a picture; one that is still to come is chosen when it is there, unless one has gone on meanwhile. */
  async choose(index: number, held: Held): Promise<void> {
    const before = this.selection;
    this.selection = choose(before, index, held, this.idAt);
    if (this.loaded > index) return;
    const moved = this.selection;
    await this.reach(index);
    // There may be fewer cells than were counted before it was known which are piles.
    if (this.selection === moved) this.selection = choose(before, Math.min(index, Math.max(0, this.count - 1)), held, this.idAt);
  }

  grasp(index: number): void {
    this.selection = grasp(this.selection, index, this.idAt);
  }

  async chooseAll(): Promise<void> {
    const all = await this.pages.all();
    this.selection = chooseAll(this.selection, all.map(({ id }) => id));
  }

  chooseNone(): void {
    this.selection = chooseNone(this.selection);
  }

  /** Shows a picture that may be anywhere in the library, or nowhere in what is filtered. */
  showFamily(id: string | null): void {
    this.family = id;
    if (id !== null) this.lookAt(id);
  }

  resizeCells(size: number): void {
    this.cell = Math.round(Math.min(CELL.most, Math.max(CELL.least, size)));
    remember('library.cell', this.cell);
  }

  /** Fetches the details of the picture that is looked at. */
  lookAt(id: string | null): void {
    clearTimeout(this.#timer);
    const now = performance.now();
    const pause = now - this.#lookedAt < DETAIL_PAUSE_MS ? DETAIL_PAUSE_MS : 0;
    this.#lookedAt = now;
    this.#detailOf = id;
    if (id === null) {
      this.detail = null;
      this.problem = null;
      return;
    }
    if (pause === 0) void this.#fetchDetail(id);
    else this.#timer = setTimeout(() => void this.#fetchDetail(id), pause);
  }

  async loadBoards(): Promise<void> {
    const turn = (this.#boardsAsked += 1);
    let boards: readonly Board[] | null = null;
    try {
      ({ boards } = await platform().call('boards', {}));
    } catch {
      // The grid says what is wrong with the library; the left column need not say it again.
    }
    // An older answer knows less.
    if (turn !== this.#boardsAsked) return;
    this.boards = boards ?? [];
    const { shelf } = this;
    if (boards !== null && shelf.kind === 'board' && !boards.some(({ id }) => id === shelf.id)) this.shelf = { kind: 'all' };
  }

  /** From the first time the screen is shown it hears what changes, also while another screen is shown. */
  follow(): void {
    if (this.#following) return;
    this.#following = true;
    void this.loadBoards();
    bus.on('pictures', ({ ids }) => void this.#changed(ids));
    bus.on('boards', () => void this.loadBoards());
  }

  async #changed(ids: readonly string[]): Promise<void> {
    await this.pages.changed(ids);
    void this.loadBoards();
    // None named means that it may be any.
    const touched = ids.length === 0 ? [...this.selection.ids] : ids.filter((id) => this.selection.ids.has(id));
    const there = touched.length === 0 ? null : new Set(this.pages.items.map(({ id }) => id));
    const gone = touched.some((id) => !there?.has(id));
    // The cursor has followed to what is next.
    if (gone) this.selection = choose(NOTHING, this.selection.cursor, { toggle: false, range: false }, this.idAt);
    if (this.#detailOf !== null && (ids.length === 0 || ids.includes(this.#detailOf))) this.lookAt(this.#detailOf);
  }

  async #fetchDetail(id: string): Promise<void> {
    try {
      const found = await detail(id);
      if (this.#detailOf !== id) return;
      this.detail = found;
      this.problem = null;
      if (found === null && this.family === id) this.family = null;
    } catch (error) {
      if (this.#detailOf !== id) return;
      this.detail = null;
      this.problem = Failure.of(error);
    }
  }
}

export const library = new LibraryState();

async function detail(id: string): Promise<PictureDetail | null> {
  try {
    return await platform().call('picture', { id });
  } catch (error) {
    if (Failure.of(error).code === 'not_found') return null;
    throw error;
  }
}

function onShelf(menus: Wanted, shelf: Shelf): Wanted {
  switch (shelf.kind) {
    case 'all':
      return menus;
    case 'rated':
      return { ...menus, min_rating: Math.max(1, menus.min_rating ?? 0) };
    case 'trash':
      return { ...menus, trashed: true };
    case 'board':
      return { ...menus, board: shelf.id };
  }
}
