/** The prompt's own field, so that actions can put the caret there. */
export const prompt = $state<{ element: HTMLTextAreaElement | undefined }>({ element: undefined });
