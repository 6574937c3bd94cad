import { tick } from 'svelte';

/** The prompt's own field, so that actions can put the caret there. */
class PromptField {
  element = $state<HTMLTextAreaElement | null>();

  /** The screen may have to be put up first; before a frame is drawn, since the next key is meant for it. */
  async focus(): Promise<void> {
    this.element?.focus();
    await tick();
    this.element?.focus();
  }

  /** Writes as a hand would: what the field has from a script it cannot take back, nor anything typed before. */
  write(start: number, end: number, text: string): void {
    const area = this.element;
    if (!area) return;
    area.focus();
    area.setSelectionRange(start, end);
    document.execCommand(text === '' ? 'delete' : 'insertText', false, text);
  }
}

export const prompt = new PromptField();
