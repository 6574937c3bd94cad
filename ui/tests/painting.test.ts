/** Painting where a picture may change: what is painted is never lost, and never left out of what is made. */
import type { Page } from 'playwright-core';
import { afterAll, expect, it } from 'vitest';
import { axe, cells, clipped, closeBrowser, finished, open, prompt, shot, studio, viewer, type Opened } from './browser';

afterAll(closeBrowser);

const DONE = '[data-action="mask.done"]';

interface Asked {
  init: { asset: string };
  mask: { asset: string } | null;
  parents: { id: string; relation: string }[];
}

const asked = (page: Page) => studio<Asked | undefined>(page, 'studio.engine.jobs.at(-1)?.request');
/** Whether the picture in the viewer has paint on it. */
const isPainted = (page: Page) =>
  page.locator('[data-region="viewer"] canvas').evaluate((one) => {
    const { width, height } = one as HTMLCanvasElement;
    const data = (one as HTMLCanvasElement).getContext('2d')?.getImageData(0, 0, width, height).data ?? [];
    return data.some((value) => value > 0);
  });

/** Create, with a picture in the viewer. */
async function looking(): Promise<Opened> {
  const opened = await open({ query: 'pictures=3&step=20', screen: 'create' });
  await finished(opened.page).waitFor();
  return opened;
}

/** Begins to paint over the picture in the viewer; answers the brush, drawn along its middle. */
async function begin(page: Page): Promise<(from: number, to: number) => Promise<void>> {
  await viewer(page).focus();
  await page.keyboard.press('m');
  await page.locator(DONE).waitFor();
  const at = await finished(page).boundingBox();
  if (!at) throw new Error('the picture is nowhere');
  return async (from, to) => {
    await page.mouse.move(at.x + at.width * from, at.y + at.height / 2);
    await page.mouse.down();
    await page.mouse.move(at.x + at.width * to, at.y + at.height / 2, { steps: 6 });
    await page.mouse.up();
  };
}

