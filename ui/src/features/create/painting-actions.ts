/** What can be done while one paints a mask. */
import Brush from '@lucide/svelte/icons/brush';
import Check from '@lucide/svelte/icons/check';
import Contrast from '@lucide/svelte/icons/contrast';
import Eraser from '@lucide/svelte/icons/eraser';
import BrushCleaning from '@lucide/svelte/icons/brush-cleaning';
import X from '@lucide/svelte/icons/x';
import { tick } from 'svelte';
import type { Action } from '../../actions/types';
import { compose } from '../../store/compose.svelte';
import { targets } from '../../store/targets.svelte';
import { t } from '../../strings';
import { painting } from './painting.svelte';
import { prompt } from './prompt.svelte';

const on = () => painting.of !== null;
const STEP = 1.25;

/** Where the keys that paint are heard, and not written. */
async function toPicture(): Promise<void> {
  await tick();
  document.querySelector<HTMLElement>('[data-region="viewer"]')?.focus({ preventScroll: true });
}

async function begin(id: string): Promise<void> {
  await painting.begin(id);
  await toPicture();
}

async function leave(): Promise<void> {
  painting.leave();
  await toPicture();
}

async function finish(): Promise<void> {
  await painting.finish();
  if (!on()) await prompt.focus();
}

export const paintingActions: readonly Action[] = [
  {
    id: 'mask.begin',
    name: () => t('create.mask.begin'),
    group: 'picture',
    keys: ['M'],
    icon: Brush,
    when: () => !on() && targets.one !== null && (compose.able?.mask ?? false),
    run: () => (targets.one === null ? undefined : begin(targets.one)),
  },
  { id: 'mask.done', name: () => t('create.mask.done'), group: 'picture', keys: ['Shift+M'], icon: Check, when: () => painting.done, run: finish },
  { id: 'mask.leave', name: () => t('create.mask.leave'), group: 'picture', keys: ['Escape'], heard: 'anywhere', icon: X, when: on, run: leave },
  { id: 'mask.erase', name: () => t('create.mask.erase'), group: 'picture', keys: ['X'], icon: Eraser, when: on, run: () => (painting.erasing = !painting.erasing) },
  { id: 'mask.smaller', name: () => t('create.mask.smaller'), group: 'picture', keys: ['['], repeats: true, when: on, run: () => painting.resize(1 / STEP) },
  { id: 'mask.larger', name: () => t('create.mask.larger'), group: 'picture', keys: [']'], repeats: true, when: on, run: () => painting.resize(STEP) },
  { id: 'mask.invert', name: () => t('create.mask.invert'), group: 'picture', keys: ['Shift+I'], icon: Contrast, when: on, run: () => painting.add({ kind: 'invert' }) },
  { id: 'mask.clear', name: () => t('create.mask.clear'), group: 'picture', icon: BrushCleaning, when: () => on() && painting.marks.length > 0, run: () => painting.clear() },
];
