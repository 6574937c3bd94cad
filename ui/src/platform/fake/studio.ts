/** An in-memory studio: the same commands with the same answers, over a library that is made up. */
import type { Asset, Draft, Event, Filter, Job, Marks, Model, PictureCard, PictureDetail, Settings } from '../../bindings';
import { Failure, type Answer, type ChannelSink, type CommandName, type Request } from '../types';
import { CHANNELS, deliveredFrom, emptyRequest, planOf } from './deliver';
import { FakeEngine, fakeId, hash, wait } from './engine';
import { MODELS, SETTINGS, SYSTEM, type FakeOptions } from './given';
import * as many from './many';
import { fakeRoofline } from './roofline';
import { MOST_TOKENS, notesOf, tokensOf } from './words';

type Commands = { [C in CommandName]?: (request: Request<C>) => Answer<C> | Promise<Answer<C>> };

export class FakeStudio {
  /** The newest first. */
  cards: PictureCard[];
  details = new Map<string, PictureDetail>();
  boards: { id: number; name: string }[];
  settings: Settings;
  models: Model[];
  places = ['/opt/likeness/models', '/pictures/ada/models'];
  engine: FakeEngine;
  /** What is being written, by the library that it is for. */
  drafts: Map<string, Draft>;
  folder: string;
  hearers = new Set<(event: Event) => void>();
  fail: Set<string>;
  prompts: { id: number; text: string; used_at: number; count: number }[] = [];
  #byId = new Map<string, PictureCard>();
  /** Files that are no pictures of the library, only used in requests. */
  #assets = new Map<string, Asset>();
  /** Bytes that were pasted or painted, the latest last. */
  taken: { name: string; base64: string }[] = [];
  #last: Parameters<typeof fakeRoofline>[0] = null;
  #measured = false;
  /** What the last filter let through, for the pages after the first: a studio has an index for that. */
  #found: { key: string; all: PictureCard[] } | null = null;

  constructor(readonly options: FakeOptions) {
    this.cards = many.manyPictures(options.pictures, 1, options.runs);
    for (const card of this.cards) this.#byId.set(card.id, card);
    this.boards = options.pictures > 0 ? many.manyBoards().map(({ id, name }) => ({ id, name })) : [];
    this.settings = { ...SETTINGS, theme: options.theme, language: options.language };
    this.models = options.modelless ? MODELS.slice(1) : MODELS;
    this.fail = new Set(options.fail);
    this.drafts = new Map(options.keeps ? (JSON.parse(sessionStorage.getItem('fake.drafts') ?? '[]') as [string, Draft][]) : []);
    this.folder = (options.keeps && sessionStorage.getItem('fake.folder')) || SYSTEM.library;
    this.engine = new FakeEngine({
      step: options.step,
      cold: options.cold,
      now: () => Date.now(),
      keep: (job, seconds, changed) => this.#keep(job, seconds, changed),
      told: () => this.tell({ kind: 'queue' }),
    });
    if (options.crash > 0) this.#crash(options.crash);
  }

  tell(event: Event): void {
    for (const hear of this.hearers) hear(structuredClone(event));
  }

  async call<C extends CommandName>(name: C, request: Request<C>): Promise<Answer<C>> {
    await Promise.resolve();
    if (this.fail.has(name)) throw new Failure({ code: 'storage', message: 'The disk is full: nothing was changed. Free some space and try again.', field: null });
    const run = this.#commands[name] as ((request: Request<C>) => Answer<C> | Promise<Answer<C>>) | undefined;
    if (!run) throw new Failure({ code: 'internal', message: `The fake studio does not know ${name}.`, field: null });
    return structuredClone(await run(request));
  }

  /** Draws a draft; a slip is answered at once. */
  async live(request: Request<'live'>['request'], sink: ChannelSink): Promise<void> {
    await Promise.resolve();
    this.#refuse(request);
    void this.engine.live(request, sink);
  }

