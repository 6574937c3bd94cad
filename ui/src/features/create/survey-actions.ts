/** What can be done with pictures that are seen beside one another. */
import Columns3 from '@lucide/svelte/icons/columns-3';
import Flag from '@lucide/svelte/icons/flag';
import FlagOff from '@lucide/svelte/icons/flag-off';
import LayoutGrid from '@lucide/svelte/icons/layout-grid';
import Trash2 from '@lucide/svelte/icons/trash-2';
import { tick } from 'svelte';
import type { Action } from '../../actions/types';
import { moveToTrash, setRating } from '../../store/marks';
import { MOST_BESIDE, survey } from '../../store/survey.svelte';
import { targets } from '../../store/targets.svelte';
import { view } from '../../store/view.svelte';
import { MIDDLES, viewer } from '../../store/viewer.svelte';
import { t } from '../../strings';
import { library } from '../library/library.svelte';
import { prompt } from './prompt.svelte';

/** Pictures are looked at beside one another, or one of them closely. */
const surveying = () => view.current === 'create' && survey.state !== 'off';
const one = () => surveying() && viewer.id !== null && survey.has(viewer.id);

/** Where keys are heard that are about pictures. */
async function toPictures(): Promise<void> {
  await tick();
  document.querySelector<HTMLElement>('[data-region="viewer"]')?.focus({ preventScroll: true });
}

async function next(): Promise<void> {
  const at = MIDDLES.indexOf(viewer.middle);
  const to = [...MIDDLES.slice(at + 1), ...MIDDLES.slice(0, at)].find((middle) => viewer.canShow(middle));
  if (to) viewer.show(to);
  await toPictures();
}

/** One star says that it was picked; one that has more keeps them. */
async function pick(): Promise<void> {
  const card = viewer.card();
  if (!card) return;
  survey.reject(card.id, false);
  if (card.rating <= 1) await setRating([card.id], card.rating === 0 ? 1 : 0);
}

function reject(): void {
  if (viewer.id !== null) survey.reject(viewer.id, !survey.rejected.has(viewer.id));
}

/** The picture with this number; pressed again, closely. */
function look(place: number): void {
  const card = survey.shown.cards[place];
  if (!card) return;
  if (viewer.id === card.id) survey.state = survey.state === 'all' ? 'close' : 'all';
  else viewer.open(card.id);
}

export const surveyActions: readonly Action[] = [
  {
    id: 'survey.next',
    name: () => t('create.middle.next'),
    group: 'picture',
    keys: ['N'],
    icon: Columns3,
    when: () => view.current === 'create' && MIDDLES.filter((middle) => viewer.canShow(middle)).length > 1,
    run: next,
  },
  { id: 'survey.pick', name: () => t('survey.pick'), group: 'picture', keys: ['P'], icon: Flag, when: one, run: pick },
  { id: 'survey.reject', name: () => t('survey.reject'), group: 'picture', keys: ['X'], icon: FlagOff, when: one, run: reject },
  {
    id: 'survey.trash',
    name: () => t('survey.trash', { n: survey.out.length }),
    group: 'picture',
    keys: ['Shift+Delete'],
    icon: Trash2,
    when: () => surveying() && survey.out.length > 0,
    run: () => moveToTrash(survey.out),
  },
  {
    id: 'survey.back',
    name: () => t('survey.back'),
    group: 'picture',
    keys: ['Escape'],
    icon: LayoutGrid,
    hidden: true,
    when: () => surveying() && survey.state === 'close' && !view.solo,
    run: () => viewer.show('survey'),
  },
  {
    id: 'survey.choose',
    name: () => t('survey.choose'),
    group: 'picture',
    icon: LayoutGrid,
    when: () => view.current === 'library' && library.chosen.length > 1 && library.chosen.length <= MOST_BESIDE,
    run: async () => {
      const { cards } = targets;
      viewer.beside(cards);
      view.show('create');
      await toPictures();
    },
  },
  {
    // Where one writes, letters are written: this is the way to where they look at, pick and reject.
    id: 'create.pictures',
    name: () => t('create.pictures'),
    group: 'view',
    keys: ['Escape'],
    hidden: true,
    typing: true,
    when: () => view.current === 'create' && prompt.element !== undefined && document.activeElement === prompt.element && (viewer.id !== null || survey.on),
    run: toPictures,
  },
  ...Array.from(
    { length: MOST_BESIDE },
    (_, place): Action => ({ id: `survey.look.${place + 1}`, name: () => t('survey.look', { n: place + 1 }), group: 'picture', keys: [String(place + 1)], hidden: true, when: () => surveying() && survey.shown.cards.length > place, run: () => look(place) }),
  ),
];
