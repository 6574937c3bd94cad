/** The language in use. It stands alone so that the table needs no rune. */
export const current = $state<{ language: 'en' | 'zh' }>({ language: 'en' });
