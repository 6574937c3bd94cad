/** The Library, Models and Settings without a mouse. */
import type { Page } from 'playwright-core';
import { afterAll, expect, it } from 'vitest';
import { axe, cells, chosen, closeBrowser, grid, open, prompt, recipe, shot, shown, studio } from './browser';

afterAll(closeBrowser);

const focused = (page: Page) => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent?.trim() ?? '');

/** Presses Tab until something with this name has the focus. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let n = 0; n < 60; n += 1) {
    if (name.test(await focused(page))) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab never came to ${name}`);
}

it('goes from the rail through the grid to a starred, tagged picture on a board, and opens it', async () => {
  await using opened = await open({ screen: 'create' });
  const { page } = opened;
  await page.keyboard.press('Control+2');
  await shown(page);
  await tabTo(page, /^Pictures$/);
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  expect(await chosen(page).count()).toBe(1);
  const before = await chosen(page).getAttribute('aria-label');
  await page.keyboard.press('.');
  await expect.poll(() => chosen(page).getAttribute('aria-label')).not.toBe(before);

  await page.getByPlaceholder('Add a tag').waitFor();
  await page.keyboard.press('t');
  await page.keyboard.type('keys');
  await page.keyboard.press('Enter');
  await page.getByTitle('Show all pictures tagged keys').waitFor();
  await page.keyboard.press('Escape');
  expect(await focused(page), 'Escape leads back to the grid').toBe('Pictures');

  await page.keyboard.press('b');
  await expect.poll(() => focused(page), { message: 'the menu takes the focus' }).toMatch(/^Harbour/);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByText('1 picture put on Portfolio').waitFor();

  await grid(page).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('textbox', { name: 'Prompt' }).waitFor();
});

it('filters by keyboard and gives the focus back', async () => {
  await using opened = await open({ query: 'pictures=2000' });
  const { page } = opened;
  await shown(page);
  await tabTo(page, /^Filter/);
  await page.keyboard.press('Enter');
  await page.getByLabel('Model', { exact: true }).waitFor();
  await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe('SELECT');
  await page.keyboard.press('Escape');
  await expect.poll(() => focused(page)).toMatch(/^Filter/);
});

it('opens the menu of a picture by key', async () => {
  await using opened = await open();
  const { page } = opened;
  await shown(page);
  await grid(page).focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Shift+F10');
  await page.getByRole('menuitem', { name: 'Show its family' }).waitFor();
  await shot(page, 'library-menu');
  expect(await axe(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await expect.poll(() => focused(page)).toBe('Pictures');
});

it('walks the family and comes back to the grid', async () => {
  await using opened = await open();
  const { page } = opened;
  await shown(page);
  await grid(page).focus();
  for (let n = 0; n < 12; n += 1) await page.keyboard.press('ArrowRight');
  await page.keyboard.press('l');
  await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('treeitem');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('Escape');
  await shown(page);
  await expect.poll(() => focused(page)).toBe('Pictures');
});

it.each([
  ['library', ['rail', 'places', 'search', 'pictures', 'details']],
  ['models', ['rail', 'models']],
  ['settings', ['rail', 'sections', 'settings']],
] as const)('goes from part to part of %s with F6', async (screen, regions) => {
  await using opened = await open({ screen });
  const { page } = opened;
  if (screen === 'library') {
    await shown(page);
    await grid(page).focus();
    await page.keyboard.press('ArrowRight');
    await page.getByPlaceholder('Add a tag').waitFor();
  }
  if (screen === 'models') await page.getByRole('option').first().waitFor();
  const passed = new Set<string>();
  for (let n = 0; n < regions.length + 2; n += 1) {
    await page.keyboard.press('F6');
    passed.add(await page.evaluate(() => document.activeElement?.closest<HTMLElement>('[data-region]')?.dataset.region ?? ''));
  }
  for (const region of regions) expect([...passed]).toContain(region);
});

it('hears keys that write nothing from the prompt too', async () => {
  await using opened = await open({ query: 'pictures=12&step=30000', screen: 'create' });
  const { page } = opened;
  await prompt(page).fill('a fox?');
  await page.keyboard.type('?');
  expect(await prompt(page).inputValue(), 'a sign is written').toBe('a fox??');
  await page.keyboard.press('F1');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await page.keyboard.press('Escape');
  await prompt(page).press('Control+Enter');
  const left = () => studio<number>(page, "studio.engine.jobs.filter((one) => one.state !== 'cancelled').length");
  await expect.poll(left).toBe(1);
  await prompt(page).press('Control+Shift+X');
  await expect.poll(left).toBe(0);
  await prompt(page).press('Control+o');
  await page.getByText(/taken into the library|Settings from/).first().waitFor();
  await page.keyboard.press('Escape');
  await prompt(page).press('Control+f');
  await expect.poll(() => focused(page)).toBe('Search');
});

it.each(['isComposing', 'keyCode'])('leaves the keys of an input method alone, told by %s', async (told) => {
  await using opened = await open();
  const { page } = opened;
  await shown(page);
  /** What an input method is given goes to the field with the focus; no other key does. */
  const give = (...keys: string[]) =>
    page.evaluate(
      ([told, keys]) => {
        const held = told === 'isComposing' ? { isComposing: true } : { keyCode: 229 };
        return keys.map((key) => document.activeElement!.dispatchEvent(new KeyboardEvent('keydown', { key, ...held, bubbles: true, cancelable: true })));
      },
      [told, keys] as const,
    );
  const all = ['ArrowDown', 'ArrowUp', 'Enter', 'Tab', 'Escape'];
  const search = page.getByRole('searchbox');
  await search.fill('hu');
  expect(await give(...all)).not.toContain(false);
  expect([await focused(page), await search.inputValue()]).toEqual(['Search', 'hu']);
  await search.fill('');

  const boards = await studio<number>(page, 'studio.boards.length');
  await page.getByRole('button', { name: 'New board' }).click();
  await page.keyboard.type('hai');
  await give('Enter', 'Escape');
  expect(await page.getByPlaceholder('Name', { exact: true }).inputValue()).toBe('hai');
  await page.keyboard.press('Escape');

  await cells(page).nth(0).click();
  const tag = page.getByPlaceholder('Add a tag');
  await tag.fill('hai');
  await give('Enter', 'Escape');
  expect(await tag.inputValue()).toBe('hai');
  await cells(page).nth(2).click({ modifiers: ['Control'] });
  const many = page.getByLabel('Tag them all');
  await many.fill('hai');
  await give('Enter');
  expect(await many.inputValue()).toBe('hai');
  expect(await studio(page, "[studio.boards.length, [...studio.details.values()].filter((one) => one.tags.includes('hai')).length]")).toEqual([boards, 0]);

  await page.keyboard.press('Control+k');
  await page.keyboard.type('settings');
  await give('ArrowDown', 'Enter');
  expect(await page.locator('#palette-0').getAttribute('aria-selected')).toBe('true');
  await page.keyboard.press('Escape');

  await page.keyboard.press('Control+1');
  await prompt(page).click();
  await page.keyboard.type('fo');
  await page.locator('#words').waitFor();
  expect(await give(...all)).not.toContain(false);
  expect(await prompt(page).inputValue()).toBe('fo');
  expect(await page.locator('#word-0').getAttribute('aria-selected')).toBe('true');
  await recipe(page);
  const steps = page.getByLabel('Steps', { exact: true });
  await steps.focus();
  expect(await give('ArrowUp')).toEqual([true]);
});

