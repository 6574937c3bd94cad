/** Sizes by shape: what a model can draw, and what is delivered by enlarging and cutting what it draws. */
import type { Abilities } from '../bindings';

export interface Size {
  width: number;
  height: number;
}

export interface Ratio {
  name: string;
  wide: number;
  high: number;
}

export const RATIOS: readonly Ratio[] = [
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

/** How far a shape may be off before it is not that shape any more. */
const OFF = 0.12;
/** The shorter side of a shape that is delivered: that of the sizes that channels ask for. */
const SHORTER = 1080;

export const same = (a: Size, b: Size): boolean => a.width === b.width && a.height === b.height;
/** A size as people read it. */
export const spelled = ({ width, height }: Size): string => `${width} × ${height}`;

/** Whether a model draws this size: one of those that it names, or where it names none, any within its limits. */
export function draws(able: Abilities, size: Size): boolean {
  if (able.sizes.length > 0) return able.sizes.some((one) => same(one, size));
  return [size.width, size.height].every((side) => side >= able.min_side && side <= able.max_side && side % able.multiple === 0);
}

/**
 * The size of about the model's usual area whose shape is nearest; null where the model draws nothing of that shape.
 */
export function sizeOf(able: Abilities, wide: number, high: number): Size | null {
  const near = candidates(able, wide / high).filter((one) => offShape(one, wide / high) <= OFF);
  return best(near, (one) => cost(able, one, wide / high));
}

/** What a model draws that is nearest to a size in shape, and of those to what it usually draws. */
export function nearest(able: Abilities, { width, height }: Size): Size {
  const { defaults } = able;
  return best(candidates(able, width / height), (one) => cost(able, one, width / height)) ?? { width: defaults.width, height: defaults.height };
}

/** What a model draws that is smaller than a size and nearest to it: it needs less memory. */
export function smaller(able: Abilities, { width, height }: Size): Size | null {
  const less = candidates(able, width / height).filter((one) => one.width * one.height < width * height && offShape(one, width / height) <= OFF);
  return best(less, (one) => -one.width * one.height);
}

/** What of this size or shape a model draws itself; where it has nothing of the shape, the studio pads and cuts. */
export function sizeLike(able: Abilities | null, size: Size): Size | { width: null; height: null } {
  if (able !== null && draws(able, size)) return { width: size.width, height: size.height };
  return (able && sizeOf(able, size.width, size.height)) ?? { width: null, height: null };
}

/** The name of the ratio that a size is nearest to, as it would be chosen; null for a size of its own. */
export function ratioOf(able: Abilities, size: Size): string | null {
  const found = RATIOS.find(({ wide, high }) => {
    const own = sizeOf(able, wide, high);
    return own !== null && same(own, size);
  });
  return found?.name ?? null;
}

/** The size in which a shape is delivered that the model does not draw. */
export function deliveredAs({ wide, high }: Ratio): Size {
  const scale = SHORTER / Math.min(wide, high);
  return { width: Math.round(wide * scale), height: Math.round(high * scale) };
}

/** The sizes that come into question for a shape: those that a model names, or for each width the heights near it. */
function candidates(able: Abilities, shape: number): Size[] {
  if (able.sizes.length > 0) return able.sizes.map(({ width, height }) => ({ width, height }));
  const found: Size[] = [];
  for (let width = up(able.min_side, able.multiple); width <= able.max_side; width += able.multiple) {
    for (const height of [down(width / shape, able.multiple), up(width / shape, able.multiple)]) {
      if (height >= able.min_side && height <= able.max_side) found.push({ width, height });
    }
  }
  return found;
}

const offShape = (size: Size, shape: number) => Math.abs(Math.log(size.width / size.height / shape));

/** Shape first; among equals the area nearest to the usual one. */
function cost({ defaults }: Abilities, size: Size, shape: number): number {
  return offShape(size, shape) * 3 + Math.abs(Math.log((size.width * size.height) / (defaults.width * defaults.height)));
}

function best(sizes: readonly Size[], cost: (size: Size) => number): Size | null {
  return sizes.reduce<Size | null>((found, one) => (found === null || cost(one) < cost(found) ? one : found), null);
}

const up = (side: number, multiple: number) => Math.ceil(side / multiple) * multiple;
const down = (side: number, multiple: number) => Math.floor(side / multiple) * multiple;
