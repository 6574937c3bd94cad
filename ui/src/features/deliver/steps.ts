/** What is done to a picture for a size, asked of the studio and said in words. */
import type { DeliverChoice, DeliverPlan, DeliverStep, PictureCard } from '../../bindings';
import { platform } from '../../platform';
import { emptyRequest } from '../../store/compose.svelte';
import { t } from '../../strings';

/** The way of a picture that is there already: the same as of one that was drawn in its size, but for the drawing. */
export async function planFor(card: PictureCard, deliver: DeliverChoice): Promise<DeliverPlan | null> {
  const request = { ...emptyRequest(), prompt: card.prompt || 'a picture', width: card.width, height: card.height, deliver };
  const { plan } = await platform().call('estimate', { request });
  if (plan === null) return null;
  const steps = plan.steps.filter(({ kind }) => kind !== 'draw');
  const known = steps.every(({ seconds }) => seconds !== null);
  return { ...plan, steps, seconds: known ? steps.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0) : null };
}

export function sayStep({ kind, width, height, by }: DeliverStep, fit: DeliverPlan['fit']): string {
  const size = `${width} × ${height}`;
  if (kind === 'extend') return t(fit === 'plain' ? 'deliver.step.extend.plain' : 'deliver.step.extend.blurred', { size });
  return t(`deliver.step.${kind}`, { size, by: by ?? 0 });
}