  card(id: string): PictureCard {
    const card = this.#byId.get(id);
    if (!card) throw new Failure({ code: 'not_found', message: `There is no picture ${id.slice(0, 8)}.`, field: null });
    return card;
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  detail(id: string): PictureDetail {
    const card = this.card(id);
    let detail = this.details.get(id);
    if (!detail) this.details.set(id, (detail = many.manyDetail(card)));
    return detail;
  }

  readonly #commands: Commands & Record<string, unknown> = {
    system: () => ({ ...SYSTEM, library: this.folder, pictures: this.cards.filter((one) => one.trashed_at === null).length, unclean_end: this.options.crash > 0 }),
    roofline: ({ measure }) => {
      const busy = this.engine.queue().running !== null;
      this.#measured ||= measure && !busy;
      return fakeRoofline(this.#last, this.#measured, busy);
    },
    settings: () => this.settings,
    settings_set: (settings) => {
      if (settings.trash_days < 1 || settings.trash_days > 3650) throw new Failure({ code: 'usage', message: 'Days in the trash: 1 to 3650.', field: 'trash_days' });
      this.settings = settings;
      this.tell({ kind: 'settings' });
      return settings;
    },
    models: () => ({ models: this.models, places: this.places, usual: this.#model(null)?.path ?? null }),
    connections: () => ({ entries: [] }),
    facets: (request: { trashed: boolean }) => many.manyFacets(this.cards, request.trashed),

    pictures: ({ filter, after, limit }) => {
      const key = JSON.stringify(filter);
      if (after === null || this.#found?.key !== key) this.#found = { key, all: this.#filtered(filter) };
      const { all } = this.#found;
      const from = after === null ? 0 : Number(after);
      const items = all.slice(from, from + limit);
      return { items, next: from + limit < all.length ? String(from + limit) : null, total: all.length };
    },
    picture: ({ id }) => this.detail(id),
    mark: ({ ids, rating, unmarked }) => this.#mark(ids.filter((id) => !unmarked || this.card(id).rating === 0).map((id) => ({ id, rating }))),
    set_marks: ({ marks }) => this.#mark(marks),
    tag: ({ ids, add, remove }) => {
      // A tag is one in any case of its letters.
      const has = (tags: readonly string[], name: string) => tags.some((tag) => tag.toLowerCase() === name.trim().toLowerCase());
      const changed = ids.filter((id) => {
        const detail = this.detail(id);
        const before = detail.tags;
        const added = add.filter((name) => !has(before, name)).map((name) => name.trim());
        detail.tags = [...before, ...added].filter((tag) => !has(remove, tag)).toSorted();
        return detail.tags.join('\n') !== before.join('\n');
      });
      this.#changed(changed);
      return { ids: changed };
    },
    trash: ({ ids }) => this.#trash(ids, true),
    restore: ({ ids }) => this.#trash(ids, false),
    purge: ({ ids }) => this.#purge(ids.filter((id) => this.card(id).trashed_at !== null)),
    empty_trash: () => this.#purge(this.cards.filter((one) => one.trashed_at !== null).map((one) => one.id), []),

    boards: () => ({ boards: this.boards.map((board) => ({ ...board, count: [...this.details.values()].filter((one) => one.boards.includes(board.id) && one.card.trashed_at === null).length })) }),
    board_create: ({ name }) => {
      const id = Math.max(0, ...this.boards.map((one) => one.id)) + 1;
      this.boards.push({ id, name });
      this.tell({ kind: 'boards' });
      return { id };
    },
    board_rename: ({ id, name }) => {
      this.#mustBe(id);
      this.boards = this.boards.map((one) => (one.id === id ? { id, name } : one));
      this.tell({ kind: 'boards' });
      return {};
    },
    board_delete: ({ id }) => {
      this.#mustBe(id);
      this.boards = this.boards.filter((one) => one.id !== id);
      for (const detail of this.details.values()) detail.boards = detail.boards.filter((one) => one !== id);
      this.tell({ kind: 'boards' });
      return {};
    },
    board_add: ({ id, ids }) => this.#board(id, ids, true),
    board_remove: ({ id, ids }) => this.#board(id, ids, false),

    lineage: ({ id }) => {
      const detail = this.detail(id);
      if (detail.parents.length + detail.children.length === 0) return many.manyLineage(detail.card, this.cards);
      const edges = [
        ...detail.parents.map((one) => ({ parent: one.id, child: id, relation: 'variation' as const })),
        ...detail.children.map((one) => ({ parent: id, child: one.id, relation: 'variation' as const })),
      ];
      return { nodes: [...detail.parents, detail.card, ...detail.children], edges };
    },
    spread: ({ ids }) => {
      const pairs = ids.flatMap((a, at) => ids.slice(at + 1).map((b) => ({ a, b, distance: (Number.parseInt(a.slice(0, 2), 16) ^ Number.parseInt(b.slice(0, 2), 16)) / 1200 + 0.02 })));
      const mean = pairs.reduce((sum, pair) => sum + pair.distance, 0) / Math.max(1, pairs.length);
      return { mean, pairs, verdict: mean < 0.03 ? 'same' : mean < 0.09 ? 'close' : 'varied' };
    },
    import: async ({ paths, reference }) => {
      // Reading a file takes its time, and what came is told when all have.
      for (const _ of paths) await wait(this.options.step / 10);
      const imported = paths.filter((path) => !path.endsWith('.txt')).map((path) => this.#import(path.split('/').at(-1) ?? path, reference ?? false));
      const refused = paths.filter((path) => path.endsWith('.txt')).map((path) => ({ path, reason: 'This is not a picture.' }));
      this.#told(imported);
      return { imported, refused };
    },
    import_bytes: ({ name, base64, reference }) => {
      this.taken.push({ name, base64 });
      const imported = this.#import(name, reference ?? false);
      this.#told([imported]);
      return imported;
    },
    asset: ({ id }) => {
      const asset = this.#assets.get(id);
      if (asset) return asset;
      const { width, height, alpha, prompt } = this.card(id);
      return { sha256: id, name: prompt.slice(0, 40) || 'picture', width, height, alpha };
    },
    save: ({ path }) => ({ path }),
    export: ({ ids, folder }) => ({ paths: ids.map((id) => `${folder}/${id.slice(0, 8)}.png`) }),

    render: ({ request, place, interactive }) => {
      this.#refuse(request);
      this.#remember(request.prompt);
      return { jobs: this.engine.add(request, place, interactive) };
    },
    enlarge: ({ ids, by }) => {
      if (by !== 2 && by !== 4) throw new Failure({ code: 'usage', message: 'by: 2 or 4.', field: 'by' });
      const requests = ids.map((id) => {
        const { width, height, prompt, seed } = this.card(id);
        const parents = [{ id, relation: 'enlargement' as const }];
        return { ...emptyRequest, prompt, seed, steps: 1, width: width * by, height: height * by, parents, enlarge: { asset: id, by } };
      });
      return { jobs: requests.flatMap((request) => this.engine.add(request, 'last', true)) };
    },
    estimate: ({ request }) => {
      const model = this.#model(request.model);
      const words = { notes: notesOf(request.prompt, model?.words ?? []), tokens: model && { used: tokensOf(request.prompt), most: MOST_TOKENS } };
      try {
        this.#refuse(request);
      } catch (error) {
        const { code, message, field } = error as Failure;
        return { seconds: null, memory_needed: null, fits: true, problem: { code, message, field }, plan: null, ...words };
      }
      const one = this.engine.seconds(request);
      const plan = planOf(request, one);
      return { seconds: (plan?.seconds ?? one) * request.count, memory_needed: 310_000_000, fits: true, problem: null, plan, ...words };
    },
    live_keep: () => {
      const card = this.engine.keepDraft();
      if (!card) throw new Failure({ code: 'usage', message: 'There is no draft to keep.', field: null });
      this.#remember(card.prompt);
      return card;
    },
    channels: () => ({ channels: CHANNELS }),
    deliver: ({ ids, deliver }) => ({ jobs: ids.flatMap((id) => this.engine.add(deliveredFrom(this.card(id), deliver), 'last', true)) }),
    draft: () => this.drafts.get(this.folder) ?? { request: null, locked: false },
    draft_set: (draft) => {
      this.drafts.set(this.folder, draft);
      if (this.options.keeps) sessionStorage.setItem('fake.drafts', JSON.stringify([...this.drafts]));
      return {};
    },
    live_stop: () => (this.engine.liveStop(), {}),
    queue: () => this.engine.queue(),
    queue_pause: ({ paused }) => {
      this.engine.paused = paused;
      // Whoever goes on has dealt with what the last end left behind.
      if (!paused) this.engine.notice = null;
      this.tell({ kind: 'queue' });
      if (!paused) void this.engine.turn();
      return {};
    },
    queue_move: ({ id, before }) => (this.engine.move(id, before), {}),
    queue_next: ({ id }) => (this.engine.move(id, this.engine.queue().jobs.find((one) => one.state === 'waiting')?.id ?? null), {}),
    queue_cancel: ({ ids }) => ({ ids: this.engine.cancel(ids) }),
    queue_retry: ({ ids }) => (this.engine.retry(ids), {}),
    queue_clear: () => (this.engine.clear(), {}),
    queue_dismiss: () => {
      this.engine.notice = null;
      this.tell({ kind: 'queue' });
      return {};
    },
    prompts: ({ prefix, before, limit }) => ({
      prompts: this.prompts.filter((one) => one.text.startsWith(prefix) && (before === null || one.id < before)).slice(0, limit),
    }),
    library_check: () => ({ pictures: this.cards.length, problems: [] }),
    library_repair: () => ({ done: [], left: [] }),
    library_backup: () => ({}),
    library_unused: ({ kept }) => ({ count: Math.max(0, 3 - kept.length), bytes: 1_000_000 * Math.max(0, 3 - kept.length) }),
  };

  #filtered(filter: Filter): PictureCard[] {
    const words = termsOf(filter.text ?? '');
    if (words.length > MOST_TERMS) throw new Failure({ code: 'usage', message: `text: the search is too long, at most ${MOST_TERMS} words and 1000 characters`, field: 'text' });
    const found = this.cards.filter((card) => {
      if ((card.trashed_at !== null) !== filter.trashed) return false;
      if (filter.run != null && card.run !== filter.run) return false;
      if (filter.min_rating != null && card.rating < filter.min_rating) return false;
      if (filter.model != null && card.model !== filter.model) return false;
      if (filter.subject != null && card.subject !== filter.subject) return false;
      if (filter.width != null && card.width !== filter.width) return false;
      if (filter.height != null && card.height !== filter.height) return false;
      if (filter.from != null && card.created_at < filter.from) return false;
      if (filter.to != null && card.created_at >= filter.to) return false;
      if (filter.board != null && !this.details.get(card.id)?.boards.includes(filter.board)) return false;
      if (filter.tag != null && !this.detail(card.id).tags.includes(filter.tag)) return false;
      const text = words.length > 0 ? `${card.prompt} ${card.subject ?? ''}`.toLowerCase() : '';
      return words.every((word) => text.includes(word));
    });
    if (filter.order === 'oldest') return found.reverse();
    if (filter.order === 'best') return found.sort((a, b) => b.rating - a.rating || b.created_at - a.created_at);
    return found;
  }

  #mark(marks: Marks[]): { before: Marks[] } {
    const before = marks.map(({ id }) => ({ id, rating: this.card(id).rating }));
    for (const { id, rating } of marks) this.card(id).rating = rating;
    this.#changed(marks.map((one) => one.id));
    return { before };
  }

  #trash(ids: string[], into: boolean): { ids: string[] } {
    const moved = ids.filter((id) => (this.card(id).trashed_at === null) === into);
    for (const id of moved) this.card(id).trashed_at = into ? Date.now() : null;
    this.#changed(moved);
    if (moved.length > 0) this.tell({ kind: 'boards' });
    return { ids: moved };
  }

  /** Whoever empties the trash is told no names: anything may have gone. */
  #purge(ids: string[], told = ids): { purged: number } {
    const gone = new Set(ids);
    this.cards = this.cards.filter((one) => !gone.has(one.id));
    for (const id of ids) {
      this.#byId.delete(id);
      this.details.delete(id);
    }
    this.#found = null;
    this.tell({ kind: 'pictures', ids: told });
    return { purged: ids.length };
  }

  #mustBe(board: number): void {
    if (!this.boards.some(({ id }) => id === board)) throw new Failure({ code: 'not_found', message: `There is no board ${board}.`, field: null });
  }

