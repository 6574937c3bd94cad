/** Whether a model can be used here, in one word. */
import type { Model } from '../../bindings';

export type Verdict = 'runs' | 'too_large' | 'refused';

export function verdictOf({ runs, fits }: Pick<Model, 'runs' | 'fits'>): Verdict {
  if (!runs) return 'refused';
  return fits ? 'runs' : 'too_large';
}

/** Words by what they are, in the order in which the model names the kinds. */
export function byKind(words: Model['words']): [kind: string, texts: string[]][] {
  const kinds = new Map<string, string[]>();
  for (const { kind, text } of words) {
    const texts = kinds.get(kind);
    if (texts) texts.push(text);
    else kinds.set(kind, [text]);
  }
  return [...kinds];
}
