/** Keys that a person has chosen, kept by action; an empty text is "none". What is as designed is not kept. */

export type Chosen = Readonly<Record<string, string>>;

export function setKey(chosen: Chosen, id: string, key: string, designed: string): Record<string, string> {
  if (key === designed) return reset(chosen, id);
  return { ...chosen, [id]: key };
}

export function reset(chosen: Chosen, id: string): Record<string, string> {
  const { [id]: _, ...rest } = chosen;
  return rest;
}

/** An action with the keys that it has, and those that it was designed with. */
interface Keyed {
  id: string;
  keys: readonly string[];
  designed: readonly string[];
}

/**
 * For each action whose key another one has too, that other. What shares a key by design is never possible at the
 * same time, and in nobody's way; a key that a person chose may be.
 */
export function conflictsOf(all: readonly Keyed[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const one of all) {
    const other = all.find(({ id, keys, designed }) => id !== one.id && keys.some((key) => one.keys.includes(key) && !(one.designed.includes(key) && designed.includes(key))));
    if (other) found.set(one.id, other.id);
  }
  return found;
}
