/** What a finished picture says of how it was made, with what the model filled in where the request said nothing. */

export type Resolved = Record<string, unknown>;

function record(value: unknown): Resolved {
  return typeof value === 'object' && value !== null ? (value as Resolved) : {};
}

/** A recipe as it stands in a file; nothing where it cannot be read. */
export function resolvedOf(text: string | null): Resolved {
  try {
    return record(JSON.parse(text ?? '{}'));
  } catch {
    return {};
  }
}

/** How a picture was made larger, for people; empty where it was not. */
export function enlargement(resolved: Resolved): string {
  const { by, model } = record(resolved.enlarged);
  return typeof by === 'number' ? [`×${by}`, record(model).name].filter((part) => typeof part === 'string').join(', ') : '';
}
