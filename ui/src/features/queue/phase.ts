/** How far a render is, in words. */
import type { Progress } from '../../store/queue.svelte';
import { t } from '../../strings';

export function phaseOf(progress: Progress | null): string {
  if (!progress) return t('queue.phase.starting');
  if (progress.phase === 'step') return t('queue.phase.step', { done: progress.done, total: progress.total });
  return t(`queue.phase.${progress.phase}`);
}
