/** Words that the model knows, offered as one types. */
import type { KnownWord } from '../../bindings';

export interface Offer {
  /** Where the text to be replaced begins. */
  from: number;
  to: number;
  words: KnownWord[];
}

const MOST = 7;

/** What could be meant by what stands before the caret; null where nothing is. */
export function offer(text: string, caret: number, known: readonly KnownWord[]): Offer | null {
  if (known.length === 0 || /\w/.test(text[caret] ?? '')) return null;
  const before = text.slice(0, caret);
  // Phrases have up to three words, so the last one to three words may be the beginning of one.
  for (let count = 3; count >= 1; count -= 1) {
    const tail = new RegExp(`(?:^|[^\\p{L}\\p{N}])((?:[\\p{L}\\p{N}]+ ){${count - 1}}[\\p{L}\\p{N}]+)$`, 'u').exec(before)?.[1];
    if (tail === undefined || tail.length < 2) continue;
    const typed = tail.toLowerCase();
    const words = known.filter(({ text: word }) => begins(word, typed, count)).slice(0, MOST);
    if (words.some(({ text: word }) => word === typed)) return null;
    if (words.length > 0) return { from: caret - tail.length, to: caret, words };
  }
  return null;
}

/** What may be meant by a word that the model does not know: what begins so, in whole or in one of its words. */
export function meant(word: string, known: readonly KnownWord[]): string | null {
  const typed = word.toLowerCase();
  if (typed.length < 3) return null;
  return known.find(({ text }) => text.startsWith(typed))?.text ?? known.find(({ text }) => begins(text, typed, 1))?.text ?? null;
}

/** A phrase is found by its own beginning, and by one of its words: "beach" finds "on a beach". */
function begins(word: string, typed: string, count: number): boolean {
  if (word.startsWith(typed)) return true;
  return count === 1 && typed.length >= 3 && word.split(' ').some((part) => part.startsWith(typed));
}

/** The text with an offered word in place, and where the caret goes. */
export function accept(text: string, { from, to }: Offer, word: string): { text: string; caret: number } {
  const after = text.slice(to);
  const space = after === '' ? ' ' : '';
  return { text: text.slice(0, from) + word + space + after, caret: from + word.length + space.length };
}
