/** What a row of the queue says of its job. */
import type { Job } from '../../bindings';
import { t } from '../../strings';

export function wordsOf({ request }: Job): string {
  const prompt = request.prompt || t('queue.no_prompt');
  return request.enlarge ? t('queue.enlarge', { by: request.enlarge.by, prompt }) : prompt;
}
