/** Taking changes back: the right one, all of it, and nothing else. */
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { cells, closeBrowser, draft, finished, grid, open, prompt, shown, studio, viewer } from './browser';

afterAll(closeBrowser);

/** Takes the newest change back, from where no field has keys of its own. */
async function back(page: Page): Promise<void> {
  await viewer(page).focus();
  await page.keyboard.press('Control+z');
}

const offer = (page: Page) => page.getByRole('region', { name: 'Notices' }).getByRole('button', { name: 'Undo', exact: true });

describe('in the library', () => {
  it('a notice takes back only what it tells of', async () => {
    await using opened = await open({ query: 'pictures=12', screen: 'create' });
    const { page } = opened;
    await finished(page).waitFor();
    const trashed = () => studio<number>(page, 'studio.cards.filter((one) => one.trashed_at !== null).length');
    const there = await trashed();
    await viewer(page).focus();
    await page.keyboard.press('Delete');
    await page.getByText('1 picture moved to the trash').waitFor();
    expect(await offer(page).count()).toBe(1);
    const rated = () => studio<number>(page, 'studio.cards.filter((one) => one.rating === 5).length');
    const before = await rated();
    await viewer(page).focus();
    await page.keyboard.press('5');
    await expect.poll(rated).toBe(before + 1);
    expect(await offer(page).count(), 'it would take back the rating').toBe(0);
    await page.keyboard.press('Control+z');
    await expect.poll(rated).toBe(before);
    await offer(page).click();
    await expect.poll(trashed).toBe(there);
  });

  it('what cannot be brought back any more does not stand before the rest', async () => {
    await using opened = await open({ query: 'pictures=12', screen: 'create' });
    const { page } = opened;
    await finished(page).waitFor();
    await viewer(page).focus();
    const rated = () => studio<number>(page, 'studio.cards.filter((one) => one.rating === 2).length');
    await page.keyboard.press('2');
    await expect.poll(rated).toBe(1);
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Delete');
    await page.getByText('1 picture moved to the trash').waitFor();
    await studio(page, "call('empty_trash', {})");
    await back(page);
    await page.getByRole('alert').filter({ hasText: 'There is no picture' }).waitFor();
    await back(page);
    await expect.poll(rated).toBe(0);
  });

  it('of several pictures those that there still are come back', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    await cells(page).nth(1).click();
    await cells(page).nth(3).click({ modifiers: ['Shift'] });
    const before = await studio<number>(page, 'studio.cards.filter((one) => one.trashed_at !== null).length');
    const gone = await cells(page).nth(2).getAttribute('data-picture');
    await page.keyboard.press('Delete');
    await page.getByText('3 pictures moved to the trash').waitFor();
    await studio(page, `call('purge', { ids: ['${gone}'] })`);
    await page.keyboard.press('Control+z');
    await expect.poll(() => studio<number>(page, 'studio.cards.filter((one) => one.trashed_at !== null).length')).toBe(before);
  });

  it('a picture leaves a board that was deleted and made again', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    const count = () => studio<number | undefined>(page, "call('boards', {}).then(({ boards }) => boards.find(({ name }) => name === 'Portfolio')?.count)");
    await cells(page).nth(0).click();
    await page.getByPlaceholder('Add a tag').waitFor();
    await page.keyboard.press('b');
    await page.getByRole('menuitemcheckbox', { name: 'Portfolio' }).click();
    await page.getByText('1 picture put on Portfolio').waitFor();
    await page.getByRole('button', { name: 'More for Portfolio' }).click();
    await page.getByRole('menuitem', { name: /Delete the board/ }).click();
    await expect.poll(count).toBe(undefined);
    await grid(page).focus();
    await page.keyboard.press('Control+z');
    await expect.poll(count).toBe(1);
    await page.keyboard.press('Control+z');
    await expect.poll(count).toBe(0);
    await page.keyboard.press('Control+Shift+z');
    await expect.poll(count).toBe(1);
  });
});
