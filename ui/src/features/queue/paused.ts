/** What is asked for while the queue is paused waits, and a person who does not see the queue would wonder why. */
import { platform } from '../../platform';
import { queue } from '../../store/queue.svelte';
import { toasts } from '../../store/toasts.svelte';
import { t } from '../../strings';

export function tellPaused(): void {
  if (!queue.value.paused) return;
  toasts.show({ text: t('queue.paused_note'), action: { label: t('queue.notice.resume'), run: () => platform().call('queue_pause', { paused: false }) } });
}
