/** A mirror of the studio's settings, and what they do to the page. */
import type { Settings, Theme } from '../bindings';
import { Failure, platform } from '../platform';
import { useLanguage } from '../strings';
import { remember, remembered } from './remembered';
import { toasts } from './toasts.svelte';

const UNTIL_KNOWN: Settings = {
  theme: 'system',
  language: 'system',
  threads: null,
  trash_days: 30,
  cache_megabytes: 256,
  live_pause_ms: 250,
  keys: {},
};

/** Until every element has taken up the other theme. */
const TURN_MS = 100;

/** The theme of the last time, before the studio has said what it is: a window that blinks hurts in the dark. */
export function showLastTheme(): void {
  showTheme(remembered<Theme>('theme', 'system', (value): value is Theme => value === 'dark' || value === 'light' || value === 'system'));
}

function showTheme(theme: Theme): void {
  const page = document.documentElement;
  const light = matchMedia('(prefers-color-scheme: light)').matches;
  const wanted = theme === 'system' ? (light ? 'light' : 'dark') : theme;
  if (page.dataset.theme === wanted) return;
  // All at once: what has a transition of its own would linger in the other theme's grey.
  page.dataset.turning = '';
  page.dataset.theme = wanted;
  setTimeout(() => delete page.dataset.turning, TURN_MS);
}

class SettingsMirror {
  value = $state<Settings>(UNTIL_KNOWN);

  async load(): Promise<void> {
    this.value = await platform().call('settings', {});
    this.#apply();
  }

  async change(part: Partial<Settings>): Promise<void> {
    const before = $state.snapshot(this.value);
    this.value = { ...before, ...part };
    this.#apply();
    try {
      this.value = await platform().call('settings_set', $state.snapshot(this.value));
    } catch (error) {
      this.value = before;
      this.#apply();
      // A refusal with a field is shown beside that field by whoever asked.
      if (Failure.of(error).field === null) toasts.error(error);
      throw error;
    }
  }

  #apply(): void {
    const { theme, language } = this.value;
    showTheme(theme);
    remember('theme', theme);
    useLanguage(language === 'system' ? (navigator.language.startsWith('zh') ? 'zh' : 'en') : language);
  }

  /** Takes up the system's theme when that changes. */
  follow(): void {
    matchMedia('(prefers-color-scheme: light)').addEventListener('change', () => this.#apply());
  }
}

export const settings = new SettingsMirror();
