import { describe, expect, it } from 'vitest';
import { atPoint, cornerOf, inSight, layOut, scrollFor, stepFrom, thumbnailFor, type Step } from './grid';

const grid = (count: number, width = 1000, wish = 160) => layOut({ width, wish, gap: 8, count });

describe('laying out', () => {
  it.each([
    // width, wished cell, columns, cell
    [1000, 160, 6, 160],
    [416, 128, 3, 133],
    // Nearer to three than to two.
    [470, 152, 3, 151],
    [100, 160, 1, 100],
    [0, 160, 1, 1],
    [3600, 96, 35, 95],
  ])('%i px of cells about %i wide make %i columns of %i', (width, wish, columns, cell) => {
    const laid = grid(100, width, wish);
    expect([laid.columns, laid.cell]).toEqual([columns, cell]);
  });

  it('never overflows its width', () => {
    for (let width = 50; width < 2500; width += 7) {
      const { columns, cell, gap } = grid(10, width);
      if (width >= 50) expect(columns * cell + (columns - 1) * gap).toBeLessThanOrEqual(width);
    }
  });

  it('has no height without pictures and no gap after the last row', () => {
    expect(grid(0).height).toBe(0);
    expect(grid(1).height).toBe(160);
    expect(grid(7).height).toBe(160 * 2 + 8);
  });

  it('stays below what browsers can scroll at fifty thousand', () => {
    expect(grid(50_000, 416, 320).height).toBeLessThan(33_000_000);
  });
});

describe('what is in sight', () => {
  it('is the rows that show, and the spare ones', () => {
    const laid = grid(50_000);
    expect(inSight(laid, 0, 600, 0)).toEqual({ start: 0, end: 24 });
    expect(inSight(laid, 0, 600, 2)).toEqual({ start: 0, end: 36 });
    expect(inSight(laid, 168 * 100, 600, 1)).toEqual({ start: 99 * 6, end: 105 * 6 });
  });

  it('ends at the end, and bears being scrolled past either', () => {
    const laid = grid(20);
    expect(inSight(laid, 100, 5000, 3)).toEqual({ start: 0, end: 20 });
    expect(inSight(laid, 99_999, 600, 0)).toEqual({ start: 20, end: 20 });
    expect(inSight(laid, -500, 600, 0)).toEqual({ start: 0, end: 6 });
    expect(inSight(grid(0), 0, 600, 2)).toEqual({ start: 0, end: 0 });
  });

  it('is never more than a few hundred cells, at any place', () => {
    const laid = grid(50_000);
    for (let top = 0; top < laid.height; top += 9173) {
      const { start, end } = inSight(laid, top, 800, 3);
      expect(end - start).toBeLessThanOrEqual(72);
    }
  });
});

describe('points', () => {
  it('finds the cell it put there, and nothing between', () => {
    const laid = grid(20);
    for (const index of [0, 5, 6, 19]) {
      const { x, y } = cornerOf(laid, index);
      expect(atPoint(laid, x, y)).toBe(index);
      expect(atPoint(laid, x + laid.cell - 1, y + laid.cell - 1)).toBe(index);
      expect(atPoint(laid, x + laid.cell + 2, y)).toBe(null);
    }
    expect(atPoint(laid, 168 * 4, 168 * 3)).toBe(null);
    expect(atPoint(laid, -1, 5)).toBe(null);
    expect(atPoint(laid, 5000, 5)).toBe(null);
  });
});

describe('steps', () => {
  it.each<[number, Step, number]>([
    [0, 'left', 0],
    [6, 'left', 5],
    [19, 'right', 19],
    [3, 'up', 3],
    [9, 'up', 3],
    [9, 'down', 15],
    // Twenty in rows of six: the last row has two, and the hole leads to its end.
    [16, 'down', 19],
    [18, 'down', 18],
    [0, 'page-down', 18],
    [19, 'page-up', 1],
    [7, 'first', 0],
    [7, 'last', 19],
  ])('from %i %s to %i', (from, step, to) => {
    expect(stepFrom(grid(20), from, step, 600)).toBe(to);
  });

  it('goes nowhere in an empty grid', () => {
    expect(stepFrom(grid(0), 0, 'down', 600)).toBe(0);
  });
});

describe('scrolling to a cell', () => {
  it('moves no more than it must', () => {
    const laid = grid(100);
    expect(scrollFor(laid, 0, 0, 600)).toBe(0);
    expect(scrollFor(laid, 0, 300, 600)).toBe(0);
    expect(scrollFor(laid, 7, 100, 600)).toBe(100);
    expect(scrollFor(laid, 18, 0, 600)).toBe(168 * 3 + 160 - 600);
  });
});

it('asks for the smallest thumbnail that looks right', () => {
  expect(thumbnailFor(128, 1)).toBe(128);
  expect(thumbnailFor(160, 1)).toBe(320);
  expect(thumbnailFor(160, 2)).toBe(320);
  expect(thumbnailFor(320, 2)).toBe(768);
});
