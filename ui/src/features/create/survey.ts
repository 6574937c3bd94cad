/** How pictures stand beside one another: all in boxes of one size, as large as the room allows. */
import type { Room } from './stage';

export interface Laid {
  columns: number;
  rows: number;
  /** The box of each, without what stands below it. */
  box: Room;
}

/** Between boxes, and around them. */
export const GAP = 12;
/** For what is said of a picture, below it. */
export const CAPTION = 28;

/** The columns in which a picture of this shape becomes largest; of those that are equal, the ones with fewer holes. */
export function lay(room: Room, count: number, shape: Room): Laid {
  let best: (Laid & { scale: number; holes: number }) | null = null;
  for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
    const rows = Math.ceil(Math.max(1, count) / columns);
    const box = { width: (room.width - GAP * (columns + 1)) / columns, height: (room.height - GAP * (rows + 1)) / rows - CAPTION };
    const scale = Math.min(box.width / shape.width, box.height / shape.height);
    const holes = rows * columns - count;
    if (best === null || scale > best.scale * 1.001 || (scale > best.scale * 0.999 && holes < best.holes)) best = { columns, rows, box: { width: Math.max(1, Math.floor(box.width)), height: Math.max(1, Math.floor(box.height)) }, scale, holes };
  }
  return { columns: best!.columns, rows: best!.rows, box: best!.box };
}

/** The pan after a zoom that leaves what is under the point where it is; all in shares of the picture. */
export function panAbout(point: { x: number; y: number }, from: number, to: number, pan: { x: number; y: number }): { x: number; y: number } {
  const share = to / from;
  return within({ x: point.x - (point.x - pan.x) * share, y: point.y - (point.y - pan.y) * share }, to);
}

/** As far as the picture still fills its box. */
export function within(pan: { x: number; y: number }, zoom: number): { x: number; y: number } {
  const most = Math.max(0, (zoom - 1) / 2);
  const held = (value: number) => Math.min(most, Math.max(-most, value));
  return { x: held(pan.x), y: held(pan.y) };
}
