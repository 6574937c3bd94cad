/** Sizes by their names, and what the fake studio does to come to one. */
import type { ChannelSize, DeliverChoice, DeliverPlan, DeliverStep, PictureCard, RenderRequest } from '../../bindings';

export const CHANNELS: ChannelSize[] = [
  { id: 'feed', name: 'Feed', width: 1080, height: 1080 },
  { id: 'feed-portrait', name: 'Feed portrait', width: 1080, height: 1350 },
  { id: 'story', name: 'Story', width: 1080, height: 1920 },
  { id: 'landscape', name: 'Landscape', width: 1920, height: 1080 },
  { id: 'banner', name: 'Banner', width: 728, height: 90 },
  { id: 'box', name: 'Box', width: 300, height: 250 },
  { id: 'a4', name: 'A4 at 150 dpi', width: 1240, height: 1754 },
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
/** How long a picture is made larger, by how many times. */
const ENLARGING = { 2: 0.6, 4: 1.9 };

/** Draws, enlarges as often as it takes, and cuts or adds a border. */
export function planOf({ deliver, width, height, enlarge }: RenderRequest, drawing: number): DeliverPlan | null {
  if (!deliver) return null;
  const drawn = { width: width ?? 128, height: height ?? 128 };
  const [wide, high] = [deliver.width / drawn.width, deliver.height / drawn.height];
  const cropped = 1 - Math.min(wide, high) / Math.max(wide, high);
  const fit = deliver.fit === 'auto' ? (cropped > MOST_CROPPED ? 'blurred' : 'crop') : deliver.fit;
  const scale = fit === 'crop' ? Math.max(wide, high) : Math.min(wide, high);
  const steps: DeliverStep[] = enlarge ? [] : [{ kind: 'draw', ...drawn, by: null, seconds: drawing }];
  const times = (by: number) => ({ width: Math.round(drawn.width * by), height: Math.round(drawn.height * by) });
  let sum = 1;
  while (sum < scale) {
    const by = scale / sum > 2 ? 4 : 2;
    sum *= by;
    steps.push({ kind: 'enlarge', ...times(sum), by, seconds: ENLARGING[by] });
  }
  if (sum !== scale) steps.push({ kind: 'resample', ...times(scale), by: null, seconds: 0.05 });
  if (wide !== high) steps.push({ kind: fit === 'crop' ? 'crop' : 'extend', width: deliver.width, height: deliver.height, by: null, seconds: 0.01 });
  return { steps, fit, settled: fit !== 'crop', seconds: steps.reduce((all, { seconds }) => all + (seconds ?? 0), 0) };
}

/** The job that makes a picture of exactly these pixels from one that there is. */
export function deliveredFrom({ id, prompt, seed }: PictureCard, deliver: DeliverChoice): RenderRequest {
  return { ...emptyRequest, prompt, seed, steps: 1, width: deliver.width, height: deliver.height, parents: [{ id, relation: 'enlargement' }], enlarge: { asset: id, by: 4 }, deliver };
}
