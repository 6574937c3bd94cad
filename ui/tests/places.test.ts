/** The library’s places: boards, the trash, and what is searched for in them. */
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { axe, cells, closeBrowser, grid, open, shot, shown, studio } from './browser';

afterAll(closeBrowser);

const places = (page: Page) => page.getByRole('navigation', { name: 'Places in the library' });
const focused = (page: Page) => page.evaluate(() => document.activeElement?.getAttribute('data-shelf') ?? document.activeElement?.getAttribute('data-action'));

describe('a board', () => {
  it('that was made and taken back is not shown any more', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    await page.locator('[data-action="library.new_board"]').click();
    await page.keyboard.type('Covers');
    await page.keyboard.press('Enter');
    await page.getByText('This board is empty').waitFor();
    await expect.poll(() => focused(page), { message: 'the field went with the focus' }).toMatch(/^board-\d+$/);
    await page.keyboard.press('Control+z');
    await shown(page);
    expect(await places(page).locator('[aria-current]').getAttribute('data-shelf')).toBe('all');
  });

  it('gives the focus back when its naming is left', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    await page.locator('[data-action="library.new_board"]').click();
    await page.keyboard.press('Escape');
    await expect.poll(() => focused(page)).toBe('library.new_board');
    await places(page).getByRole('button', { name: 'More for Portfolio' }).click();
    await page.getByRole('menuitem', { name: 'Rename' }).click();
    await page.keyboard.press('Escape');
    await expect.poll(() => focused(page)).toMatch(/^board-\d+$/);
  });
});

describe('the trash', () => {
  it('opens a picture that lies in it, and offers to take it out', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    await page.locator('[data-shelf="trash"]').click();
    const id = await cells(page).nth(1).getAttribute('data-picture');
    await cells(page).nth(1).dblclick();
    const more = page.locator('[data-action="picture.more"]');
    await more.click();
    expect(await page.getByRole('menuitem', { name: 'Move to the trash' }).count()).toBe(0);
    await shot(page, 'create-trashed');
    await page.getByRole('menuitem', { name: 'Take out of the trash' }).click();
    await more.click();
    await page.getByRole('menuitem', { name: 'Move to the trash' }).waitFor();
    expect(await studio(page, `studio.card('${id}').trashed_at`)).toBe(null);
  });

  it('has no menu of boards for several', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    await page.locator('[data-shelf="trash"]').click();
    await cells(page).nth(0).click();
    await cells(page).nth(1).click({ modifiers: ['Shift'] });
    await page.getByText('2 pictures chosen').waitFor();
    await grid(page).focus();
    await page.keyboard.press('b');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('board');
    expect(await page.locator('[data-palette="library.put_on_board"]').count()).toBe(0);
    expect(await page.getByRole('menu').count()).toBe(0);
  });
});

describe('a search', () => {
  it('of too many words says so, and is cleared with one press', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    await page.getByRole('searchbox').fill('a b c d e f g h i j k l m n o p q');
    await page.getByRole('heading', { name: 'The search has too many words' }).waitFor();
    await shot(page, 'library-search-long');
    expect(await axe(page)).toEqual([]);
    await page.getByRole('button', { name: 'Clear the search' }).last().click();
    await shown(page);
    expect(await page.getByRole('searchbox').evaluate((field: HTMLInputElement) => [field.value, field === document.activeElement])).toEqual(['', true]);
  });
});

it('what went wrong with an export is told after its dialog was closed', async () => {
  await using opened = await open();
  const { page } = opened;
  await shown(page);
  await cells(page).nth(0).click();
  await page.evaluate(() => {
    const { fake } = window as unknown as { fake: { call(name: string, request: unknown): Promise<unknown>; fail?: () => void } };
    const call = fake.call.bind(fake);
    fake.call = (name, request) => (name === 'export' ? new Promise((_, fail) => (fake.fail = () => fail(new Error('The disk is full.')))) : call(name, request));
  });
  await page.keyboard.press('Control+Shift+e');
  const dialog = page.getByRole('dialog', { name: 'Deliver 1 picture' });
  await dialog.locator('[data-action="library.export_confirm"]').click();
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  await dialog.waitFor({ state: 'detached' });
  await page.evaluate(() => (window as unknown as { fake: { fail(): void } }).fake.fail());
  await page.getByRole('region', { name: 'Notices' }).getByText('The disk is full.').waitFor();
  await page.keyboard.press('Control+Shift+e');
  await dialog.waitFor();
  expect(await dialog.getByText('The disk is full.').count(), 'it is of the time before').toBe(0);
});
