/**
 * View state that outlives the window, such as the width of a panel: nothing of it is truth about
 * the library, so the page's own storage is its place, and losing it costs nothing.
 */
export function remembered<T>(key: string, otherwise: T, valid: (value: unknown) => value is T): T {
  try {
    const text = localStorage.getItem(`likeness.${key}`);
    const value: unknown = text === null ? undefined : JSON.parse(text);
    return valid(value) ? value : otherwise;
  } catch {
    return otherwise;
  }
}

export function remember(key: string, value: unknown): void {
  try {
    localStorage.setItem(`likeness.${key}`, JSON.stringify(value));
  } catch {
    // Storage may be full or forbidden; the view then starts as it was designed.
  }
}

export const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
export const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';
