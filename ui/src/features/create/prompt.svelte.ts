import { tick } from 'svelte';

/** The prompt's own field, so that actions can put the caret there. */
class PromptField {
  element = $state<HTMLTextAreaElement>();

  /** The screen may have to be put up first; before a frame is drawn, since the next key is meant for it. */
  async focus(): Promise<void> {
    await tick();
    this.element?.focus();
  }
}

export const prompt = new PromptField();
