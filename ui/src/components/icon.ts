/** An icon of the one set that is used. */
export type { LucideIcon as IconType } from '@lucide/svelte';
