/** Making pictures. */
import Play from '@lucide/svelte/icons/play';
import Timer from '@lucide/svelte/icons/timer';
import SkipForward from '@lucide/svelte/icons/skip-forward';
import Type from '@lucide/svelte/icons/type';
import Dices from '@lucide/svelte/icons/dices';
import Lock from '@lucide/svelte/icons/lock';
import SlidersHorizontal from '@lucide/svelte/icons/sliders-horizontal';
import Zap from '@lucide/svelte/icons/zap';
import Eraser from '@lucide/svelte/icons/eraser';
import Scan from '@lucide/svelte/icons/scan';
import type { Place } from '../../bindings';
import type { Action } from '../../actions/types';
import { compose, emptyRequest } from '../../store/compose.svelte';
import { live } from '../../store/live.svelte';
import { models } from '../../store/models.svelte';
import { session } from '../../store/session.svelte';
import { toasts } from '../../store/toasts.svelte';
import { view } from '../../store/view.svelte';
import { viewer } from '../../store/viewer.svelte';
import { t } from '../../strings';
import { tellPaused } from '../queue/paused';
import { inspector } from './inspector.svelte';
import { painting } from './painting.svelte';
import { prompt } from './prompt.svelte';
import { drawnSeed, toggleSeed } from './seed';

/** What cannot be met as it is written is refused before it is asked for; memory may be free again by then. */
const refusable = () => compose.wrong !== null && compose.wrong.code !== 'memory';
const canRun = () => (compose.ready || painting.done) && !compose.sending && models.running.length > 0 && !refusable();

async function run(place: Place): Promise<void> {
  // At once: what one writes next is the next prompt, also while this one is being sent.
  const focused = prompt.focus();
  if (!(await painting.settle())) return;
  const kept = await keepDraft();
  if (kept && compose.draft.count === 1) return;
  // What is made larger of a draft must be the one that is seen.
  const held = kept ? { count: compose.draft.count - 1 } : compose.draft.deliver && live.seed !== null ? { seed: live.seed } : {};
  const jobs = await compose.run(place, held);
  if (jobs.length === 0) return;
  if (view.current !== 'create') {
    view.show('create');
    await prompt.focus();
  }
  viewer.expect(jobs);
  tellPaused();
  await focused;
}

/** A draft that one sees is what one wants kept: it is the first of what was asked for. */
async function keepDraft(): Promise<boolean> {
  if (compose.draft.deliver) return false;
  try {
    const card = await live.keep();
    if (card === null) return false;
    compose.lastSeed = card.seed;
    session.add(card);
    viewer.open(card.id, { follow: true });
    return true;
  } catch (error) {
    toasts.error(error);
    return false;
  }
}

export const createActions: readonly Action[] = [
  {
    id: 'create.run',
    name: () => t('create.run'),
    group: 'make',
    keys: ['Mod+Enter'],
    icon: Play,
    typing: true,
    when: canRun,
    run: () => run('last'),
  },
  {
    id: 'create.run_next',
    name: () => t('create.run_next'),
    group: 'make',
    keys: ['Mod+Shift+Enter'],
    icon: SkipForward,
    typing: true,
    when: canRun,
    run: () => run('next'),
  },
  {
    id: 'create.prompt',
    name: () => t('create.focus'),
    group: 'make',
    keys: ['/', 'Mod+L'],
    icon: Type,
    // It leads to where one writes, and is not written itself.
    heard: 'anywhere',
    run: () => {
      view.show('create');
      return prompt.focus();
    },
  },
  {
    id: 'create.live',
    name: () => t(live.on ? 'create.live.off' : 'create.live.on'),
    group: 'make',
    keys: ['Mod+Shift+L'],
    icon: Zap,
    typing: true,
    when: () => view.current === 'create' && models.running.length > 0,
    run: () => live.toggle(),
  },
  {
    id: 'create.dice',
    name: () => t('create.seed.dice'),
    group: 'make',
    icon: Dices,
    run: () => compose.lockSeed(drawnSeed()),
  },
  {
    id: 'create.lock',
    name: () => t(compose.locked ? 'create.seed.unlock' : 'create.seed.lock'),
    group: 'make',
    icon: Lock,
    run: toggleSeed,
  },
  {
    id: 'create.recipe',
    name: () => t('create.more'),
    group: 'make',
    icon: SlidersHorizontal,
    when: () => view.current === 'create',
    run: () => inspector.show('recipe'),
  },
  {
    id: 'create.speed',
    name: () => t('speed.why'),
    group: 'view',
    icon: Timer,
    // Before the first picture there is no inspector to show it in.
    when: () => viewer.id !== null || viewer.coming !== null,
    run: () => {
      if (view.current !== 'create') view.show('create');
      if (inspector.open !== 'speed') inspector.show('speed');
    },
  },
  {
    id: 'create.clear',
    name: () => t('create.clear'),
    group: 'make',
    icon: Eraser,
    run: () => compose.patch(emptyRequest(), t('create.clear')),
  },
  {
    id: 'zoom.fit',
    name: () => t('create.zoom.fit'),
    group: 'view',
    keys: ['Mod+0'],
    icon: Scan,
    typing: true,
    when: () => view.current === 'create',
    run: () => viewer.fit(),
  },
];