  #board(id: number, ids: string[], on: boolean): { ids: string[] } {
    this.#mustBe(id);
    const moved = ids.filter((one) => this.detail(one).boards.includes(id) !== on);
    for (const one of moved) {
      const detail = this.detail(one);
      detail.boards = on ? [...detail.boards, id] : detail.boards.filter((board) => board !== id);
    }
    this.tell({ kind: 'boards' });
    this.#changed(moved);
    return { ids: moved };
  }

  /** A file as it comes in: into the library, or only to be used in a request. */
  #import(name: string, reference = false): Answer<'import_bytes'> {
    const foreign = /a1111|comfy|invoke/i.test(name);
    const id = hash(name);
    const known = this.#byId.get(id);
    const card = known ?? {
      id,
      width: 512,
      height: 512,
      created_at: Date.now(),
      rating: 0,
      alpha: false,
      prompt: foreign ? 'a lighthouse in the snow, flat illustration' : '',
      seed: foreign ? '965400086' : null,
      model: null,
      subject: null,
      source: foreign ? 'a1111' : 'file',
      trashed_at: null,
      parents: 0,
      run: null,
      enlarged: null,
    };
    const asset = { sha256: id, name, width: card.width, height: card.height, alpha: card.alpha };
    const settings = foreign ? many.settingsOf(card) : null;
    if (reference) {
      this.#assets.set(id, asset);
      return { picture: null, new: false, asset, settings };
    }
    const isNew = !known || known.trashed_at !== null;
    if (!known) this.#put(card);
    card.trashed_at = null;
    return { picture: card, new: isNew, asset, settings };
  }

  /** Tells of all that came in at once. */
  #told(imported: Answer<'import_bytes'>[]): void {
    this.#changed(imported.flatMap(({ picture }) => picture?.id ?? []));
  }

  #keep(job: Job, seconds: number, changed: number | null): PictureCard {
    const { request } = job;
    const model = this.#model(request.model)?.name ?? null;
    this.#last = { job: job.id, model: model ?? '', width: request.width ?? 128, height: request.height ?? 128, steps: request.steps ?? 4, precision: 'bf16', seconds };
    const card: PictureCard = {
      id: fakeId(job),
      width: request.width ?? 128,
      height: request.height ?? 128,
      created_at: Date.now(),
      rating: request.enlarge && this.has(request.enlarge.asset) ? this.card(request.enlarge.asset).rating : 0,
      alpha: request.prompt.includes('transparent'),
      prompt: request.prompt,
      seed: request.seed,
      model,
      subject: null,
      source: 'likeness',
      trashed_at: null,
      parents: request.parents.length,
      run: job.run,
      enlarged: request.enlarge?.by ?? null,
    };
    const parents = request.parents.filter((one) => this.has(one.id)).map((one) => this.card(one.id));
    for (const parent of parents) {
      const detail = this.detail(parent.id);
      detail.children.push(card);
      detail.children_count += 1;
    }
    this.#put(card);
    this.#changed([card.id]);
    const enlarged = request.enlarge && { by: request.enlarge.by, model: { name: 'likeness-upscaler', sha256: card.id }, sha256: request.enlarge.asset };
    const resolved = JSON.stringify({ schema: 2, ...request, ...(enlarged && { enlarged }) }, null, 2);
    this.details.set(card.id, { ...many.manyDetail(card), recipe: { ...request, enlarge: null, count: 1 }, resolved, seconds, changed, parents, settings: null, tags: [], boards: [] });
    return card;
  }

  #put(card: PictureCard): void {
    this.cards.unshift(card);
    this.#byId.set(card.id, card);
  }

  #changed(ids: string[]): Record<string, never> {
    this.#found = null;
    if (ids.length > 0) this.tell({ kind: 'pictures', ids });
    return {};
  }

  #remember(text: string): void {
    const known = this.prompts.find((one) => one.text === text);
    this.prompts = this.prompts.filter((one) => one !== known);
    this.prompts.unshift({ id: (this.prompts[0]?.id ?? 0) + 1, text, used_at: Date.now(), count: (known?.count ?? 0) + 1 });
  }

  /** The one that is named, by name or path; none named is the starter, else the first that runs. */
  #model(name: string | null): Model | null {
    if (name !== null) return this.models.find((one) => [one.name, one.path, one.path.split('/').at(-1)].includes(name)) ?? null;
    return this.models.find((one) => one.path.endsWith('/starter')) ?? this.models.find((one) => one.runs) ?? null;
  }

  #refuse(request: Request<'estimate'>['request']): void {
    const usage = (field: string, message: string) => new Failure({ code: 'usage', message, field });
    const model = this.#model(request.model);
    if (!model?.able) throw new Failure({ code: 'model', message: model?.reason ?? 'No model here can run. Models says why.', field: 'model' });
    const { steps, min_side, max_side, multiple, sizes } = model.able;
    const asked = { width: request.width ?? model.able.defaults.width, height: request.height ?? model.able.defaults.height };
    if (sizes.length > 0 && !request.deliver && !sizes.some((one) => one.width === asked.width && one.height === asked.height)) throw usage('size', 'size: 128 × 128.');
    if (tokensOf(request.prompt) > MOST_TOKENS) throw usage('prompt', `prompt: ${tokensOf(request.prompt)} tokens, at most ${MOST_TOKENS}.`);
    if (request.steps !== null && (request.steps < steps.min || request.steps > steps.max)) throw usage('steps', `Steps: ${steps.min} to ${steps.max}.`);
    for (const side of ['width', 'height'] as const) {
      const size = request[side];
      if (size !== null && (size < min_side || size > max_side || size % multiple !== 0)) throw usage(side, `${side}: ${min_side} to ${max_side} in steps of ${multiple}.`);
    }
    const { init } = request;
    if (request.prompt.trim() === '' && request.references.length === 0 && !init) throw usage('prompt', 'prompt: it is empty.');
    if (init && !this.has(init.asset) && !this.#assets.has(init.asset)) throw usage('init.asset', 'There is no such picture.');
    if (request.seed !== null && !/^\d{1,20}$/.test(request.seed)) throw usage('seed', 'A seed is a whole number.');
  }

  #crash(left: number): void {
    const prompts = ['a red fox on a snowy beach, paper cut', 'a teapot in a garden, watercolour', 'a blue fire engine, flat style'];
    this.engine.paused = true;
    for (let at = 0; at < left; at += 1) this.engine.add({ ...emptyRequest, prompt: prompts[at % prompts.length] ?? '' }, 'last', true);
    this.engine.notice = { interrupted: 1, waiting: left };
  }
}

/** Most words of one search. */
const MOST_TERMS = 16;

/** Words, and what stands in quotes as one. */
function termsOf(text: string): string[] {
  return [...text.toLowerCase().matchAll(/"([^"]+)"?|\S+/g)].map(([whole, quoted]) => quoted ?? whole);
}
