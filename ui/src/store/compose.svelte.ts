/** The request that is being written. */
import type { Abilities, Asset, Estimate, Job, Model, Place, ReferenceChoice, Relation, RenderRequest, RoleName, StudioError } from '../bindings';
import { Failure, platform } from '../platform';
import { t, type Key } from '../strings';
import { drafts } from './drafts';
import { estimates } from './estimate.svelte';
import { models } from './models.svelte';
import { parentsAfter } from './parents';
import { fieldOf, said, type Said } from './said';
import { sizeLike, type Size } from './sizes';
import { toasts } from './toasts.svelte';
import { undo, type Change } from './undo.svelte';

export function emptyRequest(): RenderRequest {
  return {
    model: null,
    prompt: '',
    negative: null,
    references: [],
    init: null,
    mask: null,
    seed: null,
    noise_source: null,
    steps: null,
    guidance: null,
    width: null,
    height: null,
    sampler: null,
    schedule: null,
    precision: null,
    count: 1,
    parents: [],
    deliver: null,
  };
}

/** How far a request goes from its starting picture where it says nothing: what a mask lets change can change whole. */
export const usualStrength = ({ strength, masked_strength }: Abilities['defaults'], { mask }: Pick<RenderRequest, 'mask'>): number => (mask ? masked_strength : strength);

/** The studio takes more; a person who wants more than this presses the button again. */
export const MOST_AT_ONCE = 100;
/** What is changed again within this time is one change to whoever takes it back. */
const ONE_CHANGE_MS = 1500;

/** The request, and whether its seed is held. */
type Draft = RenderRequest & { locked: boolean };

/** What a field is called in the list of what can be taken back. What is written in has its own way back. */
const NAMES: Partial<Record<keyof Draft, Key>> = {
  model: 'create.model',
  negative: 'create.negative',
  references: 'create.references',
  init: 'create.strength',
  seed: 'create.seed',
  noise_source: 'create.noise',
  steps: 'create.steps',
  guidance: 'create.guidance',
  width: 'create.shape',
  height: 'create.shape',
  deliver: 'create.shape',
  sampler: 'create.sampler',
  schedule: 'create.schedule',
  precision: 'create.precision',
  count: 'create.count',
};

class Compose {
  draft = $state<RenderRequest>(emptyRequest());
  /** The same seed each time; otherwise a new one is drawn by the studio. */
  locked = $state(false);
  /** The seed of the last render, to lock on to. */
  lastSeed = $state<string | null>(null);
  /** What was refused, until the field is changed. */
  refused = $state.raw<Failure | null>(null);
  sending = $state(false);
  /** Whether somebody has written since the request was last changed from elsewhere. */
  written = false;
  /** The latest change that can be taken back, and when it was made. */
  #latest: { change: Change; at: number } | null = null;

  /** Takes up what was being written in this library, unless something is written already. */
  async load(): Promise<void> {
    const before = JSON.stringify(this.draft);
    const { request, locked } = await drafts.load();
    if (request === null || JSON.stringify(this.draft) !== before) return;
    this.draft = { ...emptyRequest(), ...request };
    this.locked = locked && request.seed !== null;
  }

  get model(): Model | null {
    return models.chosen(this.draft.model);
  }

  get able(): Abilities | null {
    return this.model?.able ?? null;
  }

  /** What is drawn. */
  get size(): Size | null {
    const { width, height } = this.draft;
    const usual = this.able?.defaults;
    if (width !== null && height !== null) return { width, height };
    return usual ? { width: width ?? usual.width, height: height ?? usual.height } : null;
  }

  /** What comes of it at the end. */
  get shape(): Size | null {
    return this.draft.deliver ?? this.size;
  }

  /** Whether there is anything to make: words, or a picture to go from. */
  get ready(): boolean {
    const { prompt, references, init } = this.draft;
    return prompt.trim() !== '' || references.length > 0 || init !== null;
  }

  /** The request as it would be sent. */
  request(): RenderRequest {
    const draft = $state.snapshot(this.draft);
    return { ...draft, seed: this.locked ? draft.seed : null };
  }

  get estimate(): Estimate | null {
    return estimates.of(this.request());
  }

  /** What it costs, which does not change while one types. */
  get cost(): Estimate | null {
    return estimates.cost(this.request());
  }

