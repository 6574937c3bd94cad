/** Holding the seed: of the picture that is looked at, which is the one that is meant. */
import { compose } from '../../store/compose.svelte';
import { viewer } from '../../store/viewer.svelte';

export function drawnSeed(): string {
  return String(crypto.getRandomValues(new Uint32Array(1))[0]);
}

export function toggleSeed(): void {
  compose.lockSeed(compose.locked ? null : (viewer.card()?.seed ?? compose.lastSeed ?? drawnSeed()));
}
