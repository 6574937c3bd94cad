/** What can be done with pictures: with the one in the viewer, or with those chosen in the library. */
import ArrowLeftRight from '@lucide/svelte/icons/arrow-left-right';
import Copy from '@lucide/svelte/icons/copy';
import CornerUpLeft from '@lucide/svelte/icons/corner-up-left';
import Download from '@lucide/svelte/icons/download';
import FolderOpen from '@lucide/svelte/icons/folder-open';
import Images from '@lucide/svelte/icons/images';
import ImagePlay from '@lucide/svelte/icons/image-play';
import ImagePlus from '@lucide/svelte/icons/image-plus';
import ImageUpscale from '@lucide/svelte/icons/image-upscale';
import Palette from '@lucide/svelte/icons/palette';
import PencilLine from '@lucide/svelte/icons/pencil-line';
import RefreshCw from '@lucide/svelte/icons/refresh-cw';
import Shuffle from '@lucide/svelte/icons/shuffle';
import Star from '@lucide/svelte/icons/star';
import Trash2 from '@lucide/svelte/icons/trash-2';
import type { PictureCard, PictureDetail } from '../../bindings';
import type { Action } from '../../actions/types';
import { platform } from '../../platform';
import { compose } from '../../store/compose.svelte';
import { models } from '../../store/models.svelte';
import { giveStar, moveToTrash, setRating } from '../../store/marks';
import { queue } from '../../store/queue.svelte';
import { survey } from '../../store/survey.svelte';
import { sizeLike } from '../../store/sizes';
import { targets } from '../../store/targets.svelte';
import { toasts } from '../../store/toasts.svelte';
import { view } from '../../store/view.svelte';
import { viewer } from '../../store/viewer.svelte';
import { t } from '../../strings';
import { delivering } from '../deliver/deliver.svelte';
import { library } from '../library/library.svelte';
import { tellPaused } from '../queue/paused';
import { fieldsOf, fitting, problemOf, recall, type Recall } from '../restore/merge';
import { painting } from './painting.svelte';
import { prompt } from './prompt.svelte';
import { surveyActions } from './survey-actions';
import { variations } from './variations.svelte';

const some = () => targets.ids.length > 0;
const one = () => targets.one !== null;

async function detail(): Promise<PictureDetail | null> {
  const id = targets.one;
  return id === null ? null : platform().call('picture', { id });
}

async function toPrompt(): Promise<void> {
  if (view.current !== 'create') view.show('create');
  await prompt.focus();
}

/** What the studio calls the weights of a picture's model, where those of that name are others here. */
const OTHER_WEIGHTS = 'model hash';

/** A seed gives its picture with the weights that made it and no others; which of them are here, the studio knows. */
function tellOfOtherWeights({ settings }: PictureDetail): void {
  const other = settings?.unmatched.find(({ name }) => name === OTHER_WEIGHTS);
  if (other) toasts.show({ text: other.reason });
}

async function recalled(which: Recall): Promise<void> {
  const found = await detail();
  const known = found?.recipe ?? found?.settings?.request;
  if (!found || !known) return void toasts.show({ text: t('create.no_recipe') });
  // A model that does not run here would leave nothing that can be asked for.
  const gone = known.model !== null && models.known && !models.chosen(known.model)?.runs;
  const here = gone ? { ...known, model: null } : known;
  const able = models.chosen(here.model ?? compose.draft.model)?.able ?? null;
  // What was meant for a model that is not here need not be right for the one that is.
  const elsewhere = gone || known.model === null;
  const fits = elsewhere ? fitting(here, able) : here;
  const request = recall(compose.request(), fits, which, elsewhere ? fieldsOf(fits).filter((field) => problemOf(fits, field, able, true) !== null) : []);
  if (which === 'remix') request.parents = [...request.parents.filter(({ id }) => id !== found.card.id), { id: found.card.id, relation: 'remix' }];
  compose.patch(request, t('undo.recalled'));
  if (gone && (which === 'all' || which === 'remix')) toasts.show({ text: t('create.model_gone', { model: known.model ?? '' }) });
  if (which === 'all' || which === 'seed') tellOfOtherWeights(found);
  if (which === 'prompt' || which === 'remix' || which === 'all') await toPrompt();
}

