import { expect, test } from 'vitest';
import type { Estimate, PromptNote } from '../bindings';
import { emptyRequest } from './compose.svelte';
import { carried, estimates } from './estimate.svelte';

const answer: Estimate = { seconds: 2, memory_needed: 1, fits: true, problem: null, notes: [], tokens: { used: 3, most: 32 }, plan: null };

test('an answer belongs to the request that it was asked with', () => {
  const asked = { ...emptyRequest(), prompt: 'a fox' };
  estimates.take(asked, { ...answer, problem: { code: 'usage', message: 'no', field: 'prompt' } });
  expect(estimates.of(asked)?.problem?.field).toBe('prompt');
  expect(estimates.of({ ...asked, prompt: 'a fox in snow' })).toBe(null);
  expect(estimates.tokens('a fox in snow')).toBe(null);
  // What it costs does not hang on words.
  expect(estimates.cost({ ...asked, prompt: 'a fox in snow' })?.seconds).toBe(2);
  expect(estimates.cost({ ...asked, steps: 8 })).toBe(null);
});

/** `[` and `]` stand around what a note is of. */
function check(before: string, now: string, expected: string): void {
  const notes: PromptNote[] = [];
  let text = '';
  for (const part of before.split(/[[\]]/)) {
    if (notes.length > 0 && notes.at(-1)!.end < 0) notes.at(-1)!.end = text.length + part.length;
    else if (before.includes(`[${part}]`)) notes.push({ kind: 'unknown_word', start: text.length, end: text.length + part.length, text: part });
    text += part;
  }
  let shown = now;
  for (const { start, end } of carried(notes, text, now).toReversed()) shown = `${shown.slice(0, start)}[${shown.slice(start, end)}]${shown.slice(end)}`;
  expect(shown).toBe(expected);
}

test('what is written elsewhere leaves a note where its word is', () => {
  check('a [robot] in a [kitchen]', 'a red robot in a kitchen', 'a red robot in a [kitchen]');
  check('a [robot] in a [kitchen]', 'a robot in a nice kitchen', 'a [robot] in a nice kitchen');
  check('a [robot] in', 'so a robot in', 'so a [robot] in');
});

test('a word that is written on is no word yet', () => {
  check('a [robo]', 'a robot', 'a robot');
  check('a [robot] x', 'a robots x', 'a robots x');
});
