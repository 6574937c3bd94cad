import { view } from '../../store/view.svelte';
import { viewer } from '../../store/viewer.svelte';

/** Shows a picture large, on the screen where it can be worked with. */
export function openPicture(id: string): void {
  viewer.open(id);
  view.show('create');
}