/** The same settings from another seed. */
async function again(): Promise<void> {
  const found = await detail();
  if (!found?.recipe) return void toasts.show({ text: t('create.no_recipe') });
  const request = { ...found.recipe, seed: null, count: 1 };
  const { jobs } = await platform().call('render', { request, place: 'last', interactive: true });
  if (view.current !== 'create') view.show('create');
  viewer.expect(jobs);
  tellPaused();
}

async function edit(): Promise<void> {
  const id = targets.one;
  if (id === null) return;
  const asset = await platform().call('asset', { id });
  const references = [{ asset: asset.sha256, role: 'edit' as const, name: asset.name }];
  const size = sizeLike(compose.able, asset);
  compose.patch({ prompt: '', references, init: null, mask: null, ...size, parents: [{ id, relation: 'edit' }] }, t('create.edit.begun'));
  await toPrompt();
}

async function begin(): Promise<void> {
  const found = await detail();
  if (!found) return;
  compose.beginFrom(await platform().call('asset', { id: found.card.id }), found.card.prompt, null);
  await toPrompt();
}

/** A job for each picture. Where one is looked at, the larger one takes its place when it is there. */
async function enlarge(by: number): Promise<void> {
  const { jobs } = await platform().call('enlarge', { ids: targets.ids, by });
  if (view.current === 'create') viewer.expect(jobs.slice(0, 1));
  else if (!queue.value.paused) toasts.show({ text: t('create.enlarging', { by }) });
  tellPaused();
}

const allMarked = () => targets.cards.length > 0 && targets.cards.every(({ rating }) => rating > 0);

/** The day and the seed: what was asked for is nobody else's business. A plain copy's name says not even the seed. */
function nameOf({ created_at, seed }: PictureCard, plain: boolean): string {
  const at = new Date(created_at);
  const day = [at.getFullYear(), at.getMonth() + 1, at.getDate()].map((part) => String(part).padStart(2, '0')).join('-');
  return plain || seed === null ? day : `${day}-${seed}`;
}

async function save(plain: boolean): Promise<void> {
  for (const id of targets.ids) {
    const { card, file } = await platform().call('picture', { id });
    const path = await platform().saveFile(`${nameOf(card, plain)}.${file.format === 'jpeg' ? 'jpg' : file.format}`);
    if (path === null) return;
    const saved = await platform().call('save', { id: card.id, path, format: null, recipe: !plain });
    toasts.show({ text: t('create.saved', { path: saved.path }), action: { label: t('picture.reveal.short'), run: () => platform().reveal(saved.path) } });
  }
}

const rate: Action[] = [0, 1, 2, 3, 4, 5].map((rating) => ({
  id: `picture.rate.${rating}`,
  name: () => (rating === 0 ? t('picture.rate.none') : t('picture.rate', { rating })),
  group: 'picture',
  keys: [String(rating)],
  icon: Star,
  // Beside one another digits say which is looked at.
  when: () => some() && !(view.current === 'create' && survey.state !== 'off'),
  run: () => setRating(targets.ids, rating),
}));

const enlargements: Action[] = ([[2, 'Shift+U'], [4, 'U']] as const).map(([by, key]) => ({
  id: `picture.enlarge.${by}`,
  name: () => t('picture.enlarge', { by }),
  group: 'picture',
  keys: [key],
  icon: ImageUpscale,
  when: some,
  run: () => enlarge(by),
}));

const recalls: Action[] = ([['all', 'A'], ['prompt', 'P'], ['seed', 'S'], ['size', 'D']] as const).map(([which, key]) => ({
  id: `recall.${which}`,
  name: () => t(`recall.${which}`),
  group: 'picture',
  keys: [key],
  icon: CornerUpLeft,
  when: one,
  run: () => recalled(which),
}));

