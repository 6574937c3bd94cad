import { afterAll, describe, expect, it } from 'vitest';
import { cells, closeBrowser, draft, finished, go, made, open, prompt, shot, shown, studio } from './browser';

afterAll(closeBrowser);

describe('models', () => {
  it('are one for the window and for the studio where none is named', async () => {
    await using opened = await open({ screen: 'create', query: 'empty&step=5' });
    const { page } = opened;
    await prompt(page).waitFor();
    await studio(page, "(studio.models = [{ ...studio.models[0], name: 'another', path: '/pictures/ada/models/another' }, ...studio.models], studio.tell({ kind: 'models' }))");
    await page.locator('[data-action="view.inspector"]').click();
    const select = page.getByRole('combobox', { name: 'Model' });
    await expect.poll(() => select.locator('option:checked').textContent()).toBe('likeness-starter');
    await made(page, 'a fox');
    expect(await studio(page, 'studio.cards[0].model')).toBe('likeness-starter');
    await go(page, 'models');
    await page.getByRole('option', { name: /^another/ }).click();
    await page.locator('[data-action="models.use"]').click();
    await expect.poll(() => select.locator('option:checked').textContent()).toBe('another');
    await page.keyboard.press('Control+Enter');
    await expect.poll(() => studio(page, 'studio.cards[0].model')).toBe('another');
  });

  it('may share a name, and a place may be named twice', async () => {
    await using opened = await open({ screen: 'create', query: 'empty&step=5' });
    const { page } = opened;
    await prompt(page).waitFor();
    await studio(page, "(studio.models = [...studio.models, { ...studio.models[0], path: '/pictures/ada/models/twin', words: [...studio.models[0].words, studio.models[0].words[0]] }], studio.places = ['/models', '/models'], studio.tell({ kind: 'models' }))");
    await page.locator('[data-action="view.inspector"]').click();
    const select = page.getByRole('combobox', { name: 'Model' });
    await expect.poll(() => select.locator('option').allTextContents()).toEqual(['likeness-starter', '/pictures/ada/models/twin']);
    await select.selectOption('/pictures/ada/models/twin');
    await expect.poll(async () => (await draft(page)).model).toBe('/pictures/ada/models/twin');
    await prompt(page).click();
    await page.keyboard.type('a fo');
    await page.getByRole('option', { name: /fox/ }).nth(1).waitFor();
    await go(page, 'models');
    await page.getByRole('option').nth(3).click();
    await page.getByText('In use').waitFor();
    expect(await page.getByTitle('/models', { exact: true }).count()).toBe(2);
  });

  it('says what runs, what it needs and knows, and why another does not run', async () => {
    await using opened = await open({ screen: 'models' });
    const { page } = opened;
    await page.getByRole('heading', { name: 'Words it knows' }).waitFor();
    await page.getByText('Runs here').first().waitFor();
    await shot(page, 'models');
    await page.getByRole('option', { name: /old-sketches/ }).click();
    await page.getByText(/pickle/).waitFor();
    await shot(page, 'models-refused');
  });

  it('is walked by arrow keys', async () => {
    await using opened = await open({ screen: 'models' });
    const { page } = opened;
    const list = page.getByRole('listbox', { name: 'Models' });
    await list.getByRole('option').first().focus();
    await page.keyboard.press('ArrowDown');
    await expect.poll(() => list.locator('[aria-selected="true"]').getAttribute('data-model')).toBe('flux.2-klein-4b');
  });

  it('says so when they cannot be listed', async () => {
    await using opened = await open({ screen: 'models', query: 'fail=models' });
    const { page } = opened;
    await page.getByText('The models could not be listed').waitFor();
    await shot(page, 'models-failed');
  });
});

