import { expect, test } from 'vitest';
import { fitScale, held, nextZoom, place, zoomAbout } from './stage';

const room = { width: 832, height: 432 };

test('a picture is fitted with air around it', () => {
  expect(fitScale(room, { width: 400, height: 400 })).toBe(1);
  expect(place(room, { width: 800, height: 400 }, null, { x: 50, y: 50 })).toEqual({ left: 16, top: 16, width: 800, height: 400, scale: 1 });
});

test('a small picture is enlarged only so far', () => expect(fitScale({ width: 4000, height: 4000 }, { width: 96, height: 96 })).toBe(6));

test('the point under the pointer stays there', () => {
  const pan = zoomAbout({ x: 100, y: 40 }, 1, 2, { x: 0, y: 0 });
  expect(pan).toEqual({ x: -100, y: -40 });
});

test('a picture cannot be pushed out of sight', () => {
  const at = held(room, { width: 400, height: 400 }, { x: 9999, y: -9999 });
  expect(at).toEqual({ x: 200, y: -200 });
});

test('zoom goes from stop to stop, from wherever it is', () => {
  expect(nextZoom(3.3, 1)).toBe(4);
  expect(nextZoom(3.3, -1)).toBe(3);
  expect(nextZoom(32, 1)).toBe(32);
});
