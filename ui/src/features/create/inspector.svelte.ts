/** Which side of the inspector is shown, and whether the negative prompt is. */
import { compose } from '../../store/compose.svelte';
import { view } from '../../store/view.svelte';
import { t } from '../../strings';

export type Side = 'picture' | 'settings' | 'speed';
/** In the order of their tabs. */
export const SIDES: readonly Side[] = ['picture', 'settings', 'speed'];

class Inspector {
  side = $state<Side>('picture');
  /** Asked for, or written in: then it stays, also while it is empty. */
  negative = $state(false);

  get open(): Side | null {
    return view.inspectorOpen ? this.side : null;
  }

  /** Shows a side; the one that is shown already is put away. */
  show(side: Side): void {
    if (this.open === side) return view.toggleInspector();
    this.side = side;
    if (!view.inspectorOpen) view.toggleInspector();
  }

  showNegative(on: boolean): void {
    this.negative = on;
    if (!on) compose.patch({ negative: null }, t('undo.negative'));
  }
}

export const inspector = new Inspector();
