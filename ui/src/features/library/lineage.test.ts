import { describe, expect, it } from 'vitest';
import type { PictureCard } from '../../bindings';
import { neighbour, plant, type Edge } from './lineage';

const card = (id: string, created_at = id.charCodeAt(0)): PictureCard => ({
  id,
  width: 256,
  height: 256,
  created_at,
  rating: 0,
  alpha: false,
  prompt: id,
  seed: null,
  model: null,
  subject: null,
  source: 'likeness',
  trashed_at: null,
  parents: 0,
  run: null,
  enlarged: null,
});

/** A family from `a>b` lines: ids are letters, born in the order of the alphabet. */
function family(lines: string): ReturnType<typeof plant> {
  const edges: Edge[] = lines
    .split(' ')
    .filter((line) => line.includes('>'))
    .map((line) => ({ parent: line[0]!, child: line[2]!, relation: 'variation' }));
  const ids = new Set([...lines].filter((char) => /[a-z]/.test(char)));
  return plant([...ids].map((id) => card(id)), edges);
}

/** Each picture as id, column and row. */
const drawn = (tree: ReturnType<typeof plant>) => tree.placed.map(({ card, column, row }) => `${card.id}${column}:${row}`).join(' ');

describe('planting', () => {
  it.each([
    ['a', 'a0:0'],
    ['a>b', 'a0:0 b1:0'],
    ['a>b a>c', 'a0:0.5 b1:0 c1:1'],
    ['a>b a>c b>d b>e', 'a0:1.25 b1:0.5 d2:0 e2:1 c1:2'],
    // Two parents: it hangs from the first.
    ['a>c b>c', 'a0:0 c1:0 b0:1'],
    // A circle in a damaged library is cut, and every picture still shows once.
    ['a>b b>a', 'a0:0 b1:0'],
    ['a>a', 'a0:0'],
  ])('%s', (lines, expected) => {
    expect(drawn(family(lines))).toBe(expected);
  });

  it('leaves out lines to pictures that are gone', () => {
    const tree = plant([card('b')], [{ parent: 'a', child: 'b', relation: 'edit' }]);
    expect(tree.edges).toEqual([]);
    expect(drawn(tree)).toBe('b0:0');
  });

  it('bears a very deep family', () => {
    const nodes = Array.from({ length: 3000 }, (_, n) => card(`n${n}`, n));
    const edges = nodes.slice(1).map((node, n) => ({ parent: `n${n}`, child: node.id, relation: 'variation' }));
    const tree = plant(nodes, edges);
    expect([tree.columns, tree.rows]).toEqual([3000, 1]);
  });

  it('no two pictures share a place', () => {
    const tree = family('a>b a>c a>d b>e b>f d>g g>h g>i c>i j>k');
    expect(new Set(tree.placed.map(({ column, row }) => `${column}:${row}`)).size).toBe(tree.placed.length);
  });
});

it('arrows lead along it', () => {
  const tree = family('a>b a>c b>d');
  expect(neighbour(tree, 'b', 'left')).toBe('a');
  expect(neighbour(tree, 'a', 'right')).toBe('b');
  expect(neighbour(tree, 'b', 'down')).toBe('c');
  expect(neighbour(tree, 'c', 'down')).toBe('c');
  expect(neighbour(tree, 'a', 'left')).toBe('a');
});
