/** What the model will not make of a prompt, while it is written: words that it does not know, and other programs' signs. */
import type { PromptNote, PromptNoteKind, TokenCount } from '../../bindings';
import { compose } from '../../store/compose.svelte';
import { estimates } from '../../store/estimate.svelte';
import { t } from '../../strings';
import { prompt } from './prompt.svelte';
import { meant } from './words';

/** What is said of some of the notes, and what would do. */
export interface Told {
  text: string;
  /** What the model knows that may be meant. */
  instead: { word: string; run: () => void } | null;
  /** It helps to see what the model knows. */
  words: boolean;
}

/** In this order: what matters most is told, and all of it is marked. */
const KINDS: readonly PromptNoteKind[] = ['unknown_word', 'lora', 'wildcard', 'variant', 'weight'];
/** More than this in a sentence is not read. */
const MOST = 3;

class Notes {
  /** Where the caret stands while it does; what is still being written there is no word yet. */
  caret = $state<number | null>(null);

  /** All that is to be said of what is written. */
  get all(): PromptNote[] {
    const { caret } = this;
    return estimates.notes(compose.draft.prompt).filter(({ kind, start, end }) => kind !== 'unknown_word' || caret === null || caret < start || caret > end);
  }

  get tokens(): TokenCount | null {
    return estimates.tokens(compose.draft.prompt);
  }

  get told(): Told | null {
    const { all } = this;
    const kind = KINDS.find((one) => all.some((note) => note.kind === one));
    if (kind === undefined) return null;
    const these = all.filter((note) => note.kind === kind);
    const first = these[0]!;
    const text = [...new Set(these.map((note) => t('create.note.quoted', { text: note.text })))];
    const words = text.length > MOST ? `${text.slice(0, MOST).join(', ')} …` : text.join(', ');
    if (kind !== 'unknown_word') return { text: t(`create.note.${kind}`, { words }), instead: null, words: false };
    const word = these.length === 1 ? meant(first.text, compose.model?.words ?? []) : null;
    const instead = word === null ? null : { word, run: () => replace(first, word) };
    return { text: t('create.note.unknown_word', { words }), instead, words: true };
  }
}

function replace({ start, end }: PromptNote, word: string): void {
  prompt.write(start, end, word);
}

export const notes = new Notes();
