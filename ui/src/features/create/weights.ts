/** Weights of words, as people's hands know them: `(word:1.2)`, changed in tenths by Ctrl and an arrow. */

export interface Marked {
  text: string;
  start: number;
  end: number;
}

const STEP = 0.1;
const LEAST = 0.1;
const MOST = 2;

/** Changes the weight of what is selected, or of the word at the caret. */
export function weigh(text: string, start: number, end: number, way: 1 | -1): Marked {
  const around = group(text, start, end);
  if (around) {
    const weight = round(around.weight + way * STEP);
    const words = around.words;
    const marked = wrap(words, weight);
    const head = text.slice(0, around.from);
    const inside = marked === words ? head.length : head.length + 1;
    return { text: head + marked + text.slice(around.to), start: inside, end: inside + words.length };
  }
  const [from, to] = start === end ? word(text, start) : trimmed(text, start, end);
  if (from === to) return { text, start, end };
  const words = text.slice(from, to);
  const marked = wrap(words, round(1 + way * STEP));
  return { text: text.slice(0, from) + marked + text.slice(to), start: from + 1, end: from + 1 + words.length };
}

function wrap(words: string, weight: number): string {
  return weight === 1 ? words : `(${words}:${weight})`;
}

function round(weight: number): number {
  return Math.round(Math.min(MOST, Math.max(LEAST, weight)) * 10) / 10;
}

/** The weighted group that the selection lies in: `(words:1.2)`, or `(words)`, which means 1.1. */
function group(text: string, start: number, end: number): { from: number; to: number; words: string; weight: number } | null {
  const found = /(?<!\\)\(([^()]*?)(?::(\d*\.?\d+))?\)/g;
  for (let match = found.exec(text); match; match = found.exec(text)) {
    const from = match.index;
    const to = from + match[0].length;
    if (from <= start && end <= to) return { from, to, words: match[1] ?? '', weight: match[2] === undefined ? 1.1 : Number(match[2]) };
  }
  return null;
}

/** The word that holds the caret or ends at it. */
function word(text: string, at: number): [number, number] {
  let from = at;
  let to = at;
  while (from > 0 && !/[\s,()[\]{}|]/.test(text[from - 1] ?? '')) from -= 1;
  while (to < text.length && !/[\s,()[\]{}|]/.test(text[to] ?? '')) to += 1;
  return [from, to];
}

function trimmed(text: string, start: number, end: number): [number, number] {
  let [from, to] = [start, end];
  while (from < to && /\s/.test(text[from] ?? '')) from += 1;
  while (to > from && /\s/.test(text[to - 1] ?? '')) to -= 1;
  return [from, to];
}