export const pictureActions: readonly Action[] = [
  // Before the others: where it can be done, a key of theirs means this.
  ...surveyActions,
  { id: 'picture.again', name: () => t('picture.again'), group: 'picture', keys: ['G'], icon: RefreshCw, when: one, run: again },
  {
    id: 'picture.vary',
    name: () => t('picture.vary'),
    group: 'picture',
    keys: ['V'],
    icon: Images,
    when: one,
    run: () => {
      const id = targets.one;
      if (id === null) return;
      if (view.current !== 'create') {
        viewer.open(id);
        view.show('create');
      }
      variations.open(id);
    },
  },
  {
    id: 'picture.reference',
    name: () => t('picture.reference'),
    group: 'picture',
    keys: ['F'],
    icon: ImagePlus,
    when: some,
    run: async () => {
      const role = compose.able?.roles.includes('subject') ? 'subject' : undefined;
      for (const id of targets.ids) await compose.addReference(id, role);
      await toPrompt();
    },
  },
  {
    id: 'picture.style',
    name: () => t('picture.style'),
    group: 'picture',
    icon: Palette,
    when: () => some() && (compose.able?.roles.includes('style') ?? false),
    run: async () => {
      for (const id of targets.ids) await compose.addReference(id, 'style');
      await toPrompt();
    },
  },
  { id: 'picture.edit', name: () => t('picture.edit'), group: 'picture', keys: ['E'], icon: PencilLine, when: one, run: edit },
  { id: 'picture.begin', name: () => t('picture.begin'), group: 'picture', keys: ['I'], icon: ImagePlay, when: () => one() && (compose.able?.init ?? false), run: begin },
  { id: 'picture.remix', name: () => t('picture.remix'), group: 'picture', keys: ['R'], icon: Shuffle, when: one, run: () => recalled('remix') },
  ...enlargements,
  ...recalls,
  {
    id: 'picture.star',
    name: () => t(allMarked() ? 'picture.rate.none' : 'picture.star'),
    group: 'picture',
    keys: ['.'],
    icon: Star,
    when: some,
    // Where only some are marked, the others are.
    run: () => (allMarked() ? setRating(targets.ids, 0) : giveStar(targets.ids)),
  },
  ...rate,
  {
    id: 'compare.swap',
    name: () => t('create.compare.swap'),
    group: 'picture',
    keys: ['C'],
    icon: ArrowLeftRight,
    when: () => view.current === 'create' && viewer.other() !== null && viewer.coming === null && painting.of === null,
    run: () => (viewer.compare = viewer.compare === 'swapped' ? 'off' : 'swapped'),
  },
  {
    id: 'picture.copy',
    name: () => t('picture.copy'),
    group: 'picture',
    keys: ['Mod+C'],
    icon: Copy,
    when: () => one() && (getSelection()?.isCollapsed ?? true),
    run: async () => {
      if (targets.one === null) return;
      await platform().copyPicture(targets.one);
      toasts.show({ text: t('create.copied') });
    },
  },
  { id: 'picture.deliver', name: () => t('picture.deliver'), group: 'picture', keys: ['Mod+Shift+E'], icon: Download, typing: true, when: some, run: () => delivering.open(targets.ids) },
  { id: 'picture.save', name: () => t('picture.save'), group: 'picture', keys: ['Mod+S'], icon: Download, typing: true, when: some, run: () => save(false) },
  { id: 'picture.save_plain', name: () => t('picture.save_plain'), group: 'picture', keys: ['Mod+Shift+S'], icon: Download, typing: true, when: some, run: () => save(true) },
  {
    id: 'picture.reveal',
    name: () => t('picture.reveal'),
    group: 'picture',
    icon: FolderOpen,
    when: one,
    run: async () => {
      const found = await detail();
      if (found) await platform().reveal(found.file.path);
    },
  },
  {
    id: 'picture.trash',
    name: () => t('picture.trash'),
    group: 'picture',
    keys: ['Delete'],
    icon: Trash2,
    // Of some chosen pictures nothing is known yet; what is in the trash altogether is there already.
    when: () => some() && !(view.current === 'library' && library.inTrash) && (targets.cards.length === 0 || targets.cards.some((card) => card.trashed_at === null)),
    run: () => moveToTrash(targets.ids),
  },
];
