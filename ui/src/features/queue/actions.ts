/** What can be done with the queue. */
import ListOrdered from '@lucide/svelte/icons/list-ordered';
import ListX from '@lucide/svelte/icons/list-x';
import Pause from '@lucide/svelte/icons/pause';
import Play from '@lucide/svelte/icons/play';
import RotateCcw from '@lucide/svelte/icons/rotate-ccw';
import X from '@lucide/svelte/icons/x';
import Brush from '@lucide/svelte/icons/brush-cleaning';
import type { Action } from '../../actions/types';
import { platform } from '../../platform';
import { queue } from '../../store/queue.svelte';
import { view } from '../../store/view.svelte';
import { t } from '../../strings';
import { cancelJobs } from './cancel';

const busy = () => queue.running !== null || queue.value.waiting > 0;

export function closeQueue(): void {
  view.queueOpen = false;
  document.getElementById('queue-button')?.focus();
}

export const queueActions: readonly Action[] = [
  {
    id: 'queue.open',
    name: () => t('queue.open'),
    group: 'queue',
    keys: ['Q'],
    icon: ListOrdered,
    run: () => (view.queueOpen = !view.queueOpen),
  },
  {
    // Where the focus was on a row that has just gone, the panel itself hears nothing.
    id: 'queue.close',
    name: () => t('app.close'),
    group: 'queue',
    keys: ['Escape'],
    hidden: true,
    when: () => view.queueOpen && (document.activeElement === document.body || document.activeElement === null),
    run: closeQueue,
  },
  {
    id: 'queue.pause',
    name: () => t(queue.value.paused ? 'queue.resume' : 'queue.pause'),
    group: 'queue',
    get icon() {
      return queue.value.paused ? Play : Pause;
    },
    run: () => platform().call('queue_pause', { paused: !queue.value.paused }),
  },
  {
    id: 'queue.cancel',
    name: () => t('queue.cancel'),
    group: 'queue',
    keys: ['Shift+X'],
    icon: X,
    when: () => queue.running !== null,
    run: () => queue.running && cancelJobs([queue.running.id]),
  },
  {
    id: 'queue.cancel_all',
    name: () => t('queue.cancel_all'),
    group: 'queue',
    keys: ['Mod+Shift+X'],
    icon: ListX,
    typing: true,
    when: busy,
    run: () => cancelJobs(null),
  },
  {
    id: 'queue.retry',
    name: () => t('queue.retry'),
    group: 'queue',
    icon: RotateCcw,
    when: () => queue.value.failed > 0,
    run: () => platform().call('queue_retry', { ids: null }),
  },
  {
    id: 'queue.clear',
    name: () => t('queue.clear'),
    group: 'queue',
    icon: Brush,
    when: () => queue.ended.length > 0,
    run: () => platform().call('queue_clear', {}),
  },
];
