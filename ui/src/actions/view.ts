/** Going from screen to screen, and what is seen of them. */
import Images from '@lucide/svelte/icons/images';
import Boxes from '@lucide/svelte/icons/boxes';
import Command from '@lucide/svelte/icons/command';
import Keyboard from '@lucide/svelte/icons/keyboard';
import Maximize2 from '@lucide/svelte/icons/maximize-2';
import PanelRight from '@lucide/svelte/icons/panel-right';
import Redo2 from '@lucide/svelte/icons/redo-2';
import Settings2 from '@lucide/svelte/icons/settings-2';
import SunMoon from '@lucide/svelte/icons/sun-moon';
import Undo2 from '@lucide/svelte/icons/undo-2';
import WandSparkles from '@lucide/svelte/icons/wand-sparkles';
import X from '@lucide/svelte/icons/x';
import type { IconType } from '../components/icon';
import { painting } from '../features/create/painting.svelte';
import { platform } from '../platform';
import { settings } from '../store/settings.svelte';
import { toasts } from '../store/toasts.svelte';
import { undo } from '../store/undo.svelte';
import { SCREENS, view, type Screen } from '../store/view.svelte';
import { t } from '../strings';
import type { Action } from './types';

const ICONS: Record<Screen, IconType> = { create: WandSparkles, library: Images, models: Boxes, settings: Settings2 };

const screens: Action[] = SCREENS.map((screen, index) => ({
  id: `view.${screen}`,
  name: () => t(`view.${screen}`),
  group: 'view',
  keys: screen === 'settings' ? ['Mod+,'] : [`Mod+${index + 1}`],
  icon: ICONS[screen],
  typing: true,
  run: () => view.show(screen),
}));

/** The parts of the screen that F6 goes through. */
const REGIONS = '[data-region]';

export const viewActions: readonly Action[] = [
  ...screens,
  {
    id: 'view.palette',
    name: () => t('view.palette'),
    group: 'view',
    keys: ['Mod+K'],
    icon: Command,
    typing: true,
    run: () => (view.paletteOpen = true),
  },
  {
    id: 'view.keys',
    name: () => t('view.keys'),
    group: 'view',
    keys: ['?', 'F1'],
    icon: Keyboard,
    typing: true,
    heard: 'anywhere',
    run: () => (view.keysOpen = true),
  },
  {
    // Tab alone moves the focus everywhere but on the picture itself, which asks for this one by hand.
    id: 'view.solo',
    name: () => t(view.solo ? 'view.solo.end' : 'view.solo'),
    group: 'view',
    keys: ['Mod+.'],
    icon: Maximize2,
    typing: true,
    when: () => view.current === 'create',
    run: () => (view.solo = !view.solo),
  },
  {
    id: 'view.inspector',
    name: () => t(view.inspectorOpen ? 'view.inspector.hide' : 'view.inspector.show'),
    group: 'view',
    keys: ['Mod+I'],
    icon: PanelRight,
    typing: true,
    when: () => view.current === 'create',
    run: () => view.toggleInspector(),
  },
  {
    id: 'view.region',
    name: () => t('view.region'),
    group: 'view',
    keys: ['F6'],
    typing: true,
    hidden: true,
    run: nextRegion,
  },
  {
    id: 'view.theme',
    name: () => t('view.theme'),
    group: 'view',
    icon: SunMoon,
    run: () => settings.change({ theme: document.documentElement.dataset.theme === 'light' ? 'dark' : 'light' }),
  },
  {
    id: 'app.quit',
    name: () => t('app.quit'),
    group: 'view',
    keys: ['Mod+Q'],
    icon: X,
    typing: true,
    run: () => platform().close(),
  },
  {
    id: 'undo.undo',
    name: () => (undo.done.length > 0 && !painting.of ? t('undo.undo_what', { what: undo.done.at(-1)?.label ?? '' }) : t('undo.undo')),
    group: 'library',
    keys: ['Mod+Z'],
    icon: Undo2,
    repeats: true,
    when: () => (painting.of ? painting.canUndo : undo.done.length > 0),
    run: async () => {
      if (painting.of) return painting.undo();
      const change = await undo.undo();
      if (change) toasts.show({ text: t('undo.undone', { what: change.label }), action: undo.again(change) });
    },
  },
  {
    id: 'undo.redo',
    name: () => (undo.undone.length > 0 && !painting.of ? t('undo.redo_what', { what: undo.undone.at(-1)?.label ?? '' }) : t('undo.redo')),
    group: 'library',
    keys: ['Mod+Shift+Z', 'Mod+Y'],
    icon: Redo2,
    repeats: true,
    when: () => (painting.of ? painting.canRedo : undo.undone.length > 0),
    run: () => (painting.of ? painting.redo() : undo.redo()),
  },
];

/** The prompt comes before the picture that is made of it, and the rail before the prompt; all else as it stands. */
const LATE = ['rail', 'composer'];

function regions(): HTMLElement[] {
  const all = [...document.querySelectorAll<HTMLElement>(REGIONS)];
  const rank = (one: HTMLElement) => LATE.indexOf(one.dataset.region ?? '');
  return all.toSorted((a, b) => rank(a) - rank(b));
}

/** What of a part of the window takes the focus: what is chosen there, else what comes first. */
const FIRST = ['[data-first]', '[aria-selected="true"]:not([tabindex="-1"])', '[aria-current]', 'textarea', '[tabindex="0"]', 'button:not(:disabled), input, select'];

/** What lies in something that is closed takes no focus. */
const seen = (one: HTMLElement) => one.checkVisibility?.() ?? true;

function nextRegion(): void {
  const all = regions();
  const at = all.findIndex((one) => one.contains(document.activeElement));
  for (let step = 1; step <= all.length; step++) {
    const region = all[(at + step + all.length) % all.length];
    // The picture is a part of the window and what takes the focus at once.
    const first = region && (region.tabIndex >= 0 ? region : FIRST.flatMap((one) => [...region.querySelectorAll<HTMLElement>(one)]).find(seen));
    if (first) return first.focus();
  }
}
