/** Which side of the inspector is shown. */
import { view } from '../../store/view.svelte';

/** What the picture was made of, what the next one is made of, and why the last took so long. */
export type Side = 'picture' | 'recipe' | 'speed';
/** In the order of their tabs. Speed has none: it is opened from the time that a picture took, and left again. */
export const TABS = ['picture', 'recipe'] as const satisfies readonly Side[];

class Inspector {
  side = $state<Side>('picture');

  get open(): Side | null {
    return view.inspectorOpen ? this.side : null;
  }

  /** Shows a side; the one that is shown already is put away. */
  show(side: Side): void {
    if (this.open === side) return view.toggleInspector();
    this.side = side;
    if (!view.inspectorOpen) view.toggleInspector();
  }
}

export const inspector = new Inspector();
