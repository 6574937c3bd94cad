import { expect, test } from 'vitest';
import { weigh } from './weights';

/** `|` marks the selection, as the person sees it before and after. */
function check(before: string, way: 1 | -1, after: string): void {
  const start = before.indexOf('|');
  const last = before.lastIndexOf('|');
  const text = before.replaceAll('|', '');
  const marked = weigh(text, start, last === start ? start : last - 1, way);
  const shown = `${marked.text.slice(0, marked.start)}|${marked.text.slice(marked.start, marked.end)}|${marked.text.slice(marked.end)}`;
  expect(shown).toBe(after);
}

test('a selection gets a weight', () => check('a |red fox| in snow', 1, 'a (|red fox|:1.1) in snow'));
test('a weight grows by a tenth', () => check('a (|red fox|:1.1) in snow', 1, 'a (|red fox|:1.2) in snow'));
test('a weight of one loses its brackets', () => check('a (|red fox|:1.1) in snow', -1, 'a |red fox| in snow'));
test('a weight can be less than one', () => check('a |red fox| in snow', -1, 'a (|red fox|:0.9) in snow'));
test('the word at the caret is taken where nothing is selected', () => check('a red f|ox', 1, 'a red (|fox|:1.1)'));
test('brackets alone mean 1.1', () => check('a (f|ox)', 1, 'a (|fox|:1.2)'));
test('spaces at the ends of a selection stay outside', () => check('a| fox |now', 1, 'a (|fox|:1.1) now'));
test('escaped brackets are not a weight', () => check('a \\(f|ox\\)', 1, 'a \\((|fox\\|:1.1))'));
test('nothing under the caret changes nothing', () => check('a , | b', 1, 'a , || b'));
