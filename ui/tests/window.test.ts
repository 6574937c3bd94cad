/** The window around everything: how it opens, and what of the web view shows in it. */
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { axe, cells, closeBrowser, DESIGN, finished, launch, open, prompt, shot, shown, viewer } from './browser';

afterAll(closeBrowser);

describe('opening', () => {
  /** A page over a platform that gives no answer of its own to what is named. */
  async function unanswered(query: string, names: string[]) {
    const context = await (await launch()).newContext({ viewport: DESIGN, reducedMotion: 'reduce', locale: 'en-GB' });
    const page = await context.newPage();
    page.setDefaultTimeout(8_000);
    await page.addInitScript((names) => {
      let fake: Record<string, unknown>;
      Object.defineProperty(window, 'fake', {
        get: () => fake,
        set: (given: Record<string, unknown>) => {
          fake = given;
          for (const name of names) fake[name] = () => new Promise(() => undefined);
        },
      });
    }, names);
    await page.goto(`${inject('site')}?${query}`);
    return { page, [Symbol.asyncDispose]: () => context.close() };
  }

  it('says what takes so long', async () => {
    await using opened = await unanswered('', ['startup']);
    const { page } = opened;
    await page.getByRole('status').filter({ hasText: 'Opening the library…' }).waitFor();
    await shot(page, 'opening');
    expect(await axe(page)).toEqual([]);
  });

  it('says which way is being gone where it failed, and that rebuilding takes long', async () => {
    await using opened = await unanswered('startup=damaged', ['rebuildLibrary']);
    const { page } = opened;
    await page.getByRole('button', { name: 'Rebuild from the pictures' }).click();
    await page.getByRole('button', { name: 'Rebuilding…' }).waitFor();
    await page.getByRole('status').filter({ hasText: 'Every picture is read.' }).waitFor();
    await page.getByRole('button', { name: 'Try again' }).waitFor();
    await shot(page, 'rebuilding');
    expect(await axe(page)).toEqual([]);
  });
});

it('keeps the web view’s own menu to what is written and what is selected', async () => {
  await using opened = await open({ query: 'pictures=12', screen: 'create' });
  const { page } = opened;
  await finished(page).waitFor();
  /** Whether a right click in the middle of an element opens it. */
  const opens = (selector: string) =>
    page.locator(selector).first().evaluate((element) => {
      const { left, top } = element.getBoundingClientRect();
      return element.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true, clientX: left + 6, clientY: top + 6 }));
    });
  expect(await opens('[data-region="viewer"]')).toBe(false);
  expect(await opens('[data-region="picture"]')).toBe(false);
  expect(await prompt(page).evaluate((field) => field.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true })))).toBe(true);
  expect(await opens('.made .prompt')).toBe(false);
  await page.locator('.made .prompt').evaluate((words) => getSelection()?.selectAllChildren(words));
  expect(await opens('.made .prompt')).toBe(true);
  expect(await opens('[data-region="viewer"]'), 'beside what is selected').toBe(false);
});

describe('a picture whose file is gone', () => {
  const lose = (page: Page) =>
    page.evaluate(() => {
      const { fake } = window as unknown as { fake: { url: (size: string, id: string) => string } };
      fake.url = () => '/gone.webp';
    });

  it('says so where it would be, and leads to the check of the library', async () => {
    await using opened = await open({ query: 'pictures=12', screen: 'create' });
    const { page, errors } = opened;
    await finished(page).waitFor();
    await lose(page);
    await viewer(page).focus();
    await page.keyboard.press('ArrowLeft');
    await viewer(page).getByRole('heading', { name: 'The file of this picture cannot be shown' }).waitFor();
    expect(await viewer(page).locator('img').count()).toBe(0);
    await shot(page, 'create-missing');
    expect(await axe(page)).toEqual([]);
    await viewer(page).getByRole('button', { name: 'Check the library' }).click();
    await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('data-action'))).toBe('settings.check');
    errors.length = 0;
  });

  it('has it in its name in the grid', async () => {
    await using opened = await open({ query: 'pictures=12' });
    const { page, errors } = opened;
    await shown(page);
    expect(await cells(page).first().getAttribute('aria-label')).not.toContain('file missing');
    await lose(page);
    await page.getByRole('searchbox').fill('a');
    await expect.poll(() => cells(page).first().getAttribute('aria-label')).toContain('file missing');
    errors.length = 0;
  });
});
