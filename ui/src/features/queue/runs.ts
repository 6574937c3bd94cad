/** Jobs that were asked for at once are one to whoever looks at the queue, for as long as they stand together. */
import type { Job } from '../../bindings';

export function runsOf(jobs: readonly Job[]): Job[][] {
  const runs: Job[][] = [];
  for (const job of jobs) {
    const before = runs.at(-1);
    if (before && before[0]!.run === job.run && before[0]!.state === job.state) before.push(job);
    else runs.push([job]);
  }
  return runs;
}
