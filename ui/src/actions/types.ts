/**
 * What a person can do, as data: shown in the palette and on the sheet of keys, run by key or by button.
 *
 * Adding one: a row in a feature's list of actions, with a name in the table of strings; a list that is
 * new goes into `actions/index.ts`. Keys are written `Mod+Shift+Enter`; `Mod` is Ctrl, or Cmd on a Mac.
 */
import type { IconType } from '../components/icon';

export type Group = 'make' | 'picture' | 'library' | 'queue' | 'view';
export const GROUPS: readonly Group[] = ['make', 'picture', 'library', 'queue', 'view'];

/** Only where a picture has the focus, or wherever nothing is written. */
export type Heard = 'picture' | 'anywhere';

export interface Action {
  id: string;
  /** Its words, as they are now: "Give a star" or "Take the rating away". */
  name: () => string;
  group: Group;
  /** As designed; a person may choose another for the first. */
  keys?: readonly string[];
  icon?: IconType;
  /** Whether it can be done now. */
  when?: () => boolean;
  /** Its key works while somebody writes in a field, too, unless that key writes something. */
  typing?: boolean;
  /** Where its keys are heard, for what is otherwise than `heardAt` says. */
  heard?: Heard;
  /** It is done again for as long as its key is held; what is not said to be is done once for each press. */
  repeats?: boolean;
  /** It is not offered in the palette. */
  hidden?: boolean;
  run: () => unknown;
}
