/**
 * What is looked for: the search field, the filter menus and the place in the left column, as one `Filter`.
 *
 * The search field takes words, and `name:value` for those who would rather type than point:
 * `fox model:starter size:256x256 rating:4 subject:Ada tag:draft from:2026-01-31 to:2026-02-28`.
 * A value with spaces stands in quotes, and so do words in a row: `"red fox"`, or `-"red fox"` for pictures without
 * them. What is not understood stays a word to search for.
 */
import type { Filter, PictureCard, PictureDetail } from '../../bindings';

/** A filter in which nothing is left out; null is what does not narrow. */
export type Wanted = Required<Filter>;

/** A part of a filter that can be shown and taken away by itself. */
export type Part = 'text' | 'model' | 'rating' | 'board' | 'tag' | 'subject' | 'size' | 'date';

/** The time spans that the date menu offers. */
export type Span = 'today' | 'week' | 'month' | 'year';

const DAY = 86_400_000;

/** Every picture that is not in the trash, newest first. */
export function everything(): Wanted {
  return {
    text: null,
    model: null,
    min_rating: null,
    board: null,
    tag: null,
    subject: null,
    run: null,
    width: null,
    height: null,
    from: null,
    to: null,
    trashed: false,
    order: 'newest',
  };
}

/** The parts that narrow `filter`, in the order in which they are shown. The trash and the order are no parts. */
export function partsOf(filter: Wanted): Part[] {
  const parts: Part[] = [];
  if (filter.text) parts.push('text');
  if (filter.model !== null) parts.push('model');
  if (filter.width !== null || filter.height !== null) parts.push('size');
  if (filter.from !== null || filter.to !== null) parts.push('date');
  if (filter.min_rating !== null) parts.push('rating');
  if (filter.subject !== null) parts.push('subject');
  if (filter.tag !== null) parts.push('tag');
  if (filter.board !== null) parts.push('board');
  return parts;
}

/** `filter` without one of its parts. */
export function without(filter: Wanted, part: Part): Wanted {
  switch (part) {
    case 'text':
      return { ...filter, text: null };
    case 'model':
      return { ...filter, model: null };
    case 'rating':
      return { ...filter, min_rating: null };
    case 'board':
      return { ...filter, board: null };
    case 'tag':
      return { ...filter, tag: null };
    case 'subject':
      return { ...filter, subject: null };
    case 'size':
      return { ...filter, width: null, height: null };
    case 'date':
      return { ...filter, from: null, to: null };
  }
}

/** What the search field says, as a filter: only what it names is there. */
export function parseSearch(typed: string): Partial<Wanted> {
  const found: Partial<Wanted> = {};
  const words: string[] = [];
  for (const { raw, plain } of tokens(typed)) {
    // What stands in quotes as a whole is searched for, whatever it holds.
    const colon = raw.indexOf(':');
    const named = colon > 0 ? namedPart(raw.slice(0, colon).toLowerCase(), plain.slice(colon + 1)) : null;
    if (named) Object.assign(found, named);
    else words.push(raw);
  }
  if (words.length > 0) found.text = words.join(' ');
  return found;
}

/** The menus' filter with what the search field says on top. */
export function withSearch(filter: Wanted, typed: string): Wanted {
  return { ...filter, ...parseSearch(typed) };
}

/** The start of a span that ends now, on the clock of the place: today starts at midnight. */
export function startOf(span: Span, now: number): number {
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  switch (span) {
    case 'today':
      return midnight;
    case 'week':
      return midnight - 6 * DAY;
    case 'month':
      return midnight - 29 * DAY;
    case 'year':
      return midnight - 364 * DAY;
  }
}

/** The days `from` to `to`, both whole, each `YYYY-MM-DD` or empty; null where it is no day. A filter's end is not in it. */
export function days(from: string, to: string): { from: number | null; to: number | null } {
  const last = midnightOf(to);
  return { from: midnightOf(from), to: last === null ? null : nextMidnight(last) };
}

