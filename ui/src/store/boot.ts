/** Brings the mirrors up, in the order in which a person sees what they show. */
import { platform } from '../platform';
import { t } from '../strings';
import { bus } from './bus';
import { compose } from './compose.svelte';
import { drafts } from './drafts';
import { live } from './live.svelte';
import { models } from './models.svelte';
import { queue } from './queue.svelte';
import { session } from './session.svelte';
import { settings } from './settings.svelte';
import { toasts } from './toasts.svelte';
import { view } from './view.svelte';
import { viewer } from './viewer.svelte';

export async function boot(): Promise<void> {
  platform().listen((event) => bus.tell(event));
  bus.on('models', () => void models.load().catch((error: unknown) => toasts.error(error)));
  bus.on('settings', () => void settings.load().catch((error: unknown) => toasts.error(error)));
  const openQueue = () => ({ label: t('queue.open'), run: () => (view.queueOpen = true) });
  // Why the queue is paused: it stays until it is read, since nothing more is made until then.
  bus.on('notice', ({ message }) => toasts.error(message, openQueue(), 'lost'));
  queue.onFailed.push((error) => toasts.error(error, openQueue(), 'lost'));
  addEventListener('pagehide', () => void drafts.flush());
  settings.follow();
  viewer.start();
  live.start();
  // None waits for another: a library that is slow to answer does not keep the prompt from being written.
  const begun = await Promise.allSettled([compose.load(), settings.load(), models.load(), queue.start(), session.start()]);
  for (const one of begun) if (one.status === 'rejected') toasts.error(one.reason);
  const newest = session.list.at(-1);
  if (newest && viewer.id === null && viewer.coming === null) viewer.open(newest.id, { follow: true });
}
