/** What the fake studio says of the words of a request. */
import type { KnownWord, PromptNote, PromptNoteKind } from '../../bindings';

/** Most tokens of a prompt. */
export const MOST_TOKENS = 32;

/** A letter of an alphabet is a fourth of one, any other sign is three: about as a byte-level tokenizer counts. */
export function tokensOf(prompt: string): number {
  return Math.ceil([...prompt].reduce((sum, letter) => sum + (letter.charCodeAt(0) < 0x250 ? 0.25 : 3), 0));
}

const SIGNS: readonly [PromptNoteKind, RegExp][] = [
  ['weight', /\((?:[^()]+):\d*\.?\d+\)/g],
  ['variant', /\{[^{}]*\|[^{}]*\}/g],
  ['wildcard', /__[\w-]+__/g],
  ['lora', /<lora:[^<>]+>/g],
];
const SMALL = 'a an the and or of in on at with to its it is from by for over under near some one two three'.split(' ');

export function notesOf(prompt: string, words: readonly KnownWord[]): PromptNote[] {
  const known = new Set([...SMALL, ...words.flatMap(({ text }) => [...text.split(' '), `${text}s`])]);
  // A word of a phrase alone is no word that is known, but for those that phrases have in common.
  for (const { text } of words) if (text.includes(' ') && !/^(on|in|at) /.test(text)) for (const part of text.split(' ')) if (!words.some((one) => one.text === part)) known.delete(part);
  const signs = SIGNS.flatMap(([kind, sign]) => [...prompt.matchAll(sign)].map((found): PromptNote => ({ kind, start: found.index, end: found.index + found[0].length, text: found[0] })));
  const phrases = words.filter(({ text }) => text.includes(' ')).flatMap(({ text }) => [...prompt.toLowerCase().matchAll(new RegExp(text, 'g'))].map(({ index }) => ({ start: index, end: index + text.length })));
  const taken = [...signs, ...phrases];
  const unknown = [...prompt.matchAll(/[\p{L}]+/gu)]
    .map((found): PromptNote => ({ kind: 'unknown_word', start: found.index, end: found.index + found[0].length, text: found[0] }))
    .filter(({ start, end, text }) => !known.has(text.toLowerCase()) && !taken.some((one) => one.start <= start && end <= one.end));
  return [...signs, ...(words.length > 0 ? unknown : [])].sort((a, b) => a.start - b.start);
}
