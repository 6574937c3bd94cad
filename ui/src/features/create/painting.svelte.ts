/** Painting over a picture where the next one may differ from it. */
import type { Asset } from '../../bindings';
import { platform } from '../../platform';
import { compose } from '../../store/compose.svelte';
import { takeBlob } from '../../store/incoming';
import { remember, remembered } from '../../store/remembered';
import { toasts } from '../../store/toasts.svelte';
import { view } from '../../store/view.svelte';
import { viewer } from '../../store/viewer.svelte';
import { t } from '../../strings';
import { isMark, maskFile, type Mark, type Stroke } from './mask';

/** Of the brush: shares of the picture's shorter side. */
export const LEAST_RADIUS = 0.01;
export const MOST_RADIUS = 0.4;

type Marks = readonly Mark[];

/** What was painted for a mask, which the mask itself does not tell any more. */
interface Taken {
  of: string;
  mask: string;
  marks: Marks;
}

const isTaken = (value: unknown): value is Taken =>
  typeof value === 'object' && value !== null && 'of' in value && 'mask' in value && 'marks' in value && Array.isArray(value.marks) && value.marks.every(isMark);

class Painting {
  /** The picture that is painted over; null while nothing is painted. */
  of = $state.raw<Asset | null>(null);
  marks = $state.raw<Marks>([]);
  /** The one that is under the brush. */
  stroke = $state.raw<Stroke | null>(null);
  erasing = $state(false);
  radius = $state(0.1);
  saving = $state(false);
  /** Strokes are taken back by themselves: a hundred of them would push all else out of what can be. */
  #before = $state.raw<readonly Marks[]>([]);
  #after = $state.raw<readonly Marks[]>([]);
  /** What was painted over each picture, to go on with. */
  #kept = new Map<string, Marks>();

  /** A mask without marks would be no mask; where there was one, that is how it goes. */
  get done(): boolean {
    return this.of !== null && !this.saving && (this.marks.length > 0 || (this.#mask !== null && this.canUndo));
  }

  get canUndo(): boolean {
    return this.#before.length > 0;
  }

  get canRedo(): boolean {
    return this.#after.length > 0;
  }

  /** The mask that the request has for the picture that is painted over. */
  get #mask(): string | null {
    const { init, mask } = compose.draft;
    return mask !== null && init?.asset === this.of?.sha256 ? mask.asset : null;
  }

  async begin(id: string): Promise<void> {
    const of = await platform().call('asset', { id });
    this.leave();
    if (view.current !== 'create') view.show('create');
    viewer.open(id);
    viewer.compare = 'off';
    viewer.held = true;
    this.of = of;
    this.marks = this.#kept.get(of.sha256) ?? this.#remembered(of.sha256);
    [this.#before, this.#after] = [[], []];
    this.erasing = false;
  }

  /** What is in the request outlives the window, so what it was painted with does too. */
  #remembered(of: string): Marks {
    const taken = remembered<Taken | null>('mask', null, isTaken);
    return taken?.of === of && taken.mask === this.#mask ? taken.marks : [];
  }

  add(mark: Mark): void {
    this.#change([...this.marks, mark]);
  }

  clear(): void {
    this.#change([]);
  }

  #change(to: Marks): void {
    if (this.saving) return;
    this.#before = [...this.#before, this.marks];
    this.#after = [];
    this.marks = to;
  }

  undo(): void {
    const to = this.#before.at(-1);
    if (!to || this.saving) return;
    [this.#before, this.#after] = [this.#before.slice(0, -1), [...this.#after, this.marks]];
    this.marks = to;
  }

  redo(): void {
    const to = this.#after.at(-1);
    if (!to || this.saving) return;
    [this.#before, this.#after] = [[...this.#before, this.marks], this.#after.slice(0, -1)];
    this.marks = to;
  }

  /** Lifts the brush. */
  lift(): void {
    const { stroke } = this;
    this.stroke = null;
    if (stroke) this.add(stroke);
  }

  resize(by: number): void {
    this.radius = Math.min(MOST_RADIUS, Math.max(LEAST_RADIUS, this.radius * by));
  }

  /** Takes what is painted as the mask of the next picture, which begins from this one. */
  async finish(): Promise<void> {
    this.lift();
    const { of, marks } = this;
    if (!of || !this.done) return;
    const said = viewer.card()?.prompt ?? '';
    this.saving = true;
    try {
      const file = await maskFile(of, marks);
      if (!file && this.#mask === null) return void toasts.show({ text: t('create.mask.nothing') });
      // What was refused has been said, and what is painted stays.
      const taken = file && (await takeBlob(file, t('create.mask'), true));
      if (file && !taken) return;
      // One may have gone on to something else meanwhile.
      if (this.of !== of) return;
      if (taken) remember('mask', { of: of.sha256, mask: taken.asset.sha256, marks } satisfies Taken);
      compose.beginFrom(of, said, taken?.asset.sha256 ?? null);
      this.leave();
    } finally {
      this.saving = false;
    }
  }

  /** Before a picture is made: what is painted is part of what is asked for. Answers whether it can be made. */
  async settle(): Promise<boolean> {
    this.lift();
    if (this.done) await this.finish();
    else if (!this.saving) this.leave();
    return this.of === null;
  }

  /** Stops painting. What is painted waits for the next time at this picture. */
  leave(): void {
    this.lift();
    if (!this.of) return;
    this.#kept.set(this.of.sha256, this.marks);
    this.of = null;
    viewer.held = false;
  }
}

export const painting = new Painting();
