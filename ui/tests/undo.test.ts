/** Taking changes back: the right one, all of it, and nothing else. */
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { cells, closeBrowser, draft, finished, grid, made, open, prompt, recipe, shown, studio, viewer } from './browser';

afterAll(closeBrowser);

/** Takes the newest change back, from where no field has keys of its own. */
async function back(page: Page): Promise<void> {
  await viewer(page).focus();
  await page.keyboard.press('Control+z');
}

const offer = (page: Page) => page.getByRole('region', { name: 'Notices' }).getByRole('button', { name: 'Undo', exact: true });

describe('in the request', () => {
  it('a reference goes again, and the words that were written since stay', async () => {
    await using opened = await open({ query: 'pictures=12', screen: 'create' });
    const { page } = opened;
    await finished(page).waitFor();
    await prompt(page).fill('a fox');
    await viewer(page).focus();
    await page.keyboard.press('f');
    await page.getByLabel(/^What .* is for$/).waitFor();
    await prompt(page).press('End');
    await page.keyboard.type(' in the snow');
    await back(page);
    await page.getByLabel(/^What .* is for$/).waitFor({ state: 'detached' });
    expect(await prompt(page).inputValue()).toBe('a fox in the snow');
    await page.keyboard.press('Control+Shift+z');
    await page.getByLabel(/^What .* is for$/).waitFor();
    expect(await prompt(page).inputValue()).toBe('a fox in the snow');
  });

  it('a recalled seed goes again, and the words that were written since stay', async () => {
    await using opened = await open({ query: 'pictures=12', screen: 'create' });
    const { page } = opened;
    await finished(page).waitFor();
    await viewer(page).focus();
    await page.keyboard.press('s');
    await expect.poll(async () => (await draft(page)).seed).toMatch(/^\d+$/);
    await prompt(page).fill('a mug');
    await back(page);
    await expect.poll(async () => (await draft(page)).seed).toBe(null);
    expect(await prompt(page).inputValue()).toBe('a mug');
  });

  it('what was to be left out comes back after all of the recipe was taken back', async () => {
    await using opened = await open({ query: 'pictures=12', screen: 'create' });
    const { page } = opened;
    await finished(page).waitFor();
    const leaveOut = page.getByRole('textbox', { name: 'Leave out' });
    await recipe(page);
    await leaveOut.fill('snow and ice');
    await page.getByRole('button', { name: 'Back to the model’s own' }).click();
    await expect.poll(() => leaveOut.inputValue()).toBe('');
    await back(page);
    expect(await leaveOut.inputValue()).toBe('snow and ice');
  });

  it('what gave way to a prompt of before comes back, also from within the prompt', async () => {
    await using opened = await open({ query: 'empty&step=5', screen: 'create' });
    const { page } = opened;
    await made(page, 'a fox');
    await prompt(page).fill('a long description of a harbour');
    await page.keyboard.press('Alt+ArrowUp');
    await expect.poll(() => prompt(page).inputValue()).toBe('a fox');
    await page.keyboard.type('x');
    expect(await prompt(page).inputValue()).toBe('a foxx');
    await page.keyboard.press('Control+z');
    await expect.poll(() => prompt(page).inputValue()).toBe('a fox');
    await page.keyboard.press('Control+z');
    await expect.poll(() => prompt(page).inputValue()).toBe('a long description of a harbour');
  });

  it('a word that was offered and a weight go as if they had been typed', async () => {
    await using opened = await open({ query: 'pictures=12', screen: 'create' });
    const { page } = opened;
    const says = () => prompt(page).inputValue();
    await prompt(page).click();
    await page.keyboard.type('a fox on a sn');
    await page.keyboard.press('Tab');
    expect(await says()).toBe('a fox on a snowy beach ');
    await page.keyboard.press('Control+z');
    expect(await says()).toBe('a fox on a sn');
    await page.keyboard.press('Control+Shift+z');
    expect(await says()).toBe('a fox on a snowy beach ');
    await expect.poll(async () => (await draft(page)).prompt).toBe('a fox on a snowy beach ');
    await prompt(page).evaluate((area: HTMLTextAreaElement) => area.setSelectionRange(2, 5));
    await page.keyboard.press('Control+ArrowUp');
    await page.keyboard.press('Control+ArrowUp');
    expect(await says()).toBe('a (fox:1.2) on a snowy beach ');
    for (let n = 0; n < 12 && (await says()) !== ''; n += 1) await page.keyboard.press('Control+z');
    expect(await says()).toBe('');
    await expect.poll(async () => (await draft(page)).prompt).toBe('');
  });

  it('what was taken back from within the prompt can be done again there', async () => {
    await using opened = await open({ query: 'empty&step=5', screen: 'create' });
    const { page } = opened;
    const says = () => prompt(page).inputValue();
    await made(page, 'a fox');
    await prompt(page).fill('a long description of a harbour');
    await page.keyboard.press('Alt+ArrowUp');
    await expect.poll(says).toBe('a fox');
    await page.keyboard.press('Control+z');
    await expect.poll(says).toBe('a long description of a harbour');
    await page.keyboard.press('Control+Shift+z');
    await expect.poll(says).toBe('a fox');
    await page.keyboard.press('Control+z');
    await expect.poll(says).toBe('a long description of a harbour');
    // What the field took back by itself it does again by itself.
    await page.keyboard.type('!');
    await page.keyboard.press('Control+z');
    await expect.poll(says).toBe('a long description of a harbour');
    await page.keyboard.press('Control+Shift+z');
    await expect.poll(says).toBe('a long description of a harbour!');
  });

  it('what gave way to an example comes back', async () => {
    await using opened = await open({ query: 'empty&step=5', screen: 'create' });
    const { page } = opened;
    await prompt(page).fill('a long description of a harbour');
    await page.locator('[data-action="first.0"]').click();
    await finished(page).waitFor();
    await back(page);
    await expect.poll(() => prompt(page).inputValue()).toBe('a long description of a harbour');
  });

  it('and where one came back to it by key there is nothing to take back', async () => {
    await using opened = await open({ query: 'empty&step=5', screen: 'create' });
    const { page } = opened;
    await made(page, 'a fox');
    await prompt(page).fill('a cat');
    await page.keyboard.press('Alt+ArrowUp');
    await expect.poll(() => prompt(page).inputValue()).toBe('a fox');
    await page.keyboard.press('Alt+ArrowDown');
    await expect.poll(() => prompt(page).inputValue()).toBe('a cat');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('undo');
    expect(await page.locator('[data-palette="undo.undo"]').count()).toBe(0);
  });
});

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
    // One notice at a time: what is told by now is that the rating was taken back.
    await page.getByText('Taken back: 1 picture rated 5').waitFor();
    expect(await page.getByText('1 picture moved to the trash').count()).toBe(0);
    await page.keyboard.press('Control+z');
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

  it('a tag stays with the pictures that had it before', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    const tags = (place: number) => cells(page).nth(place).getAttribute('data-picture').then((id) => studio<string[]>(page, `studio.detail('${id}').tags`));
    await cells(page).nth(0).click();
    await page.getByPlaceholder('Add a tag').fill('cover');
    await page.keyboard.press('Enter');
    await expect.poll(() => tags(0)).toContain('cover');
    await cells(page).nth(1).click({ modifiers: ['Control'] });
    await page.getByLabel('Tag them all').fill('cover');
    await page.keyboard.press('Enter');
    await expect.poll(() => tags(1)).toContain('cover');
    await grid(page).focus();
    await page.keyboard.press('Control+z');
    await expect.poll(() => tags(1)).not.toContain('cover');
    expect(await tags(0)).toContain('cover');
  });
});
