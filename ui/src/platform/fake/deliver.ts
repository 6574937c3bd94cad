/** Sizes by their names, and what the fake studio does to come to one. */
import type { Channel, DeliverChoice, DeliverPlan, PictureCard, RenderRequest } from '../../bindings';

export const CHANNELS: Channel[] = [
  { name: 'feed', width: 1080, height: 1080 },
  { name: 'feed-portrait', width: 1080, height: 1350 },
  { name: 'story', width: 1080, height: 1920 },
  { name: 'landscape', width: 1920, height: 1080 },
  { name: 'banner', width: 728, height: 90 },
  { name: 'box', width: 300, height: 250 },
  { name: 'a4', width: 1240, height: 1754 },
];

export const emptyRequest: RenderRequest = {
  model: null,
  prompt: '',
  negative: null,
  references: [],
  init: null,
  mask: null,
  seed: null,
  noise_source: null,
  steps: null,
  guidance: null,
  width: null,
  height: null,
  sampler: null,
  schedule: null,
  precision: null,
  count: 1,
  parents: [],
};

/** Cropping may take so much of a side. */
const MOST_CROPPED = 0.15;

export function planOf({ deliver, width, height, enlarge }: RenderRequest): DeliverPlan | null {
  if (!deliver) return null;
  const drawn = { width: width ?? 128, height: height ?? 128 };
  const [wide, high] = [deliver.width / drawn.width, deliver.height / drawn.height];
  const cropped = 1 - Math.min(wide, high) / Math.max(wide, high);
  const fit = deliver.fit === 'auto' ? (cropped > MOST_CROPPED ? 'blurred' : 'crop') : deliver.fit;
  const scale = fit === 'crop' ? Math.max(wide, high) : Math.min(wide, high);
  const steps: number[] = [];
  for (let left = scale; left > 1; left /= steps.at(-1)!) steps.push(left > 2 ? 4 : 2);
  return { draw: enlarge ? null : drawn, enlarge: steps, resample: { width: Math.round(drawn.width * scale), height: Math.round(drawn.height * scale) }, fit };
}

/** The job that makes a picture of exactly these pixels from one that there is. */
export function deliveredFrom({ id, prompt, seed }: PictureCard, deliver: DeliverChoice): RenderRequest {
  return { ...emptyRequest, prompt, seed, steps: 1, width: deliver.width, height: deliver.height, parents: [{ id, relation: 'enlargement' }], enlarge: { asset: id, by: 4 }, deliver };
}
