import { expect, test } from 'vitest';
import { lay, panAbout, within } from './survey';

const room = { width: 900, height: 520 };
const square = { width: 128, height: 128 };

test.each([
  [2, square, 2, 1],
  [3, square, 3, 1],
  [4, square, 2, 2],
  [6, square, 3, 2],
  [8, square, 4, 2],
  [9, square, 5, 2],
  [2, { width: 160, height: 90 }, 2, 1],
  [4, { width: 90, height: 160 }, 4, 1],
])('%i pictures of %j stand in %i columns and %i rows', (count, shape, columns, rows) => {
  const laid = lay(room, count, shape);
  expect([laid.columns, laid.rows]).toEqual([columns, rows]);
});

test('all of them are in the room', () => {
  for (let count = 1; count <= 9; count += 1) {
    const { columns, rows, box } = lay(room, count, square);
    expect(columns * rows).toBeGreaterThanOrEqual(count);
    expect(columns * box.width).toBeLessThan(room.width);
    expect(rows * box.height).toBeLessThan(room.height);
  }
});

test('the point under the pointer stays there, and no picture leaves its box', () => {
  expect(panAbout({ x: 0.25, y: 0 }, 1, 2, { x: 0, y: 0 })).toMatchObject({ x: -0.25 });
  expect(within({ x: 3, y: -3 }, 2)).toEqual({ x: 0.5, y: -0.5 });
  expect(Math.abs(within({ x: 3, y: -3 }, 1).y)).toBe(0);
});
