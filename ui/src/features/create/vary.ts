/**
 * Varying by words. A model of few words and steps draws one thing in one pose whatever its noise, so what brings other
 * ideas is another style, place or colour, of those that it knows.
 */
import type { KnownWord } from '../../bindings';

/** What can be varied: the kinds of words that say it. */
export const ASPECTS = {
  style: ['styles', 'finishes'],
  place: ['backgrounds'],
  colour: ['colours', 'tints'],
} as const satisfies Record<string, readonly string[]>;
export type Aspect = keyof typeof ASPECTS;

/** What a prompt says of each aspect that the model knows words for. */
export interface Said {
  aspect: Aspect;
  /** As it stands in the prompt; null where nothing is said of it. */
  word: string | null;
  /** What else could be said. */
  others: readonly string[];
}

const edge = (word: string) => new RegExp(`(?<![\\p{L}\\p{N}])${word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\p{L}\\p{N}])`, 'iu');

export function saidIn(prompt: string, known: readonly KnownWord[]): Said[] {
  return (Object.keys(ASPECTS) as Aspect[]).flatMap((aspect) => {
    const kinds: readonly string[] = ASPECTS[aspect];
    const words = [...new Set(known.filter(({ kind }) => kinds.includes(kind)).map(({ text }) => text))];
    if (words.length < 2) return [];
    // "on a snowy beach" before "on a beach": the longest that is there is what is meant.
    const word = words.filter((one) => edge(one).test(prompt)).toSorted((a, b) => b.length - a.length)[0] ?? null;
    return [{ aspect, word, others: words.filter((one) => one !== word) }];
  });
}

/** The prompt with another word for one of its aspects. */
export function say(prompt: string, { aspect, word }: Pick<Said, 'aspect' | 'word'>, other: string, subjects: readonly string[]): string {
  if (word !== null) return withArticle(prompt.replace(edge(word), other));
  if (aspect === 'style') return `${prompt.replace(/[\s,]+$/, '')}, ${other}`;
  if (aspect === 'place') {
    const comma = prompt.indexOf(',');
    return comma < 0 ? `${prompt.trimEnd()} ${other}` : `${prompt.slice(0, comma).trimEnd()} ${other}${prompt.slice(comma)}`;
  }
  const subject = subjects.filter((one) => edge(one).test(prompt)).toSorted((a, b) => b.length - a.length)[0];
  if (subject === undefined) return `${other} ${prompt}`;
  return withArticle(prompt.replace(edge(subject), (found) => `${other} ${found}`));
}

/** "a orange mug" is "an orange mug". */
function withArticle(prompt: string): string {
  return prompt.replace(/\b(an?)(?=\s+(\p{L}))/giu, (article, _all: string, letter: string) => {
    const an = /[aeiou]/i.test(letter);
    if (an === (article.length === 2)) return article;
    return an ? `${article}n` : article.slice(0, 1);
  });
}

/**
 * So many prompts, no two alike for as long as there are words: `far`, from 0 to 1, is how many of the aspects change
 * at once. `turn` is drawn anew each time, so that asking again gives others.
 */
export function varied(prompt: string, free: readonly Said[], count: number, far: number, turn: number, known: readonly KnownWord[]): string[] {
  const subjects = known.filter(({ kind }) => kind === 'subjects').map(({ text }) => text);
  const much = Math.max(1, Math.round(far * free.length));
  const used = new Set<string>([prompt]);
  return Array.from({ length: count }, (_, n) => {
    let text = prompt;
    for (let attempt = 0; attempt < 40 && used.has(text); attempt += 1) {
      text = prompt;
      for (let part = 0; part < much; part += 1) {
        const one = free[(n + part) % free.length];
        if (!one) continue;
        const place = (turn + Math.floor(n / free.length) + part * 3 + attempt) % one.others.length;
        text = say(text, one, one.others[place]!, subjects);
      }
    }
    used.add(text);
    return text;
  });
}
