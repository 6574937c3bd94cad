/** Handing over: exactly the pixels that were asked for, and nothing that was not. */
import type { Page } from 'playwright-core';
import { afterAll, expect, it } from 'vitest';
import { axe, cells, clipped, closeBrowser, DESIGN, finished, open, shot, shown, SMALLEST, studio, viewer } from './browser';

afterAll(closeBrowser);

interface Asked {
  ids: string[];
  template: string | null;
  deliver: { width: number; height: number; fit: string; background: string | null } | null;
  format: string | null;
  quality: number | null;
}

/** Notes what is asked of the studio by this command from here on. */
async function noting(page: Page, command: string): Promise<() => Promise<Asked[]>> {
  await page.evaluate((command) => {
    const { fake } = window as unknown as { fake: { call(name: string, request: unknown): Promise<unknown>; noted: unknown[] } };
    const call = fake.call.bind(fake);
    fake.noted = [];
    fake.call = (name, request) => {
      if (name === command) fake.noted.push(structuredClone(request));
      return call(name, request);
    };
  }, command);
  return () => page.evaluate(() => (window as unknown as { fake: { noted: unknown[] } }).fake.noted as never);
}

it.each([
  ['dark', DESIGN],
  ['light', SMALLEST],
])('says before what will be done, and gives that many pixels: %s', async (theme, size) => {
  await using opened = await open({ query: `pictures=6&theme=${theme}`, screen: 'create', size });
  const { page } = opened;
  await finished(page).waitFor();
  const asked = await noting(page, 'export');
  await page.locator('[data-region="picture"] [data-action="picture.deliver"]').click();
  const dialog = page.getByRole('dialog', { name: 'Deliver 1 picture' });
  const says = dialog.locator('[data-deliver="says"]');
  await dialog.getByLabel('Size', { exact: true }).selectOption('feed-portrait');
  await says.getByText('Exactly 1080 × 1350 pixels').waitFor();
  await says.getByText(/Enlarge ×4/).first().waitFor();
  await dialog.getByLabel('Format').selectOption('jpeg');
  await dialog.getByRole('switch', { name: 'Own colour' }).click();
  await dialog.locator('input[type="color"]').waitFor();
  await shot(page, `deliver-${theme}`);
  expect(await clipped(page)).toEqual([]);
  expect(await axe(page)).toEqual([]);
  await dialog.getByRole('button', { name: 'Export' }).click();
  await page.getByText('1 picture exported').waitFor();
  expect(await asked()).toMatchObject([{ template: null, deliver: { width: 1080, height: 1350, fit: 'auto', background: '#ffffff' }, format: 'jpeg', quality: 95 }]);
});

it('takes a size of one’s own, and keeps it in the library where that is wanted', async () => {
  await using opened = await open({ query: 'pictures=6&step=5', screen: 'create' });
  const { page } = opened;
  await finished(page).waitFor();
  const asked = await noting(page, 'deliver');
  await viewer(page).focus();
  await page.keyboard.press('Control+Shift+e');
  const dialog = page.getByRole('dialog', { name: 'Deliver 1 picture' });
  expect(await dialog.locator('[data-action="deliver.keep"]').isEnabled(), 'as it is it is there already').toBe(false);
  await dialog.getByLabel('Size', { exact: true }).selectOption('own');
  await dialog.getByLabel('Width').last().fill('640');
  await page.keyboard.press('Tab');
  await dialog.getByLabel('Another shape').selectOption('crop');
  await dialog.getByText('Exactly 640 × 1080 pixels').waitFor();
  await dialog.locator('[data-action="deliver.keep"]').click();
  await dialog.waitFor({ state: 'hidden' });
  expect(await asked()).toMatchObject([{ deliver: { width: 640, height: 1080, fit: 'crop' } }]);
});

it('delivers several of the library at once', async () => {
  await using opened = await open();
  const { page } = opened;
  await shown(page);
  const asked = await noting(page, 'export');
  await cells(page).nth(0).click();
  await cells(page).nth(2).click({ modifiers: ['Shift'] });
  await page.locator('[data-region="details"] [data-action="picture.deliver"]').click();
  const dialog = page.getByRole('dialog', { name: 'Deliver 3 pictures' });
  await dialog.getByLabel('Size', { exact: true }).selectOption('story');
  await dialog.getByRole('button', { name: 'Export' }).click();
  await page.getByText('3 pictures exported').waitFor();
  expect((await asked())[0]?.ids).toHaveLength(3);
});

it('names a copy without the prompt', async () => {
  await using opened = await open({ query: 'pictures=6', screen: 'create' });
  const { page } = opened;
  await finished(page).waitFor();
  await viewer(page).focus();
  await page.keyboard.press('Control+s');
  await page.getByText('Saved').first().waitFor();
  const name = await page.evaluate(() => (window as unknown as { fake: { asked: { what: string; with: string }[] } }).fake.asked.find(({ what }) => what === 'saveFile')?.with);
  expect(name).toMatch(/^\d{4}-\d\d-\d\d-\d+\.png$/);
});

it('varies twelve by words that the model knows, and holds fast what shall stay', async () => {
  await using opened = await open({ query: 'empty&step=5', screen: 'create' });
  const { page } = opened;
  await page.getByLabel('Prompt', { exact: true }).fill('a red rocket in space, cartoon style');
  await page.keyboard.press('Control+Enter');
  await finished(page).waitFor();
  await page.locator('[data-action="picture.vary"]').click();
  const strip = page.getByRole('region', { name: 'Variations' });
  await strip.locator('[data-aspect="style"]').click();
  await strip.getByLabel('How many').selectOption('12');
  await page.locator('[data-action="vary.make"]').click();
  await expect.poll(() => strip.getByRole('listitem').count()).toBe(12);
  const prompts = await studio<string[]>(page, 'studio.engine.jobs.slice(-12).map(({ request }) => request.prompt)');
  expect(new Set(prompts).size).toBe(12);
  for (const prompt of prompts) expect(prompt).toMatch(/, cartoon style$/);
  await strip.getByText(/^(Near-copies|Close|Varied)$/).waitFor();
  await shot(page, 'vary');
  expect(await clipped(page)).toEqual([]);
  expect(await axe(page)).toEqual([]);
  await page.locator('[data-action="vary.beside"]').click();
  await expect.poll(() => page.locator('[data-survey]').count()).toBe(9);
});
