/** The platform in use. It is set once, before anything is mounted; tests set a fresh fake. */
import type { Platform } from './types';

export { Failure } from './types';
export type * from './types';

let current: Platform | null = null;

export function usePlatform(platform: Platform): void {
  current = platform;
}

export function platform(): Platform {
  if (current === null) throw new Error('no platform has been set');
  return current;
}
