/** Sizes by name, and how the fake studio would come to one: as the real one plans, for a subject in the middle. */
import type { ChannelSize, DeliverPlan, DeliverStep, RenderRequest } from '../../bindings';

export const CHANNELS: ChannelSize[] = [
  { id: 'feed', name: 'Feed', width: 1080, height: 1080 },
  { id: 'feed-portrait', name: 'Feed portrait', width: 1080, height: 1350 },
  { id: 'story', name: 'Story', width: 1080, height: 1920 },
  { id: 'landscape', name: 'Landscape', width: 1920, height: 1080 },
  { id: 'banner', name: 'Banner', width: 728, height: 90 },
  { id: 'box', name: 'Box', width: 300, height: 250 },
  { id: '4:5', name: '4:5', width: 1024, height: 1280 },
  { id: 'a4', name: 'A4, 150 dpi', width: 1240, height: 1754 },
];

export function fakePlan(request: RenderRequest, drawing: number): DeliverPlan | null {
  const wanted = request.deliver;
  if (!wanted) return null;
  let [width, height] = [request.width ?? 128, request.height ?? 128];
  const steps: DeliverStep[] = [{ kind: 'draw', width, height, by: null, seconds: drawing }];
  const [across, down] = [wanted.width / width, wanted.height / height];
  const crops = 1 - Math.min(across, down) / Math.max(across, down) <= 0.15;
  const fit = wanted.fit === 'auto' ? (crops ? 'crop' : 'blurred') : wanted.fit;
  const scale = fit === 'crop' ? Math.max(across, down) : Math.min(across, down);
  for (let larger = 1; larger < scale; ) {
    const by = scale / larger > 2 ? 4 : 2;
    larger *= by;
    [width, height] = [width * by, height * by];
    steps.push({ kind: 'enlarge', width, height, by, seconds: 0.4 });
  }
  const [start, end] = [request.width ?? 128, request.height ?? 128];
  const resampled = { width: Math.round(start * scale), height: Math.round(end * scale) };
  if (resampled.width !== width || resampled.height !== height) steps.push({ kind: 'resample', ...resampled, by: null, seconds: 0.02 });
  if (resampled.width !== wanted.width || resampled.height !== wanted.height) {
    steps.push({ kind: fit === 'crop' ? 'crop' : 'extend', width: wanted.width, height: wanted.height, by: null, seconds: 0.01 });
  }
  const seconds = steps.reduce((sum, step) => sum + (step.seconds ?? 0), 0);
  return { steps, fit, settled: wanted.fit !== 'auto' || fit !== 'crop', seconds };
}
