import { expect, test } from 'vitest';
import type { Job, JobState } from '../../bindings';
import { runsOf } from './runs';

const jobs = (text: string) => text.split(' ').map((word, id) => ({ id, run: word[0], state: (word[1] === '!' ? 'failed' : 'waiting') as JobState }) as Job);
const shown = (text: string) => runsOf(jobs(text)).map((run) => run.map(({ id }) => id));

test('what was asked for at once and stands together is one', () => expect(shown('a a a b b c')).toEqual([[0, 1, 2], [3, 4], [5]]));
test('what was moved between others stands by itself', () => expect(shown('a a b a')).toEqual([[0, 1], [2], [3]]));
test('what failed is seen among what did not', () => expect(shown('a a! a')).toEqual([[0], [1], [2]]));
