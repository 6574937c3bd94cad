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

/**
 * For each action whose key another one has too, that other. Some share a key by design: each works on its own
 * screen. So only actions of the same group, which can be possible at the same time, are in each other's way.
 */
export function conflictsOf(all: readonly { id: string; group: string; keys: readonly string[] }[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const one of all) {
    const other = all.find(({ id, group, keys }) => id !== one.id && group === one.group && keys.some((key) => one.keys.includes(key)));
    if (other) found.set(one.id, other.id);
  }
  return found;
}
