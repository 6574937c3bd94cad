/** Sizes by ratio: what a model can draw that is nearest to a shape. */
import type { Abilities } from '../bindings';

export const RATIOS: readonly { name: string; wide: number; high: number }[] = [
  { name: '1:1', wide: 1, high: 1 },
  { name: '5:4', wide: 5, high: 4 },
  { name: '4:3', wide: 4, high: 3 },
  { name: '3:2', wide: 3, high: 2 },
  { name: '16:9', wide: 16, high: 9 },
  { name: '21:9', wide: 21, high: 9 },
  { name: '4:5', wide: 4, high: 5 },
  { name: '3:4', wide: 3, high: 4 },
  { name: '2:3', wide: 2, high: 3 },
  { name: '9:16', wide: 9, high: 16 },
  { name: '9:21', wide: 9, high: 21 },
];

export interface Size {
  width: number;
  height: number;
}

/** How far a shape may be off before it is not that shape any more. */
const OFF = 0.12;

/**
 * The size of about the model's usual area whose shape is nearest; null where the model's limits
 * allow nothing of that shape.
 */
export function sizeOf(able: Abilities, wide: number, high: number): Size | null {
  const area = able.defaults.width * able.defaults.height;
  let best: { size: Size; cost: number } | null = null;
  for (let width = up(able.min_side, able.multiple); width <= able.max_side; width += able.multiple) {
    const ideal = (width * high) / wide;
    for (const height of [down(ideal, able.multiple), up(ideal, able.multiple)]) {
      if (height < able.min_side || height > able.max_side) continue;
      const shape = Math.abs(Math.log(width / height / (wide / high)));
      if (shape > OFF) continue;
      // Shape first; among equals the area nearest to the usual one.
      const cost = shape * 3 + Math.abs(Math.log((width * height) / area));
      if (best === null || cost < best.cost) best = { size: { width, height }, cost };
    }
  }
  return best?.size ?? null;
}

/**
 * The size itself where the model can draw it, otherwise the nearest in shape; where there is none of that shape,
 * none is asked for, and the studio takes what comes nearest.
 */
export function sizeLike(able: Abilities | null, { width, height }: Size): Size | { width: null; height: null } {
  const own = able !== null && [width, height].every((side) => side >= able.min_side && side <= able.max_side && side % able.multiple === 0);
  if (own) return { width, height };
  return (able && sizeOf(able, width, height)) ?? { width: null, height: null };
}

/** The name of the ratio that a size is nearest to, as it would be chosen; null for a size of its own. */
export function ratioOf(able: Abilities, size: Size): string | null {
  const found = RATIOS.find(({ wide, high }) => {
    const own = sizeOf(able, wide, high);
    return own !== null && own.width === size.width && own.height === size.height;
  });
  return found?.name ?? null;
}

const up = (side: number, multiple: number) => Math.ceil(side / multiple) * multiple;
const down = (side: number, multiple: number) => Math.floor(side / multiple) * multiple;