  /** Refused when it was sent, or found when it was estimated: not that words are missing before any are written. */
  get wrong(): StudioError | null {
    if (this.refused) return this.refused;
    const exact = this.estimate;
    // What is wrong with a size is so whatever is written meanwhile.
    const estimate = exact ?? this.cost;
    const problem = estimate?.problem ?? null;
    const ofWords = problem?.field === 'prompt' || problem?.field === 'negative';
    if (ofWords && (!exact || (problem.field === 'prompt' && this.draft.prompt.trim() === ''))) return null;
    if (problem || !estimate || estimate.fits) return problem;
    return estimate.memory_needed === null ? null : { code: 'memory', message: '', field: 'size' };
  }

  /** What is wrong with it in words, and what would mend it. */
  get said(): (Said & { field: string }) | null {
    const problem = this.wrong;
    if (!problem) return null;
    const { draft: request, model, size, estimate } = this;
    const other = models.chosen(null);
    return { field: fieldOf(problem), ...said(problem, { request, model, size, estimate, other: other?.runs && other !== model ? other : null }) };
  }

  /** What is wrong with a field. */
  problem(field: string): string | null {
    const found = this.said;
    return found?.field === field ? found.text : null;
  }

  /** Does what would mend what is wrong. */
  mend(): void {
    const mend = this.said?.mend;
    if (mend) this.patch(mend.patch);
  }

  /** Changes the request. What it changes can be taken back, but for words, whose field takes them back itself. */
  patch(part: Partial<RenderRequest>, label?: string): Change | null {
    const before = this.#draft();
    const parents = part.parents ?? parentsAfter(this.draft, { ...this.draft, ...part });
    this.#put({ ...part, parents, locked: part.seed === undefined ? this.locked : part.seed !== null });
    const name = label ?? nameOf(part);
    if (name === null) return null;
    this.written = false;
    return this.#canComeBack(before, name, label === undefined);
  }

  /**
   * Lets what has just been changed be taken back. Only that: what is written elsewhere in the request meanwhile
   * stays. Undoing exchanges what there was for what there is by then, so that redoing loses nothing either.
   */
  #canComeBack(before: Draft, label: string, counts: boolean): Change | null {
    const now = this.#draft();
    const fields = (Object.keys(before) as (keyof Draft)[]).filter((field) => JSON.stringify(before[field]) !== JSON.stringify(now[field]));
    if (fields.length === 0) return null;
    const kind = counts ? fields.join() : undefined;
    const latest = this.#latest;
    // A number that is counted up is one change, and what there was before it is what comes back.
    if (latest && counts && latest.change.kind === kind && undo.done.at(-1) === latest.change && Date.now() - latest.at < ONE_CHANGE_MS) {
      latest.at = Date.now();
      return latest.change;
    }
    const only = (draft: Draft) => Object.fromEntries(fields.map((field) => [field, draft[field]])) as Partial<Draft>;
    let other = only(before);
    const exchange = () => {
      const here = only(this.#draft());
      this.#put(other);
      other = here;
      if (fields.includes('prompt')) this.written = false;
    };
    const change = undo.push({ label, kind, undo: exchange, redo: exchange });
    this.#latest = { change, at: Date.now() };
    return change;
  }

