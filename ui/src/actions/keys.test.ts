import { expect, test } from 'vitest';
import { matches, spoken, writes, written } from './keys';

const press = (key: string, held: Partial<KeyboardEventInit> = {}) => new KeyboardEvent('keydown', { key, ...held });

test('a chord matches with its modifiers and no others', () => {
  expect(matches(press('Enter', { ctrlKey: true }), 'Mod+Enter')).toBe(true);
  expect(matches(press('Enter', { ctrlKey: true, shiftKey: true }), 'Mod+Enter')).toBe(false);
  expect(matches(press('Enter'), 'Mod+Enter')).toBe(false);
});

test('a sign matches however it is typed', () => {
  expect(matches(press('?', { shiftKey: true }), '?')).toBe(true);
  expect(matches(press('?'), '?')).toBe(true);
});

test('a letter without Shift is not the letter with it', () => {
  expect(matches(press('X', { shiftKey: true, code: 'KeyX' }), 'Shift+X')).toBe(true);
  expect(matches(press('x', { code: 'KeyX' }), 'Shift+X')).toBe(false);
});

test('a digit is found by its place when Ctrl makes it another sign', () => {
  expect(matches(press('à', { ctrlKey: true, code: 'Digit0' }), 'Mod+0')).toBe(true);
});

test('what is pressed is written as it would be matched', () => {
  expect(written(press('k', { ctrlKey: true }))).toBe('Mod+K');
  expect(written(press('?', { shiftKey: true }))).toBe('?');
  expect(written(press('Shift', { shiftKey: true }))).toBeNull();
});

test('the space bar is matched by the name it is written with', () => {
  expect(written(press(' '))).toBe('Space');
  expect(matches(press(' '), 'Space')).toBe(true);
  expect(written(press(' ', { shiftKey: true }))).toBe('Shift+Space');
  expect(matches(press(' ', { shiftKey: true }), 'Shift+Space')).toBe(true);
  expect(matches(press(' ', { shiftKey: true }), 'Space')).toBe(false);
});

test('some keys write where one writes', () => {
  expect(['?', 'K', 'Shift+K', 'Space'].filter(writes)).toHaveLength(4);
  expect(['F1', 'Mod+K', 'Alt+K', 'Mod+Space', 'Escape'].filter(writes)).toEqual([]);
});

test('keys are spoken as they are printed', () => {
  expect(spoken('Mod+Shift+Enter')).toBe('Ctrl+Shift+Enter');
  expect(spoken('Alt+ArrowUp')).toBe('Alt+↑');
  expect(spoken('+')).toBe('+');
});
