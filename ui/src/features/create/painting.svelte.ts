/** Painting over a picture where the next one may differ from it. */
import type { Asset } from '../../bindings';
import { platform } from '../../platform';
import { compose } from '../../store/compose.svelte';
import { takeBlob } from '../../store/incoming';
import { undo, type Change } from '../../store/undo.svelte';
import { view } from '../../store/view.svelte';
import { viewer } from '../../store/viewer.svelte';
import { t } from '../../strings';
import { maskFile, type Mark } from './mask';

/** Of the brush: shares of the picture's shorter side. */
export const LEAST_RADIUS = 0.01;
export const MOST_RADIUS = 0.4;

class Painting {
  /** The picture that is painted over; null while nothing is painted. */
  of = $state.raw<Asset | null>(null);
  marks = $state.raw<readonly Mark[]>([]);
  erasing = $state(false);
  radius = $state(0.1);
  saving = $state(false);
  /** What was painted over each picture, to go on with. */
  #kept = new Map<string, readonly Mark[]>();
  /** Strokes can be taken back while one paints; after it, the whole mask can. */
  #changes: Change[] = [];

  /** A mask without marks would be no mask; where there was one, that is how it goes. */
  get done(): boolean {
    return this.of !== null && !this.saving && (this.marks.length > 0 || compose.draft.mask !== null);
  }

  async begin(id: string): Promise<void> {
    const of = await platform().call('asset', { id });
    if (view.current !== 'create') view.show('create');
    viewer.open(id);
    this.of = of;
    this.marks = this.#kept.get(id) ?? [];
    this.erasing = false;
  }

  add(mark: Mark): void {
    this.#change([...this.marks, mark], t('create.mask.painted'));
  }

  clear(): void {
    this.#change([], t('create.mask.cleared'));
  }

  #change(after: readonly Mark[], label: string): void {
    const before = this.marks;
    this.marks = after;
    this.#changes.push(undo.push({ label, undo: () => (this.marks = before), redo: () => (this.marks = after) }));
  }

  resize(by: number): void {
    this.radius = Math.min(MOST_RADIUS, Math.max(LEAST_RADIUS, this.radius * by));
  }

  /** Takes what is painted as the mask of the next picture, which begins from this one. */
  async finish(): Promise<void> {
    const { of, marks } = this;
    if (!of || !this.done) return;
    this.saving = true;
    try {
      // What was refused has been said, and what is painted stays.
      const taken = marks.length > 0 ? await takeBlob(await maskFile(of, marks), t('create.mask'), true) : null;
      if (marks.length > 0 && !taken) return;
      compose.beginFrom(of, viewer.card()?.prompt ?? '', taken?.asset.sha256 ?? null);
      this.leave();
    } finally {
      this.saving = false;
    }
  }

  /** Stops painting. What is painted waits for the next time at this picture. */
  leave(): void {
    if (!this.of) return;
    this.#kept.set(this.of.sha256, this.marks);
    for (const change of this.#changes) undo.drop(change);
    this.#changes = [];
    this.of = null;
  }
}

export const painting = new Painting();
