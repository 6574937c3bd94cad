/** What can be done in the Library besides what can be done to pictures anywhere. */
import Funnel from '@lucide/svelte/icons/funnel';
import GitFork from '@lucide/svelte/icons/git-fork';
import Layers from '@lucide/svelte/icons/layers';
import ImagePlus from '@lucide/svelte/icons/image-plus';
import RotateCcw from '@lucide/svelte/icons/rotate-ccw';
import Search from '@lucide/svelte/icons/search';
import SquarePlus from '@lucide/svelte/icons/square-plus';
import Tag from '@lucide/svelte/icons/tag';
import Trash from '@lucide/svelte/icons/trash-2';
import { tick } from 'svelte';
import type { Action } from '../../actions/types';
import { restorePictures } from '../../store/marks';
import { targets } from '../../store/targets.svelte';
import { view } from '../../store/view.svelte';
import { t } from '../../strings';
import { offerSettings } from '../restore/open.svelte';
import { takeFiles } from '../restore/take';
import { CELL, library } from './library.svelte';
import { openPicture } from './open';
import { screen } from './screen.svelte';

const here = () => view.current === 'library';
const some = () => here() && library.chosen.length > 0;
const one = () => here() && library.chosen.length === 1;

export const libraryActions: Action[] = [
  {
    id: 'library.search',
    name: () => t('library.search'),
    group: 'library',
    icon: Search,
    keys: ['Mod+F'],
    typing: true,
    run: async () => {
      view.show('library');
      library.showFamily(null);
      // The field is there only once the screen is; before a frame is drawn, since the next key is meant for it.
      await tick();
      screen.focusSearch();
    },
  },
  { id: 'library.filter', name: () => t('library.filter'), group: 'library', icon: Funnel, keys: ['Mod+Shift+F'], typing: true, when: here, run: () => (screen.filters = true) },
  { id: 'library.clear', name: () => t('library.filter.clear'), group: 'library', when: () => here() && library.narrowed, run: () => library.clear() },
  // Enter does it in the grid alone: anywhere else it presses the button that has the focus.
  { id: 'library.open', name: () => t('library.open'), group: 'library', when: one, run: () => openPicture(library.chosen[0]!) },
  { id: 'library.all', name: () => t('library.choose_all'), group: 'library', keys: ['Mod+A'], when: here, run: () => library.chooseAll() },
  {
    id: 'library.none',
    name: () => t('library.choose_none'),
    group: 'library',
    keys: ['Escape'],
    when: () => some() || (here() && library.family !== null),
    run: () => (library.family !== null ? library.showFamily(null) : library.chooseNone()),
  },
  {
    id: 'library.family',
    name: () => t('library.family.show'),
    group: 'library',
    icon: GitFork,
    keys: ['L'],
    when: one,
    run: () => library.showFamily(library.family === null ? library.chosen[0]! : null),
  },
  {
    id: 'library.put_on_board',
    name: () => t('library.board.put'),
    group: 'library',
    icon: SquarePlus,
    keys: ['B'],
    // In the trash several chosen ones have no button that the menu could stand beside.
    when: () => some() && view.inspectorOpen && !(library.inTrash && library.chosen.length > 1),
    run: () => (screen.boardMenu = true),
  },
  { id: 'library.tag', name: () => t('library.tag.add'), group: 'library', icon: Tag, keys: ['T'], when: () => some() && view.inspectorOpen, run: () => screen.tag?.focus() },
  {
    id: 'library.offer',
    name: () => t('library.offer'),
    group: 'library',
    when: () => one() && library.detail?.settings != null,
    run: () => offerSettings(library.chosen[0]!, library.detail!.settings!),
  },
  {
    id: 'library.pile',
    name: () => t('library.pile.toggle'),
    group: 'library',
    keys: ['Shift+G'],
    icon: Layers,
    when: () => here() && library.one?.run != null && (library.opened.has(library.one.run) || (library.cellAt(library.selection.cursor)?.cards.length ?? 0) > 1),
    run: () => library.one?.run != null && library.togglePile(library.one.run),
  },
  {
    id: 'library.piles',
    name: () => t(library.piled ? 'library.piles.off' : 'library.piles.on'),
    group: 'library',
    icon: Layers,
    when: here,
    run: () => library.setPiled(!library.piled),
  },
  { id: 'library.add', name: () => t('library.add'), group: 'library', icon: ImagePlus, keys: ['Mod+O'], typing: true, run: () => takeFiles() },
  { id: 'library.larger', name: () => t('library.cells.larger'), group: 'library', keys: ['+', '='], repeats: true, when: here, run: () => library.resizeCells(library.cell + 24) },
  {
    id: 'library.smaller',
    name: () => t('library.cells.smaller'),
    group: 'library',
    keys: ['-'],
    repeats: true,
    when: () => here() && library.cell > CELL.least,
    run: () => library.resizeCells(library.cell - 24),
  },
  {
    id: 'library.restore',
    name: () => t('library.restore'),
    group: 'library',
    icon: RotateCcw,
    // Also where one is looked at that lies there, on whatever screen.
    when: () => targets.cards.some((card) => card.trashed_at !== null),
    run: () => restorePictures(targets.ids),
  },
  {
    id: 'library.empty_trash',
    name: () => t('library.empty_trash'),
    group: 'library',
    icon: Trash,
    // All of it goes, so it is offered only where all of it is seen.
    when: () => here() && library.inTrash && !library.narrowed && library.pages.total > 0,
    run: () => (screen.question = 'empty_trash'),
  },
];
