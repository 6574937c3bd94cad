/** Many pictures at once: taken in, refused, taken back, marked. */
import type { Page } from 'playwright-core';
import { afterAll, expect, it } from 'vitest';
import { axe, closeBrowser, drop, grid, open, prompt, shot, shown, studio } from './browser';

afterAll(closeBrowser);

const folder = (count: number, ending = 'png') => Array.from({ length: count }, (_, n) => `/a/scan-${n}.${ending}`);
const trashed = (page: Page) => studio<number>(page, 'studio.cards.filter((one) => one.trashed_at !== null).length');

it('says that a folder is being taken in, what came, and what did not, and takes it back', async () => {
  await using opened = await open({ query: 'pictures=12&step=300' });
  const { page } = opened;
  await shown(page);
  const before = await trashed(page);
  await drop(page, [...folder(20), ...folder(6, 'txt')]);
  const working = page.getByText('Taking pictures in…');
  await working.waitFor();
  await page.getByText('20 pictures taken into the library').waitFor();
  expect(await working.count()).toBe(0);
  const errors = page.getByRole('alert');
  expect(await errors.count(), 'one for all that was refused').toBe(1);
  expect(await errors.textContent()).toContain('20 pictures taken into the library. 6 files did not come in. scan-0.txt: This is not a picture.');
  await shot(page, 'incoming');
  expect(await axe(page)).toEqual([]);
  await page.getByRole('region', { name: 'Notices' }).getByRole('button', { name: 'Undo', exact: true }).click();
  await expect.poll(() => trashed(page)).toBe(before + 20);
});

it('leaves alone what was in the library before', async () => {
  await using opened = await open({ query: 'pictures=12&step=5' });
  const { page } = opened;
  await shown(page);
  const before = await trashed(page);
  await drop(page, folder(2));
  await page.getByText('2 pictures taken into the library').waitFor();
  await drop(page, folder(2));
  await page.getByText('2 pictures were in the library already').waitFor();
  await drop(page, folder(3));
  await page.getByText('1 picture taken into the library').waitFor();
  await grid(page).focus();
  await page.keyboard.press('Control+z');
  await expect.poll(() => trashed(page)).toBe(before + 1);
  // What is in the trash is not to be seen: it comes in once more, and goes back where it was.
  await drop(page, folder(3));
  await expect.poll(() => page.getByText('1 picture taken into the library').count()).toBeGreaterThan(0);
  await expect.poll(() => trashed(page)).toBe(before);
  await grid(page).focus();
  await page.keyboard.press('Control+z');
  await expect.poll(() => trashed(page)).toBe(before + 1);
});

it('says what to do with a picture that comes as a link', async () => {
  await using opened = await open({ query: 'pictures=12&step=5' });
  const { page } = opened;
  await shown(page);
  await drop(page, ['https://example.org/fox.png', '/a/mug.png']);
  await page.getByRole('alert').filter({ hasText: 'Likeness opens no connections' }).waitFor();
  await page.getByText('1 picture taken into the library').waitFor();
});

it('marks all of a large library without reading every file', async () => {
  await using opened = await open({ query: 'pictures=1500' });
  const { page } = opened;
  await shown(page);
  await grid(page).focus();
  await page.keyboard.press('Control+a');
  await expect.poll(() => page.getByRole('status').first().textContent()).toMatch(/^\d+ of 1,\d+ pictures chosen$/);
  await page.evaluate(() => {
    const { fake } = window as unknown as { fake: { call(name: string, request: unknown): unknown; reads: number } };
    const { call } = fake;
    fake.reads = 0;
    fake.call = (name, request) => {
      if (name === 'picture') fake.reads += 1;
      return call(name, request);
    };
  });
  await page.keyboard.press('.');
  const bare = () => studio<number>(page, 'studio.cards.filter((one) => one.trashed_at === null && one.rating === 0).length');
  await expect.poll(bare).toBe(0);
  expect(await page.evaluate(() => (window as unknown as { fake: { reads: number } }).fake.reads)).toBeLessThan(4);
  await page.keyboard.press('Control+z');
  await expect.poll(bare).toBeGreaterThan(1000);
});

it('takes a pasted picture, but not in place of words that are pasted into a field', async () => {
  await using opened = await open({ query: 'pictures=12', screen: 'create' });
  const { page } = opened;
  /** Pastes a picture along with `words` where the focus is; whether the page took it. */
  const paste = (words: Record<string, string>) =>
    page.evaluate((words) => {
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File(['picture'], 'cells.png', { type: 'image/png' }));
      for (const [type, text] of Object.entries(words)) clipboardData.setData(type, text);
      return !document.activeElement!.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
    }, words);
  const taken = () => studio<number>(page, 'studio.taken.length');
  await prompt(page).click();
  expect(await paste({ 'text/plain': 'a fox\ta mug', 'text/html': '<table></table>' }), 'cells of a table').toBe(false);
  expect(await taken()).toBe(0);
  expect(await paste({ 'text/html': '<img>' }), 'a picture of a page').toBe(true);
  await expect.poll(taken).toBe(1);
  await page.getByLabel(/^What .* is for$/).waitFor();
  expect(await paste({ 'text/plain': '/a/fox.png', 'text/uri-list': 'file:///a/fox.png' }), 'a file').toBe(true);
  await expect.poll(taken).toBe(2);
  await page.locator('[data-region="viewer"]').focus();
  expect(await paste({ 'text/plain': 'a fox\ta mug' }), 'where nothing is written').toBe(true);
  await expect.poll(taken).toBe(3);
});

it('takes the picture that only the shell can read, says why one cannot be used, and writes words into the prompt', async () => {
  await using opened = await open({ query: 'pictures=12', screen: 'create' });
  const { page } = opened;
  /** Pastes what the page is told of it: nothing, or words. Whether the page took it. */
  const paste = (words = '') =>
    page.evaluate((words) => {
      const clipboardData = new DataTransfer();
      if (words !== '') clipboardData.setData('text/plain', words);
      return !document.activeElement!.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
    }, words);
  const holds = (what: unknown) => page.evaluate((what) => Object.assign((window as unknown as { fake: object }).fake, { clipboard: what }), what);
  await prompt(page).click();
  await holds({ picture: 'aGVsbG8=' });
  expect(await paste()).toBe(true);
  await page.getByLabel(/^What .* is for$/).waitFor();
  await holds(null);
  await paste();
  await page.getByRole('alert').filter({ hasText: 'There is nothing on the clipboard.' }).waitFor();
  await holds('text');
  await page.locator('[data-region="viewer"]').focus();
  await paste();
  await page.getByRole('alert').filter({ hasText: 'There are words on the clipboard and no picture.' }).waitFor();
  expect(await paste('a red fox'), 'words are written where one writes').toBe(true);
  expect(await prompt(page).inputValue()).toBe('a red fox');
});
