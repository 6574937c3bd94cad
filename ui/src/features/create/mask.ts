/** A mask as data: what was painted over a picture, in the picture's own pixels, and how that becomes a file. */
import type { Room } from './stage';

export interface Point {
  x: number;
  y: number;
}

export interface Stroke {
  kind: 'paint' | 'erase';
  /** In pixels of the picture. */
  radius: number;
  points: readonly Point[];
}

/** In the order in which they were made; later ones lie over earlier ones. */
export type Mark = Stroke | { kind: 'invert' };

/** Whether this is one: what was kept may be of another version. */
export const isMark = (value: unknown): value is Mark =>
  typeof value === 'object' && value !== null && 'kind' in value && (value.kind === 'invert' || ('radius' in value && 'points' in value && Array.isArray(value.points)));

/** Draws marks in one colour on a canvas that is `scale` times as large as the picture. */
export function drawMarks(context: CanvasRenderingContext2D, marks: readonly Mark[], scale: number, colour: string): void {
  const { width, height } = context.canvas;
  context.clearRect(0, 0, width, height);
  context.fillStyle = context.strokeStyle = colour;
  context.lineCap = context.lineJoin = 'round';
  for (const mark of marks) {
    if (mark.kind === 'invert') {
      context.globalCompositeOperation = 'xor';
      context.fillRect(0, 0, width, height);
      continue;
    }
    context.globalCompositeOperation = mark.kind === 'paint' ? 'source-over' : 'destination-out';
    const [radius, points] = [mark.radius * scale, mark.points.map(({ x, y }) => [x * scale, y * scale] as const)];
    // A line that goes nowhere is left out, so where one begins is a disc of its own.
    context.beginPath();
    for (const [x, y] of points.slice(0, 1)) context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
    context.lineWidth = 2 * radius;
    context.beginPath();
    for (const [x, y] of points) context.lineTo(x, y);
    context.stroke();
  }
  context.globalCompositeOperation = 'source-over';
}

/** Rows are looked at in pieces of this many pixels. */
const PIECE = 1 << 20;

function isEmpty(context: CanvasRenderingContext2D): boolean {
  const { width, height } = context.canvas;
  const rows = Math.max(1, Math.floor(PIECE / width));
  for (let top = 0; top < height; top += rows) {
    const { data } = context.getImageData(0, top, width, Math.min(rows, height - top));
    for (let at = 3; at < data.length; at += 4) if ((data[at] ?? 0) > 127) return false;
  }
  return true;
}

/** A PNG of the picture's size: white where it may change, black where it stays; null where all of it stays. */
export function maskFile({ width, height }: Room, marks: readonly Mark[]): Promise<Blob | null> {
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d');
  if (!context) throw new Error('there is no canvas');
  drawMarks(context, marks, 1, '#fff');
  if (marks.length === 0 || isEmpty(context)) return Promise.resolve(null);
  context.globalCompositeOperation = 'destination-over';
  context.fillStyle = '#000';
  context.fillRect(0, 0, width, height);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('the mask cannot be written'))), 'image/png'));
}
