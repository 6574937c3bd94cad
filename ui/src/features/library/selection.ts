/**
 * Which pictures are chosen, and how mouse and keyboard change that.
 *
 * A selection is plain data and every change makes a new one. It holds ids, not places, so it outlives a new
 * search order; the anchor and the cursor are places, since ranges are drawn on what is seen.
 */

export interface Selection {
  ids: ReadonlySet<string>;
  /** Where the next range starts. */
  anchor: number;
  /** Where the keyboard is; -1 when nowhere. */
  cursor: number;
}

/** How a click or key was held. */
export interface Held {
  /** Ctrl or Cmd: one more or one less. */
  toggle: boolean;
  /** Shift: everything from the anchor to here. */
  range: boolean;
}

export const NOTHING: Selection = { ids: new Set(), anchor: 0, cursor: -1 };

/** Chooses the picture at `index`, as the keys held say. `idAt` gives the id of a place, null where none is loaded. */
export function choose(before: Selection, index: number, held: Held, idAt: (index: number) => string | null): Selection {
  if (held.range && before.cursor >= 0) {
    const ids = held.toggle ? new Set(before.ids) : new Set<string>();
    const [from, to] = before.anchor < index ? [before.anchor, index] : [index, before.anchor];
    for (let place = from; place <= to; place += 1) {
      const id = idAt(place);
      if (id !== null) ids.add(id);
    }
    return { ids, anchor: before.anchor, cursor: index };
  }
  const id = idAt(index);
  if (id === null) return { ...before, cursor: index };
  if (held.toggle) {
    const ids = new Set(before.ids);
    if (!ids.delete(id)) ids.add(id);
    return { ids, anchor: index, cursor: index };
  }
  return { ids: new Set([id]), anchor: index, cursor: index };
}

/** A right click or the start of a drag: keeps a selection that holds the picture, else chooses it alone. */
export function grasp(before: Selection, index: number, idAt: (index: number) => string | null): Selection {
  const id = idAt(index);
  if (id !== null && before.ids.has(id)) return { ...before, cursor: index };
  return choose(before, index, { toggle: false, range: false }, idAt);
}

/** All of `ids`; the keyboard stays where it is. */
export function chooseAll(before: Selection, ids: Iterable<string>): Selection {
  return { ids: new Set(ids), anchor: 0, cursor: Math.max(0, before.cursor) };
}

/** None; the keyboard stays where it is. */
export function chooseNone(before: Selection): Selection {
  return { ids: new Set(), anchor: Math.max(0, before.cursor), cursor: before.cursor };
}

/**
 * After pictures came or went: the cursor and the anchor are where their pictures are now. Where one is gone, its
 * place is that of the first after it that is still there, else of the last, so that one can press Delete again and
 * again. Both lists are what is loaded, in its order.
 */
export function follow(before: Selection, idsBefore: readonly string[], idsAfter: readonly string[]): Selection {
  if (before.cursor < 0) return before;
  const places = new Map(idsAfter.map((id, place) => [id, place]));
  const placeOf = (place: number): number => {
    // What was not loaded has no picture yet.
    if (place >= idsBefore.length) return place;
    for (let index = place; index < idsBefore.length; index += 1) {
      const now = places.get(idsBefore[index]!);
      if (now !== undefined) return now;
    }
    return idsAfter.length - 1;
  };
  return { ...before, anchor: Math.max(0, placeOf(before.anchor)), cursor: placeOf(before.cursor) };
}
