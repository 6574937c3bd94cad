/** Cancelling jobs, which a slip of the hand can do to a whole night's work. */
import { platform } from '../../platform';
import { toasts } from '../../store/toasts.svelte';
import { undo } from '../../store/undo.svelte';
import { t } from '../../strings';

/** Cancels these jobs, and with none named all that run or wait. Taken back, they wait again, after the others. */
export async function cancelJobs(ids: number[] | null): Promise<void> {
  const cancelled = (await platform().call('queue_cancel', { ids })).ids ?? [];
  if (cancelled.length === 0) return;
  const label = t('queue.undo.cancelled', { n: cancelled.length });
  const done = undo.push({
    label,
    undo: () => platform().call('queue_retry', { ids: cancelled }),
    redo: () => platform().call('queue_cancel', { ids: cancelled }),
  });
  // Of one it is seen where it was.
  if (cancelled.length > 1) toasts.show({ text: label, action: undo.back(done) });
}
