/** Every screen in both themes and both languages: nothing that axe objects to, nothing that is cut off. */
import { afterAll, describe, expect, it } from 'vitest';
import { axe, cells, clipped, closeBrowser, DESIGN, open, shot, shown, SMALLEST } from './browser';

afterAll(closeBrowser);

const SCREENS = ['create', 'library', 'models', 'settings'] as const;

describe.each(['dark', 'light'])('%s', (theme) => {
  describe.each(['en', 'zh'])('%s', (lang) => {
    it.each(SCREENS)('%s', async (screen) => {
      for (const size of [DESIGN, SMALLEST]) {
        await using opened = await open({ query: `theme=${theme}&lang=${lang}`, screen, size });
        const { page } = opened;
        if (screen === 'library') {
          await shown(page);
          await cells(page).nth(1).click();
          await page.getByRole('complementary').locator('dl').first().waitFor();
        }
        if (screen === 'models') await page.getByRole('option').first().waitFor();
        await shot(page, `${screen}-${theme}-${lang}-${size.width}`);
        expect(await clipped(page), 'nothing is cut off').toEqual([]);
        expect(await axe(page), 'axe has no objection').toEqual([]);
      }
    });
  });

  it('dialogs and menus', async () => {
    await using opened = await open({ query: `theme=${theme}` });
    const { page } = opened;
    await shown(page);
    await page.getByRole('button', { name: 'Filter' }).click();
    expect(await axe(page), 'filters').toEqual([]);
    await page.keyboard.press('Escape');
    await cells(page).nth(0).click();
    await page.keyboard.press('Control+Shift+e');
    await page.getByRole('dialog').waitFor();
    expect(await axe(page), 'export').toEqual([]);
    await page.keyboard.press('Escape');
    await page.evaluate(() => (window as unknown as { fake: { drop(drop: unknown): void } }).fake.drop({ kind: 'drop', x: 600, y: 400, paths: ['/a/fox-a1111.png'] }));
    await page.getByRole('dialog', { name: /Settings from/ }).waitFor();
    await shot(page, `restore-${theme}`);
    expect(await axe(page), 'restore').toEqual([]);
    await page.keyboard.press('Escape');
    await cells(page).nth(20).click();
    await page.keyboard.press('l');
    await page.getByRole('treeitem').first().waitFor();
    expect(await axe(page), 'family').toEqual([]);
  });

  it.each([
    ['empty', 'empty'],
    ['failed', 'fail=pictures'],
  ])('library %s', async (name, query) => {
    await using opened = await open({ query: `${query}&theme=${theme}` });
    const { page } = opened;
    await page.locator('.empty').first().waitFor();
    await shot(page, `library-${name}-${theme}`);
    expect(await axe(page)).toEqual([]);
  });
});

describe('odd words', () => {
  it.each([
    ['Chinese', /[\u4e00-\u9fff]/],
    ['Arabic', /[\u0600-\u06ff]/],
    ['very long', /theatre/],
  ])('a %s prompt', async (name, match) => {
    await using opened = await open({ query: 'pictures=1500', size: SMALLEST });
    const { page } = opened;
    await shown(page);
    const search = { Chinese: '一只红色的狐狸', Arabic: 'ثعلب', 'very long': 'newspaper' }[name]!;
    await page.getByRole('searchbox').fill(search);
    await expect.poll(() => cells(page).first().getAttribute('aria-label')).toMatch(match);
    await cells(page).first().click();
    await page.getByRole('complementary').locator('dl').first().waitFor();
    await shot(page, `words-${name.replace(' ', '-')}`);
    expect(await clipped(page)).toEqual([]);
    expect(await axe(page)).toEqual([]);
  });
});
