/** Keys as text: read from the keyboard, matched, and spoken to people. */

const MAC = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.platform);

interface Chord {
  mod: boolean;
  shift: boolean;
  alt: boolean;
  key: string;
}

function parse(text: string): Chord {
  const parts = text.split('+');
  // The plus key itself is written as the last, empty, part.
  const key = text.endsWith('+') ? '+' : (parts.at(-1) ?? '');
  const has = (name: string) => parts.slice(0, -1).includes(name);
  return { mod: has('Mod'), shift: has('Shift'), alt: has('Alt'), key };
}

export function matches(event: KeyboardEvent, text: string): boolean {
  if (text === '') return false;
  const chord = parse(text);
  const mod = MAC ? event.metaKey : event.ctrlKey;
  const other = MAC ? event.ctrlKey : event.metaKey;
  if (other || mod !== chord.mod || event.altKey !== chord.alt) return false;
  // A sign such as `?` is typed with Shift on some keyboards and without it on others.
  const sign = chord.key.length === 1 && !/[a-z0-9]/i.test(chord.key);
  if (!sign && event.shiftKey !== chord.shift) return false;
  if (named(event).toLowerCase() === chord.key.toLowerCase()) return true;
  // With modifiers held a digit or letter may arrive as another sign; its place on the keyboard tells.
  return (chord.mod || chord.alt || chord.shift) && event.code === code(chord.key);
}

function code(key: string): string {
  if (/^[a-z]$/i.test(key)) return `Key${key.toUpperCase()}`;
  if (/^\d$/.test(key)) return `Digit${key}`;
  return key;
}

/** What was pressed, as text; null while only modifiers are down. */
export function written(event: KeyboardEvent): string | null {
  if (['Control', 'Shift', 'Alt', 'Meta', 'Dead', 'Process', 'Unidentified'].includes(event.key)) return null;
  const sign = event.key.length === 1 && !/[a-z0-9 ]/i.test(event.key);
  const parts: string[] = [];
  if (MAC ? event.metaKey : event.ctrlKey) parts.push('Mod');
  if (event.altKey) parts.push('Alt');
  if (event.shiftKey && !sign) parts.push('Shift');
  const key = named(event);
  parts.push(key.length === 1 ? key.toUpperCase() : key);
  return parts.join('+');
}

/** The key itself. A space would not be seen where keys are shown, so it has a name. */
function named(event: KeyboardEvent): string {
  return event.key === ' ' ? 'Space' : event.key;
}

/**
 * Whether a key belongs to what an input method is putting together: the Enter that takes a candidate is nobody
 * else's. WebKit tells of that Enter only after the end of the composition, and marks it by its code alone.
 */
export function composing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}

/** Whether a key puts a letter or sign into a field that is written in. */
export function writes(text: string): boolean {
  const { mod, alt, key } = parse(text);
  return !mod && !alt && (key.length === 1 || key === 'Space');
}

/** Whether what is pressed would write a letter or sign. The space bar presses what has the focus. */
export function typed(event: KeyboardEvent): boolean {
  return event.key.length === 1 && event.key !== ' ' && !event.ctrlKey && !event.metaKey && !event.altKey;
}

const SPOKEN: Record<string, string> = {
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  Escape: 'Esc',
  Delete: 'Del',
  Mod: MAC ? '⌘' : 'Ctrl',
  Alt: MAC ? '⌥' : 'Alt',
  Shift: MAC ? '⇧' : 'Shift',
};

export function spoken(text: string): string {
  const parts = text.endsWith('+') ? [...text.slice(0, -1).split('+').filter(Boolean), '+'] : text.split('+');
  return parts.map((part) => SPOKEN[part] ?? (part.length === 1 ? part.toUpperCase() : part)).join(MAC ? '' : '+');
}