it('changes a picture only where one has painted', async () => {
  await using opened = await looking();
  const { page } = opened;
  await prompt(page).fill('a green mug');
  const drag = await begin(page);
  const done = page.locator(DONE);
  expect(await done.isEnabled(), 'nothing is painted yet').toBe(false);
  await drag(0.4, 0.8);
  await page.keyboard.press('x');
  await drag(0.7, 0.7);
  await drag(0.1, 0.2);
  await page.keyboard.press('Control+z');
  await shot(page, 'painting');
  expect(await axe(page)).toEqual([]);
  expect(await clipped(page)).toEqual([]);

  await page.keyboard.press('Shift+m');
  await page.getByRole('group', { name: 'Only where painted' }).waitFor();
  expect(await prompt(page).evaluate((one) => one === document.activeElement), 'and now says what').toBe(true);
  await shot(page, 'painted');
  expect(await clipped(page)).toEqual([]);
  const light = await page.evaluate(async () => {
    const { studio } = (globalThis as unknown as { fake: { studio: { taken: { base64: string }[] } } }).fake;
    const bytes = Uint8Array.from(atob(studio.taken.at(-1)?.base64 ?? ''), (letter) => letter.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
    context?.drawImage(bitmap, 0, 0);
    return [0.2, 0.45, 0.7, 0.85].map((x) => context?.getImageData(bitmap.width * x, bitmap.height / 2, 1, 1).data.join());
  });
  const [white, black] = ['255,255,255,255', '0,0,0,255'];
  expect(light).toEqual([black, white, black, white]);

  await page.keyboard.press('Control+Enter');
  await expect.poll(async () => (await asked(page))?.mask?.asset).toBeTruthy();
  const { init, mask, parents } = (await asked(page))!;
  expect(init.asset).not.toBe(mask?.asset);
  expect(parents).toEqual([{ id: init.asset, relation: 'edit' }]);

  // What was painted can be gone on with, and taken away.
  await finished(page).and(page.locator('[alt="a green mug"]')).waitFor();
  await page.getByRole('listbox', { name: 'Latest pictures' }).getByRole('option').nth(2).click();
  await viewer(page).focus();
  await page.keyboard.press('m');
  await page.locator('[data-action="mask.clear"]').click();
  await done.click();
  await page.getByRole('group', { name: 'Begins from this' }).waitFor();
});

it('makes what one has painted, though one never said that one was done', async () => {
  await using opened = await looking();
  const { page } = opened;
  const drag = await begin(page);
  await drag(0.4, 0.6);
  await prompt(page).fill('a green mug');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('group', { name: 'Only where painted' }).waitFor();
  await expect.poll(async () => (await asked(page))?.mask?.asset).toBeTruthy();
});

it('takes strokes back, and nothing else while one paints', async () => {
  await using opened = await looking();
  const { page } = opened;
  await viewer(page).focus();
  await page.keyboard.press('i');
  await page.getByRole('group', { name: 'Begins from this' }).waitFor();
  const drag = await begin(page);
  await drag(0.4, 0.6);
  for (let press = 0; press < 3; press += 1) await page.keyboard.press('Control+z');
  expect(await isPainted(page)).toBe(false);
  await page.keyboard.press('Control+y');
  expect(await isPainted(page)).toBe(true);
  expect(await page.getByRole('group', { name: 'Begins from this' }).count(), 'is as it was').toBe(1);
  await page.keyboard.press('Escape');
  await page.locator('[data-action="picture.edit"]').waitFor();
  await page.keyboard.press('Control+z');
  await expect.poll(() => page.getByRole('group', { name: 'Begins from this' }).count()).toBe(0);
});

it('is not disturbed by drafts, and keeps the stroke under the brush', async () => {
  await using opened = await looking();
  const { page } = opened;
  const drag = await begin(page);
  await drag(0.4, 0.6);
  await page.evaluate(() => {
    const { engine } = (window as unknown as { fake: { studio: { engine: { live(...given: unknown[]): Promise<void>; ended?: boolean } } } }).fake.studio;
    const live = engine.live.bind(engine);
    engine.live = (...given) => live(...given).then(() => void (engine.ended = true));
  });
  await prompt(page).fill('a green mug');
  await page.keyboard.press('Control+Shift+l');
  await expect.poll(() => studio<boolean>(page, 'studio.engine.ended ?? false')).toBe(true);
  expect(await page.locator(DONE).isVisible()).toBe(true);
  // Leaves with the brush still down.
  const at = await finished(page).boundingBox();
  await viewer(page).focus();
  for (let press = 0; press < 2; press += 1) await page.keyboard.press('Control+z');
  expect(await isPainted(page)).toBe(false);
  await page.mouse.move(at!.x + at!.width * 0.2, at!.y + at!.height / 2);
  await page.mouse.down();
  await page.mouse.move(at!.x + at!.width * 0.3, at!.y + at!.height / 2, { steps: 3 });
  await page.keyboard.press('Escape');
  await page.mouse.up();
  await page.locator('[data-action="picture.more"]').click();
  await page.getByRole('menuitem', { name: 'Paint a change' }).click();
  await page.locator(DONE).waitFor();
  expect(await isPainted(page)).toBe(true);
});

it('says when nothing is painted, and goes on with what was there when the window opens again', async () => {
  await using opened = await looking();
  const { page } = opened;
  const drag = await begin(page);
  await page.keyboard.press('x');
  await drag(0.2, 0.4);
  await page.keyboard.press('Shift+m');
  await page.getByText('Nothing is painted').waitFor();
  expect(await page.locator(DONE).isVisible()).toBe(true);
  await page.keyboard.press('x');
  await drag(0.2, 0.4);
  await page.keyboard.press('Shift+m');
  await page.getByRole('group', { name: 'Only where painted' }).waitFor();
  await page.reload();
  await finished(page).waitFor();
  await page.getByRole('group', { name: 'Only where painted' }).waitFor();
  await begin(page);
  expect(await isPainted(page)).toBe(true);
});

it('paints over the picture that one sees, and by keys at once when it comes from the library', async () => {
  await using opened = await looking();
  const { page } = opened;
  await viewer(page).focus();
  await page.keyboard.press('c');
  await page.getByText('Earlier', { exact: true }).waitFor();
  await begin(page);
  expect(await page.getByText('Earlier', { exact: true }).count()).toBe(0);
  await page.keyboard.press('c');
  expect(await page.getByText('Earlier', { exact: true }).count()).toBe(0);
  await page.keyboard.press('Escape');
  await page.locator('nav [data-action="view.library"]').click();
  await cells(page).first().click();
  await page.keyboard.press('m');
  await page.locator(DONE).waitFor();
  await page.keyboard.press('x');
  await expect.poll(() => page.locator('[data-action="mask.erase"]').getAttribute('aria-pressed')).toBe('true');
  expect(await prompt(page).inputValue()).toBe('');
});

it('says why a picture cannot be begun from', async () => {
  await using opened = await looking();
  const { page } = opened;
  await viewer(page).focus();
  await page.keyboard.press('i');
  await page.getByRole('group', { name: 'Begins from this' }).waitFor();
  await viewer(page).focus();
  await page.keyboard.press('Delete');
  await page.evaluate(() => (window as unknown as { fake: { call(name: string, request: unknown): unknown } }).fake.call('empty_trash', {}));
  await prompt(page).fill('a green mug');
  await page.keyboard.press('Control+Enter');
  await page.getByText('The picture to begin from is not in this library any more.').first().waitFor();
});
