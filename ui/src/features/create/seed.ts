/** The seed that a lock holds: that of what one looks at, a picture or a draft; where it has none, the last one drawn. */
import { compose } from '../../store/compose.svelte';
import { live } from '../../store/live.svelte';
import { viewer } from '../../store/viewer.svelte';

export const seedToHold = (): string | null => live.seed ?? viewer.seed ?? compose.lastSeed;

export function drawnSeed(): string {
  return String(crypto.getRandomValues(new Uint32Array(1))[0]);
}

export function toggleSeed(): void {
  compose.lockSeed(compose.locked ? null : (seedToHold() ?? drawnSeed()));
}
