/** Where a picture lies in the viewer: fitted, or at a zoom about a point. */
export interface Room {
  width: number;
  height: number;
}

export interface Placed {
  left: number;
  top: number;
  width: number;
  height: number;
  scale: number;
}

/** Air around a fitted picture. */
const AIR = 16;
/** A small picture is not blown up beyond this to fill a large window. */
export const MOST_FIT = 6;
export const LEAST_ZOOM = 0.1;
export const MOST_ZOOM = 32;

export function fitScale(room: Room, picture: Room): number {
  const wide = Math.max(1, room.width - 2 * AIR) / picture.width;
  const high = Math.max(1, room.height - 2 * AIR) / picture.height;
  return Math.min(wide, high, MOST_FIT);
}

export function place(room: Room, picture: Room, zoom: number | null, pan: { x: number; y: number }): Placed {
  const scale = zoom ?? fitScale(room, picture);
  const width = picture.width * scale;
  const height = picture.height * scale;
  const { x, y } = zoom === null ? { x: 0, y: 0 } : held(room, { width, height }, pan);
  return { left: Math.round((room.width - width) / 2 + x), top: Math.round((room.height - height) / 2 + y), width, height, scale };
}

/** A picture can be pushed about, but never quite out of sight. */
export function held(room: Room, shown: Room, pan: { x: number; y: number }): { x: number; y: number } {
  const most = (room: number, shown: number) => Math.max(0, (shown - room) / 2) + Math.min(room, shown) / 2;
  const within = (value: number, most: number) => Math.min(most, Math.max(-most, value));
  return { x: within(pan.x, most(room.width, shown.width)), y: within(pan.y, most(room.height, shown.height)) };
}

/** The pan after a zoom that leaves what is under the point where it is. */
export function zoomAbout(point: { x: number; y: number }, from: number, to: number, pan: { x: number; y: number }): { x: number; y: number } {
  const share = to / from;
  return { x: point.x - (point.x - pan.x) * share, y: point.y - (point.y - pan.y) * share };
}

/** Zooms that buttons and keys stop at. */
const STOPS = [0.1, 0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32];

export function nextZoom(scale: number, way: 1 | -1): number {
  const stops = way > 0 ? STOPS : STOPS.toReversed();
  return stops.find((stop) => (way > 0 ? stop > scale * 1.01 : stop < scale * 0.99)) ?? scale;
}
