/** What the fake engine draws: a picture that begins as blur and becomes the one of its id. */
import { pictureSvg } from './many';

export function pictureUrl(id: string, width: number, height: number): string {
  return `data:image/svg+xml;utf8,${encodeURIComponent(pictureSvg(id, width, height))}`;
}

/** A step preview as a PNG; where nothing can be painted, as under tests, an empty one. */
export async function preview(id: string, width: number, height: number, share: number): Promise<Blob> {
  const canvas = typeof OffscreenCanvas === 'undefined' ? null : new OffscreenCanvas(width, height);
  const context = canvas?.getContext('2d');
  if (!canvas || !context) return new Blob([], { type: 'image/png' });
  const image = new Image();
  image.src = pictureUrl(id, width, height);
  await image.decode();
  context.filter = `blur(${((1 - share) * Math.min(width, height)) / 8}px)`;
  context.drawImage(image, 0, 0, width, height);
  context.filter = 'none';
  const noise = context.getImageData(0, 0, width, height);
  const much = (1 - share) * 150;
  let state = 1 + Math.round(share * 1000);
  for (let at = 0; at < noise.data.length; at += 4) {
    for (let channel = 0; channel < 3; channel += 1) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      noise.data[at + channel] = (noise.data[at + channel] ?? 0) + ((state >>> 16) / 65536 - 0.5) * much;
    }
  }
  context.putImageData(noise, 0, 0);
  return canvas.convertToBlob({ type: 'image/png' });
}
