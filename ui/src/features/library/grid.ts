/**
 * The arithmetic of the picture grid: which cells are in sight, where each one is, and where an arrow key leads.
 *
 * Every cell is the same square, so all of it is division; nothing is measured and nothing depends on how many
 * pictures there are. That is what keeps the grid as quick at fifty thousand pictures as at fifty.
 */

/** What the grid is laid out from. */
export interface Room {
  /** Pixels across, inside the padding. */
  width: number;
  /** How wide a cell would like to be; cells grow from there to fill the row. */
  wish: number;
  /** Pixels between cells, both ways. */
  gap: number;
  /** How many pictures there are. */
  count: number;
}

/** A grid laid out. */
export interface Grid {
  columns: number;
  rows: number;
  /** The side of a cell. */
  cell: number;
  /** From the top of one row to the top of the next. */
  stride: number;
  /** Of all rows together: the height of the scrolled content. */
  height: number;
  gap: number;
  count: number;
}

/** A range of pictures, `end` not among them. */
export interface Range {
  start: number;
  end: number;
}

/** Where a key leads in a grid. */
export type Step = 'left' | 'right' | 'up' | 'down' | 'page-up' | 'page-down' | 'first' | 'last';

/** Lays the grid out: as many columns as come nearest to the wished width, in cells of whole pixels that fill the row. */
export function layOut({ width, wish, gap, count }: Room): Grid {
  const columns = Math.max(1, Math.round((width + gap) / (wish + gap)));
  const cell = Math.max(1, Math.floor((width - gap * (columns - 1)) / columns));
  const rows = Math.ceil(count / columns);
  const stride = cell + gap;
  return { columns, rows, cell, stride, height: Math.max(0, rows * stride - gap), gap, count };
}

/** The pictures in sight when scrolled to `top`, with `spare` rows above and below. */
export function inSight(grid: Grid, top: number, height: number, spare: number): Range {
  const first = Math.floor(Math.max(0, top) / grid.stride) - spare;
  const last = Math.ceil(Math.max(0, top + height) / grid.stride) + spare;
  const start = Math.min(grid.count, Math.max(0, first * grid.columns));
  const end = Math.min(grid.count, Math.max(start, last * grid.columns));
  return { start, end };
}

/** The corner of the cell at `index`. */
export function cornerOf(grid: Grid, index: number): { x: number; y: number } {
  const row = Math.floor(index / grid.columns);
  return { x: (index - row * grid.columns) * grid.stride, y: row * grid.stride };
}

/** The picture under a point of the content, or null between cells and past the end. */
export function atPoint(grid: Grid, x: number, y: number): number | null {
  if (x < 0 || y < 0) return null;
  const column = Math.floor(x / grid.stride);
  const row = Math.floor(y / grid.stride);
  if (column >= grid.columns || x % grid.stride >= grid.cell || y % grid.stride >= grid.cell) return null;
  const index = row * grid.columns + column;
  return index < grid.count ? index : null;
}

/** Where `step` leads from `index`. Never out of the grid; up from the first row and down from the last stay. */
export function stepFrom(grid: Grid, index: number, step: Step, height: number): number {
  if (grid.count === 0) return 0;
  const last = grid.count - 1;
  const page = Math.max(1, Math.floor(height / grid.stride));
  switch (step) {
    case 'left':
      return Math.max(0, index - 1);
    case 'right':
      return Math.min(last, index + 1);
    case 'up':
      return rowsFrom(grid, index, -1);
    case 'down':
      return rowsFrom(grid, index, 1);
    case 'page-up':
      return rowsFrom(grid, index, -page);
    case 'page-down':
      return rowsFrom(grid, index, page);
    case 'first':
      return 0;
    case 'last':
      return last;
  }
}

/** The scroll position that brings `index` into sight with the least movement. */
export function scrollFor(grid: Grid, index: number, top: number, height: number): number {
  const { y } = cornerOf(grid, index);
  if (y < top) return y;
  if (y + grid.cell > top + height) return Math.max(0, y + grid.cell - height);
  return top;
}

/** Which size of thumbnail a cell wants on a screen of this density. The larger ones cost more to decode. */
export function thumbnailFor(cell: number, density: number): 128 | 320 | 768 {
  const wanted = cell * density;
  // A tenth too small cannot be seen, and saves six times the pixels.
  if (wanted <= 128 * 1.1) return 128;
  if (wanted <= 320 * 1.1) return 320;
  return 768;
}

function rowsFrom(grid: Grid, index: number, rows: number): number {
  const column = index % grid.columns;
  const from = Math.floor(index / grid.columns);
  const to = Math.min(grid.rows - 1, Math.max(0, from + rows));
  if (to === from) return index;
  // The last row may be short: down from above the hole goes to its end.
  return Math.min(grid.count - 1, to * grid.columns + column);
}
