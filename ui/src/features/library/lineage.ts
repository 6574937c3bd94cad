/**
 * Where the pictures of a family tree stand: parents left, children right, one column a generation.
 *
 * A picture can have several parents (a remix of two), so this is a graph; it is drawn as a tree in which each
 * picture hangs from its first parent, with lines to the others. Files are not trusted to be free of circles.
 */
import type { PictureCard } from '../../bindings';

/** One line of the tree. */
export interface Edge {
  parent: string;
  child: string;
  relation: string;
}

/** A picture at its place, in units of cells: the drawing multiplies. */
export interface Placed {
  card: PictureCard;
  /** The generation, from 0. */
  column: number;
  /** From the top; a parent stands in the middle of its children, so it may be half a row. */
  row: number;
  /** The picture it hangs from, null at a root. */
  above: string | null;
  /** How it came from there. */
  relation: string | null;
  /** Its place among its siblings, from 1, and how many they are: what a screen reader says. */
  position: number;
  siblings: number;
}

export interface Tree {
  /** In reading order: each picture before its children. */
  placed: Placed[];
  /** All lines, also to the second parents. */
  edges: Edge[];
  columns: number;
  rows: number;
}

/** Places the pictures. Lines to pictures that are not among `nodes` (purged ones) are left out. */
export function plant(nodes: readonly PictureCard[], edges: readonly Edge[]): Tree {
  const cards = new Map(nodes.map((card) => [card.id, card]));
  const known = edges.filter(({ parent, child }) => cards.has(parent) && cards.has(child) && parent !== child);
  const order = [...cards.values()].sort((a, b) => a.created_at - b.created_at || (a.id < b.id ? -1 : 1));

  // Each hangs from its first parent, unless that would close a circle.
  const above = new Map<string, Edge>();
  for (const edge of known) {
    if (!above.has(edge.child) && !hangsFrom(above, edge.parent, edge.child)) above.set(edge.child, edge);
  }
  const children = new Map<string | null, string[]>();
  for (const { id } of order) {
    const parent = above.get(id)?.parent ?? null;
    const list = children.get(parent);
    if (list) list.push(id);
    else children.set(parent, [id]);
  }

  const placed: Placed[] = [];
  let nextRow = 0;
  let columns = 0;
  // A stack, since a family can be thousands of generations deep and calls cannot.
  const stack: { id: string; column: number; index: number; place: Placed | null; rows: number[] }[] = [];
  const siblingsOf = (id: string) => children.get(above.get(id)?.parent ?? null) ?? [];
  for (const root of children.get(null) ?? []) {
    stack.push({ id: root, column: 0, index: 0, place: null, rows: [] });
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const below = children.get(top.id) ?? [];
      if (!top.place) {
        const siblings = siblingsOf(top.id);
        const edge = above.get(top.id);
        top.place = {
          card: cards.get(top.id)!,
          column: top.column,
          row: 0,
          above: edge?.parent ?? null,
          relation: edge?.relation ?? null,
          position: siblings.indexOf(top.id) + 1,
          siblings: siblings.length,
        };
        placed.push(top.place);
        columns = Math.max(columns, top.column + 1);
      }
      if (top.index < below.length) {
        stack.push({ id: below[top.index]!, column: top.column + 1, index: 0, place: null, rows: [] });
        top.index += 1;
        continue;
      }
      const first = top.rows[0];
      top.place.row = first === undefined ? nextRow++ : (first + top.rows[top.rows.length - 1]!) / 2;
      stack.pop();
      stack[stack.length - 1]?.rows.push(top.place.row);
    }
  }
  return { placed, edges: known, columns, rows: nextRow };
}

/** Where an arrow key leads in the tree: left to the parent, right to the first child, up and down in the column. */
export function neighbour(tree: Tree, id: string, way: 'left' | 'right' | 'up' | 'down'): string {
  const here = tree.placed.find(({ card }) => card.id === id);
  if (!here) return tree.placed[0]?.card.id ?? id;
  if (way === 'left') return here.above ?? id;
  if (way === 'right') return tree.placed.find(({ above }) => above === id)?.card.id ?? id;
  const column = tree.placed.filter((place) => place.column === here.column).sort((a, b) => a.row - b.row);
  const to = column.indexOf(here) + (way === 'up' ? -1 : 1);
  return column[to]?.card.id ?? id;
}

function hangsFrom(above: ReadonlyMap<string, Edge>, id: string, ancestor: string): boolean {
  let at: string | undefined = id;
  while (at !== undefined) {
    if (at === ancestor) return true;
    at = above.get(at)?.parent;
  }
  return false;
}
