/** The request that is being written. */
import type { Abilities, Asset, Estimate, Job, Model, Place, ReferenceChoice, Relation, RenderRequest, RoleName } from '../bindings';
import { Failure, platform } from '../platform';
import { t } from '../strings';
import { bytes } from '../strings/format';
import { models } from './models.svelte';
import { parentsAfter } from './parents';
import { remember, remembered } from './remembered';
import { sizeLike } from './sizes';
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
  };
}

/** The studio takes more; a person who wants more than this presses the button again. */
export const MOST_AT_ONCE = 100;
const isDraft = (value: unknown): value is RenderRequest =>
  typeof value === 'object' && value !== null && 'prompt' in value && 'references' in value && 'parents' in value;

/** The request, and whether its seed is held. */
type Draft = RenderRequest & { locked: boolean };

class Compose {
  draft = $state<RenderRequest>({ ...emptyRequest(), ...remembered('draft', emptyRequest(), isDraft) });
  /** The same seed each time; otherwise a new one is drawn by the studio. */
  locked = $state(false);
  /** The seed of the last render, to lock on to. */
  lastSeed = $state<string | null>(null);
  estimate = $state.raw<Estimate | null>(null);
  /** What was refused, until the field is changed. */
  refused = $state.raw<Failure | null>(null);
  sending = $state(false);
  /** Whether somebody has written since the request was last changed from elsewhere. */
  written = false;

  constructor() {
    this.locked = this.draft.seed !== null;
  }

  get model(): Model | null {
    return models.chosen(this.draft.model);
  }

  get able(): Abilities | null {
    return this.model?.able ?? null;
  }

  get size(): { width: number; height: number } | null {
    const { width, height } = this.draft;
    const usual = this.able?.defaults;
    if (width !== null && height !== null) return { width, height };
    return usual ? { width: width ?? usual.width, height: height ?? usual.height } : null;
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

  /** Refused when it was sent, or found when it was estimated: not that words are missing before any are written. */
  get #wrong(): Failure | Estimate['problem'] {
    if (this.refused) return this.refused;
    const problem = this.estimate?.problem ?? null;
    return problem?.field === 'prompt' && this.draft.prompt.trim() === '' ? null : problem;
  }

  /** What is wrong with a field. */
  problem(field: string): string | null {
    const found = this.#wrong;
    if (!found?.field) return null;
    return found.field === field || found.field.startsWith(`${field}[`) || found.field.startsWith(`${field}.`) ? found.message : null;
  }

  /** A problem that no field shows. */
  get problemElsewhere(): string | null {
    const found = this.#wrong;
    if (!found) return null;
    const field = found.field?.split(/[.[]/)[0] ?? '';
    return SHOWN_FIELDS.includes(field) ? null : found.message;
  }

  /** It can be made, but not in the memory that is free. */
  get tooLarge(): string | null {
    const { estimate } = this;
    if (!estimate || estimate.fits || estimate.problem || estimate.memory_needed === null) return null;
    return t('create.too_large', { needed: bytes(estimate.memory_needed) });
  }

  /** Changes the request; with a label what it changes can be taken back, and the change is answered. */
  patch(part: Partial<RenderRequest>, label?: string): Change | null {
    const before = this.#draft();
    const parents = part.parents ?? parentsAfter(this.draft, { ...this.draft, ...part });
    this.#put({ ...part, parents, locked: part.seed === undefined ? this.locked : part.seed !== null });
    if (label === undefined) return null;
    this.written = false;
    return this.#canComeBack(before, label);
  }

  /**
   * Lets what has just been changed be taken back. Only that: what is written elsewhere in the request meanwhile
   * stays. Undoing exchanges what there was for what there is by then, so that redoing loses nothing either.
   */
  #canComeBack(before: Draft, label: string): Change | null {
    const now = this.#draft();
    const fields = (Object.keys(before) as (keyof Draft)[]).filter((field) => JSON.stringify(before[field]) !== JSON.stringify(now[field]));
    if (fields.length === 0) return null;
    const only = (draft: Draft) => Object.fromEntries(fields.map((field) => [field, draft[field]])) as Partial<Draft>;
    let other = only(before);
    const exchange = () => {
      const here = only(this.#draft());
      this.#put(other);
      other = here;
      if (fields.includes('prompt')) this.written = false;
    };
    return undo.push({ label, undo: exchange, redo: exchange });
  }

  #draft(): Draft {
    return { ...$state.snapshot(this.draft), locked: this.locked };
  }

  #put({ locked, ...part }: Partial<Draft>): void {
    this.refused = null;
    this.draft = { ...this.draft, ...part };
    if (locked !== undefined) this.locked = locked;
    remember('draft', $state.snapshot(this.draft));
  }

  lockSeed(seed: string | null): void {
    this.#put({ seed, locked: seed !== null });
  }

  /** Puts an error beside its field, or says it where it has none. */
  refuse(error: unknown): void {
    const failure = Failure.of(error);
    if (failure.code === 'cancelled') return;
    if (failure.code === 'usage' || failure.code === 'model' || failure.code === 'memory' || failure.field !== null) this.refused = failure;
    else toasts.error(failure);
  }

  /** Puts the request into the queue. */
  async run(place: Place, count = this.draft.count): Promise<Job[]> {
    if (!this.ready || this.sending) return [];
    this.sending = true;
    this.refused = null;
    try {
      const { jobs } = await platform().call('render', { request: { ...this.request(), count }, place, interactive: true });
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

/** Fields that have a place on the screen where their error is shown. */
const SHOWN_FIELDS = ['prompt', 'negative', 'references', 'size', 'width', 'height', 'seed', 'count', 'steps', 'guidance', 'model', 'sampler', 'schedule'];

export const compose = new Compose();