  #draft(): Draft {
    return { ...$state.snapshot(this.draft), locked: this.locked };
  }

  #put({ locked, ...part }: Partial<Draft>): void {
    this.refused = null;
    this.draft = { ...this.draft, ...part };
    if (locked !== undefined) this.locked = locked;
    drafts.keep(() => ({ request: $state.snapshot(this.draft), locked: this.locked }));
  }

  lockSeed(seed: string | null): void {
    this.patch({ seed });
  }

  /** Puts an error beside its field, or says it where it has none. */
  refuse(error: unknown): void {
    const failure = Failure.of(error);
    if (failure.code === 'cancelled') return;
    if (failure.code === 'usage' || failure.code === 'model' || failure.code === 'memory' || failure.field !== null) this.refused = failure;
    else toasts.error(failure);
  }

  /** Puts the request into the queue. */
  async run(place: Place, held: Partial<RenderRequest> = {}): Promise<Job[]> {
    if (!this.ready || this.sending) return [];
    this.sending = true;
    this.refused = null;
    try {
      const { jobs } = await platform().call('render', { request: { ...this.request(), ...held }, place, interactive: true });
      this.lastSeed = jobs[0]?.request.seed ?? this.lastSeed;
      return jobs;
    } catch (error) {
      this.refuse(error);
      return [];
    } finally {
      this.sending = false;
    }
  }

  /**
   * Begins the next picture from this one: all over, or only where a mask lets it change. `said` is the prompt that
   * the picture was made with, for where none is written.
   */
  beginFrom(asset: Asset, said: string, mask: string | null): void {
    const { draft, able } = this;
    const strength = draft.init?.asset === asset.sha256 ? draft.init.strength : null;
    const patch = {
      init: { asset: asset.sha256, strength },
      mask: mask === null ? null : { asset: mask },
      prompt: draft.prompt.trim() === '' ? said : draft.prompt,
      ...sizeLike(able, asset),
    };
    const relation: Relation = mask === null ? 'variation' : 'edit';
    const parents = parentsAfter(draft, { ...draft, ...patch }, [{ id: asset.sha256, relation }]);
    this.patch({ ...patch, parents }, t(mask === null ? 'create.init.begun' : 'create.mask.taken'));
  }

  /** Takes a picture of the library, or an asset, as a reference. */
  async addReference(id: string, role?: RoleName): Promise<Asset | null> {
    try {
      const asset = await platform().call('asset', { id });
      this.takeReference(asset, role, id);
      return asset;
    } catch (error) {
      toasts.error(error);
      return null;
    }
  }

  /** `picture` is where it comes from, when that is a picture of the library. */
  takeReference(asset: Asset, role?: RoleName, picture?: string): void {
    this.takeReferences([asset], role, picture);
  }

  /** The last of these that the model looks at, in one change; what is a reference already stays as it is. */
  takeReferences(assets: readonly Asset[], role?: RoleName, picture?: string): void {
    const { references } = this.draft;
    const known = (asset: Asset) => references.some((one) => one.asset === asset.sha256 && (role === undefined || one.role === role));
    const came = [...new Map(assets.map((asset) => [asset.sha256, asset])).values()].filter((asset) => !known(asset));
    if (came.length === 0) return;
    const most = this.able?.max_references ?? 1;
    const roles = this.able?.roles ?? ['subject'];
    if (roles.length === 0 || most === 0) {
      toasts.show({ text: t('create.references.none', { model: this.model?.name ?? '' }), tone: 'error' });
      return;
    }
    const taken = came.slice(-most).map((asset): ReferenceChoice => ({ asset: asset.sha256, role: role ?? (roles[0] as RoleName), name: asset.name }));
    const others = references.filter((other) => !taken.some((one) => one.asset === other.asset));
    // The oldest makes room: the person has just said what they want to use.
    const kept = others.slice(Math.max(0, others.length - (most - taken.length)));
    const patch = { references: [...kept, ...taken] };
    const parents = parentsAfter(this.draft, { ...this.draft, ...patch }, picture === undefined ? [] : taken.map((one) => ({ id: picture, relation: relationOf(one.role) })));
    const name = taken.length === 1 ? (taken[0]?.name ?? '') : t('library.count', { n: taken.length });
    const change = this.patch({ ...patch, parents }, t('create.references.added', { name }));
    const action = change && undo.back(change);
    const left = came.length - taken.length;
    if (left > 0) toasts.show({ text: t('create.references.left', { most, n: left }), action });
    else if (kept.length < others.length) toasts.show({ text: t('create.references.replaced', { most }), action });
  }

  /** By its place: a recipe may name one picture twice, and both count. */
  removeReference(place: number): void {
    const references = this.draft.references.filter((_, n) => n !== place);
    const name = this.draft.references[place]?.name ?? '';
    this.patch({ references }, t('create.references.removed', { name }));
  }

  setRole(place: number, role: RoleName): void {
    // There is nothing to guard but a picture to change.
    const references = this.draft.references.map((one, n) => (n === place ? { ...one, role, guard: null } : one));
    const asset = references[place]?.asset;
    const parents = this.draft.parents.map((one) => (one.id === asset ? { ...one, relation: relationOf(role) } : one));
    this.patch({ references, parents });
  }

  /** Whether all that a change leaves alone stays as it was, pixel for pixel. */
  setGuard(place: number, guard: boolean): void {
    this.patch({ references: this.draft.references.map((one, n) => (n === place ? { ...one, guard } : one)) });
  }
}

const relationOf = (role: RoleName): Relation => (role === 'edit' ? 'edit' : 'reference');

/** What a change is called that nobody has named: after the first of its fields that has a name; null for words alone. */
function nameOf(part: Partial<RenderRequest>): string | null {
  const name = (Object.keys(part) as (keyof Draft)[]).map((field) => NAMES[field]).find((one) => one !== undefined);
  return name === undefined ? null : t('undo.set', { what: t(name) });
}

export const compose = new Compose();
