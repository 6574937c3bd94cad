/** A mirror of the studio's settings, and what they do to the page. */
import type { Settings, Theme } from '../bindings';
import { Failure, platform } from '../platform';
import { t, useLanguage, type Key } from '../strings';
import { remember, remembered } from './remembered';
import { toasts } from './toasts.svelte';
import { undo } from './undo.svelte';

const UNTIL_KNOWN: Settings = {
  theme: 'dark',
  language: 'system',
  threads: null,
  trash_days: 30,
  cache_megabytes: 256,
  live_pause_ms: 250,
  keys: {},
};

/** What each is called where it is chosen. */
const NAMES: Record<keyof Settings, Key> = {
  theme: 'settings.theme',
  language: 'settings.language',
  threads: 'settings.threads',
  trash_days: 'settings.trash_days',
  cache_megabytes: 'settings.caches',
  live_pause_ms: 'settings.live_pause',
  keys: 'settings.keys',
};

/** Until every element has taken up the other theme. */
const TURN_MS = 100;

/** The theme of the last time, before the studio has said what it is: a window that blinks hurts in the dark. */
export function showLastTheme(): void {
  showTheme(remembered<Theme>('theme', 'dark', (value): value is Theme => value === 'dark' || value === 'light' || value === 'system'));
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

  /** What the studio said last. */
  #said = UNTIL_KNOWN;
  /** What it is being asked for, and what was wished since. */
  #asked: Partial<Settings> = {};
  #wished: Partial<Settings> = {};
  #asking: Promise<unknown> | null = null;
  #next: Promise<void> | null = null;
  /** How often something was changed. */
  #changes = 0;

  async load(): Promise<void> {
    const changes = this.#changes;
    const said = await platform().call('settings', {});
    // What was changed meanwhile is answered too, and by what knows more.
    if (changes === this.#changes && this.#asking === null) this.#take(said);
  }

  /** Shows a change at once, and lets it be taken back. */
  change(part: Partial<Settings>): Promise<void> {
    const before = $state.snapshot(this.value);
    const names = Object.keys(part) as (keyof Settings)[];
    const was = Object.fromEntries(names.map((name) => [name, before[name]])) as Partial<Settings>;
    const name = names[0];
    if (name === undefined || JSON.stringify(was) === JSON.stringify(part)) return this.#wish(part);
    const change = undo.push({ label: t('undo.set', { what: t(NAMES[name]) }), undo: () => this.#wish(was), redo: () => this.#wish(part) });
    return this.#wish(part).catch((error: unknown) => {
      undo.drop(change);
      throw error;
    });
  }

  /** One call is under way at a time; all that is wished meanwhile goes with the next. */
  #wish(part: Partial<Settings>): Promise<void> {
    this.#changes += 1;
    this.#wished = { ...this.#wished, ...$state.snapshot(part) };
    this.#take(this.#said);
    return (this.#next ??= this.#ask());
  }

  async #ask(): Promise<void> {
    // Whoever asked for what is under way hears what became of it.
    await this.#asking?.catch(() => undefined);
    this.#next = null;
    this.#asked = this.#wished;
    this.#wished = {};
    const call = platform().call('settings_set', { ...this.#said, ...this.#asked });
    this.#asking = call;
    try {
      const said = await call;
      this.#asked = {};
      this.#take(said);
    } catch (error) {
      this.#asked = {};
      this.#take(this.#said);
      // A refusal with a field is shown beside that field by whoever asked.
      if (Failure.of(error).field === null) toasts.error(error);
      throw error;
    } finally {
      if (this.#asking === call) this.#asking = null;
    }
  }

  /** What the studio says, with what it has not heard of yet. */
  #take(said: Settings): void {
    this.#said = said;
    this.value = { ...said, ...this.#asked, ...this.#wished };
    this.#apply();
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
