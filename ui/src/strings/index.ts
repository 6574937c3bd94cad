/**
 * Every word on the screen, in each language, in one table by key.
 *
 * `{name}` is replaced by a value. `{n|picture|pictures}` writes the number and the word that goes
 * with it. Adding a language: a table like `zh.ts`, and a row in `TABLES`.
 */
import { en } from './en';
import { current } from './language.svelte';
import { zh } from './zh';

export type Key = keyof typeof en;
export type LanguageName = 'en' | 'zh';
export type Values = Record<string, string | number>;

export const TABLES: Record<LanguageName, Record<Key, string>> = { en, zh };

export function t(key: Key, values: Values = {}): string {
  return fill(TABLES[current.language][key], values, current.language);
}

export function useLanguage(language: LanguageName): void {
  current.language = language;
  document.documentElement.lang = language === 'zh' ? 'zh-Hans' : 'en';
}

export function language(): LanguageName {
  return current.language;
}

export function fill(text: string, values: Values, language: LanguageName): string {
  return text.replace(/\{(\w+)(?:\|([^|}]*)\|([^|}]*))?\}/g, (whole, name: string, one?: string, many?: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    if (one === undefined) return String(value);
    return `${typeof value === 'number' ? value.toLocaleString(language) : value} ${value === 1 ? one : many}`;
  });
}