it('offers no words for letters that are still being put together', async () => {
  await using opened = await open({ screen: 'create' });
  const { page } = opened;
  await prompt(page).click();
  const session = await page.context().newCDPSession(page);
  await session.send('Input.imeSetComposition', { text: 'fo', selectionStart: 2, selectionEnd: 2 });
  expect(await prompt(page).inputValue()).toBe('fo');
  expect(await page.locator('#words').count()).toBe(0);
  await session.send('Input.insertText', { text: 'fo' });
  await page.locator('#words').waitFor();
});

it.each(['library', 'models', 'settings'] as const)('shows where the focus is, everywhere on %s', async (screen) => {
  await using opened = await open({ screen });
  const { page } = opened;
  if (screen === 'library') {
    await shown(page);
    await grid(page).focus();
    await page.keyboard.press('ArrowRight');
    await page.getByPlaceholder('Add a tag').waitFor();
  }
  if (screen === 'models') await page.getByRole('option').first().waitFor();
  const unseen: string[] = [];
  const visited = new Set<string>();
  for (let n = 0; n < 90; n += 1) {
    await page.keyboard.press('Tab');
    const seen = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return null;
      const marked = (one: Element | null, pseudo?: string) => {
        if (!one) return false;
        const style = getComputedStyle(one, pseudo);
        return (style.outlineStyle !== 'none' && style.outlineWidth !== '0px') || style.boxShadow !== 'none' || (pseudo !== undefined && style.borderTopWidth !== '0px' && style.content !== 'none');
      };
      const name = `${element.tagName} ${element.getAttribute('aria-label') ?? element.id ?? ''} ${(element.textContent ?? '').trim().slice(0, 30)}`;
      // A slider marks its thumb, a radio button its words, the grid its cell.
      const shows = marked(element) || marked(element.nextElementSibling) || marked(element.querySelector('.cursor'), '::after') || (element as HTMLInputElement).type === 'range' || marked(element.firstElementChild);
      return { name, shows };
    });
    if (!seen) continue;
    visited.add(seen.name);
    if (!seen.shows) unseen.push(seen.name);
  }
  expect(visited.size, 'Tab goes through the screen').toBeGreaterThan(screen === 'models' ? 5 : 12);
  expect([...new Set(unseen)]).toEqual([]);
});