/** `YYYY-MM-DD` of a moment, for a date field. The end of a filter wants the moment before it. */
export function dayOf(at: number | null): string {
  if (at === null) return '';
  const date = new Date(at);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Whether two filters ask for the same. */
export function same(a: Wanted, b: Wanted): boolean {
  return (Object.keys(a) as (keyof Wanted)[]).every((key) => a[key] === b[key]);
}

function namedPart(name: string, value: string): Partial<Wanted> | null {
  if (value === '') return null;
  switch (name) {
    case 'model':
      return { model: value };
    case 'subject':
      return { subject: value };
    case 'tag':
      return { tag: value };
    // What hands remember of when a star was a mark of its own.
    case 'star':
      return /^yes$/i.test(value) ? { min_rating: 1 } : null;
    case 'rating':
      return /^[1-5]$/.test(value) ? { min_rating: Number(value) } : null;
    case 'size': {
      const sides = /^(\d{1,5})[x×](\d{1,5})$/i.exec(value);
      return sides ? { width: Number(sides[1]), height: Number(sides[2]) } : null;
    }
    case 'from': {
      const at = midnightOf(value);
      return at === null ? null : { from: at };
    }
    case 'to': {
      const at = midnightOf(value);
      return at === null ? null : { to: nextMidnight(at) };
    }
    default:
      return null;
  }
}

/**
 * Words, where quotes keep spaces together; an open quote runs to the end, since one is still typing. `raw` has the
 * quotes still: the library's search takes what stands in them as words in a row.
 */
function tokens(typed: string): { raw: string; plain: string }[] {
  const all: { raw: string; plain: string }[] = [];
  let raw = '';
  let quoted = false;
  const end = () => {
    const plain = raw.replaceAll('"', '');
    if (plain) all.push({ raw, plain });
    raw = '';
  };
  for (const char of typed) {
    if (char === '"') quoted = !quoted;
    if (!quoted && /\s/.test(char)) end();
    else raw += char;
  }
  end();
  return all;
}

function midnightOf(day: string): number | null {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  if (!parts) return null;
  const [year, month, date] = [Number(parts[1]), Number(parts[2]) - 1, Number(parts[3])];
  const at = new Date(year, month, date);
  // 31 February would roll over into March.
  return at.getMonth() === month && at.getDate() === date ? at.getTime() : null;
}

function nextMidnight(midnight: number): number {
  const at = new Date(midnight);
  return at.setDate(at.getDate() + 1);
}

/** Whether `filter` lets a picture through that has just changed, its words apart: those only the library's search understands. */
export function admits(filter: Filter, { card, tags, boards }: PictureDetail): boolean {
  const wants = <T>(wanted: T | null | undefined, found: T | null) => wanted == null || wanted === found;
  return (
    (card.trashed_at !== null) === filter.trashed &&
    wants(filter.model, card.model) &&
    wants(filter.subject, card.subject) &&
    wants(filter.run, card.run) &&
    wants(filter.width, card.width) &&
    wants(filter.height, card.height) &&
    card.rating >= (filter.min_rating ?? 0) &&
    card.created_at >= (filter.from ?? -Infinity) &&
    card.created_at < (filter.to ?? Infinity) &&
    (filter.tag == null || tags.includes(filter.tag)) &&
    (filter.board == null || boards.includes(filter.board))
  );
}

/** Whether `a` stands before `b` in the order that `filter` asks for. */
export function comesBefore(filter: Filter, a: PictureCard, b: PictureCard): boolean {
  const newer = a.created_at > b.created_at || (a.created_at === b.created_at && a.id > b.id);
  switch (filter.order) {
    case 'newest':
      return newer;
    case 'oldest':
      return !newer;
    case 'best':
      return a.rating > b.rating || (a.rating === b.rating && newer);
  }
}