describe('settings', () => {
  it('changes theme and language at once', async () => {
    await using opened = await open({ screen: 'settings' });
    const { page } = opened;
    await page.getByText('Light', { exact: true }).click();
    await expect.poll(() => page.evaluate(() => document.documentElement.dataset.theme)).toBe('light');
    await page.getByText('简体中文').click();
    await page.getByRole('heading', { name: '设置' }).waitFor();
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('zh-Hans');
    await shot(page, 'settings-light-zh');
  });

  it('says that no connection was ever made', async () => {
    await using opened = await open({ screen: 'settings' });
    const { page } = opened;
    await page.getByRole('button', { name: 'Connections' }).click();
    await page.getByText('No connection was ever made.').waitFor();
    await shot(page, 'settings-connections');
  });

  it('refuses a value beside its field', async () => {
    await using opened = await open({ screen: 'settings' });
    const { page } = opened;
    await page.getByLabel('Keep trash for').fill('9999');
    await page.keyboard.press('Tab');
    await page.getByRole('alert').filter({ hasText: '3650' }).first().waitFor();
    await shot(page, 'settings-refused');
  });

  it('changes a key, says when two share one, and goes back', async () => {
    await using opened = await open({ screen: 'settings' });
    const { page } = opened;
    const row = page.locator('[data-key-of="library.family"]');
    await row.getByRole('button', { name: /Change/ }).click();
    await page.keyboard.press('t');
    await row.getByText('Add a tag has this key too').waitFor();
    await shot(page, 'settings-keys');
    await row.hover();
    await row.getByRole('button', { name: /as designed/ }).click();
    await row.getByRole('button', { name: /: L\. Change/ }).waitFor();
  });

  it('says when two keys of different parts are in each other’s way', async () => {
    await using opened = await open({ screen: 'settings' });
    const { page } = opened;
    const row = page.locator('[data-key-of="queue.pause"]');
    await row.getByRole('button', { name: /Change/ }).click();
    await page.keyboard.press('t');
    await row.getByText('Add a tag has this key too').waitFor();
    await page.locator('[data-key-of="library.tag"]').getByText('Pause the queue has this key too').waitFor();
  });

  it('takes the space bar as a key', async () => {
    await using opened = await open({ screen: 'settings' });
    const { page } = opened;
    const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
    const before = await theme();
    await page.locator('[data-key-of="view.theme"]').getByRole('button', { name: /Change/ }).click();
    await page.keyboard.press('Space');
    await page.locator('nav [data-action="view.library"]').click();
    await page.locator('[data-region="pictures"]').first().waitFor();
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.keyboard.press('Space');
    expect(await theme(), 'what can be written acts where a picture has the focus').toBe(before);
    await page.locator('nav [data-action="view.create"]').click();
    await page.locator('[data-region="viewer"]').focus();
    await page.keyboard.press('Space');
    await expect.poll(theme).not.toBe(before);
  });

  it('shows a person’s own key wherever the button is', async () => {
    await using opened = await open({ screen: 'create', query: 'pictures=12' });
    const { page } = opened;
    const own = { 'recall.prompt': 'Y', 'zoom.fit': 'Shift+Z', 'library.put_on_board': 'N', 'recall.all': 'H' };
    await studio(page, `call('settings_set', { ...studio.settings, keys: ${JSON.stringify(own)} })`);
    const keyAt = async (name: string, within = 'main') => {
      const button = page.locator(within).getByRole('button', { name, exact: true });
      await page.mouse.move(0, 0);
      await page.locator('.tip').waitFor({ state: 'detached' });
      await button.hover();
      return page.locator('.tip kbd').textContent();
    };
    await finished(page).waitFor();
    expect(await keyAt('Use the prompt again')).toBe('Y');
    expect(await keyAt('Fit into the window')).toBe('Shift+Z');
    await page.locator('nav [data-action="view.library"]').click();
    await shown(page);
    await cells(page).first().click();
    expect(await keyAt('Use this: Prompt')).toBe('Y');
    expect(await keyAt('Use all these settings')).toBe('H');
    expect(await keyAt('Put on a board…', '.details')).toBe('N');
  });

  it.each([
    ['en', 'A change counts from the next start of Likeness.'],
    ['zh', '更改在下次启动 Likeness 后生效。'],
  ])('says when another number of threads counts (%s)', async (language, words) => {
    await using opened = await open({ screen: 'settings', query: `lang=${language}` });
    await opened.page.getByText(words).waitFor();
  });

  it('checks the library', async () => {
    await using opened = await open({ screen: 'settings' });
    const { page } = opened;
    await page.locator('[data-action="settings.check"]').click();
    await page.getByText(/All is well/).waitFor();
    await shot(page, 'settings');
  });
});
