import { describe, expect, it } from 'vitest';
import { dayOf, days, everything, parseSearch, partsOf, same, startOf, without, withSearch } from './filter';

describe('the search field', () => {
  it.each([
    ['', {}],
    ['   ', {}],
    ['red fox', { text: 'red fox' }],
    ['fox rating:4', { text: 'fox', min_rating: 4 }],
    ['model:"Flux 2 klein" fox', { model: 'Flux 2 klein', text: 'fox' }],
    // Words in a row stay so, and what stands in quotes as a whole names nothing.
    ['"red fox"', { text: '"red fox"' }],
    ['snow -"red fox" rating:4', { text: 'snow -"red fox"', min_rating: 4 }],
    ['"tag:draft"', { text: '"tag:draft"' }],
    ['"half typed', { text: '"half typed' }],
    ['fox ""', { text: 'fox' }],
    ['size:256x512', { width: 256, height: 512 }],
    ['size:256×512', { width: 256, height: 512 }],
    ['star:yes', { min_rating: 1 }],
    ['subject:小红', { subject: '小红' }],
    ['tag:مسودة', { tag: 'مسودة' }],
    // What is not understood is searched for, not lost.
    ['rating:9', { text: 'rating:9' }],
    ['12:30 clock', { text: '12:30 clock' }],
    ['from:2026-02-31', { text: 'from:2026-02-31' }],
    ['model:', { text: 'model:' }],
    ['model:"half typed', { model: 'half typed' }],
  ])('%s', (typed, expected) => {
    expect(parseSearch(typed)).toEqual(expected);
  });

  it('narrows what the menus say and overrides it where both speak', () => {
    const menus = { ...everything(), model: 'starter', min_rating: 2 };
    expect(withSearch(menus, 'fox rating:5')).toEqual({ ...menus, text: 'fox', min_rating: 5 });
  });

  it('takes whole days, both ends', () => {
    const { from, to } = parseSearch('from:2026-03-01 to:2026-03-01');
    expect(to! - from!).toBe(86_400_000);
  });
});

it('each part can be taken away by itself', () => {
  const full = {
    ...everything(),
    text: 'fox',
    model: 'starter',
    min_rating: 3,
    board: 1,
    tag: 'x',
    subject: 'Ada',
    width: 256,
    height: 256,
    from: 1,
  };
  const parts = partsOf(full);
  expect(parts).toHaveLength(8);
  const none = parts.reduce(without, full);
  expect(same(none, everything())).toBe(true);
  expect(partsOf(none)).toEqual([]);
});

it('spans start at midnight', () => {
  const now = new Date(2026, 10, 21, 15, 30).getTime();
  expect(dayOf(startOf('today', now))).toBe('2026-11-21');
  expect(dayOf(startOf('week', now))).toBe('2026-11-15');
});

it('a day field goes there and back', () => {
  const { from, to } = days('2026-11-21', '2026-11-22');
  expect([dayOf(from), dayOf(to! - 1)]).toEqual(['2026-11-21', '2026-11-22']);
  expect(days('', 'soon')).toEqual({ from: null, to: null });
});
