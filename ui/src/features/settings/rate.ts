/** How often what was asked for was there, 0 to 1; null while nothing was asked for. */
export function hitRate({ hits, misses }: { hits: number; misses: number }): number | null {
  const asked = hits + misses;
  return asked === 0 ? null : hits / asked;
}
