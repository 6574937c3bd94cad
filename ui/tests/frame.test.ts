/** The frame of the window, lived in: what a hand does that means something else, and what it finds where. */
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { axe, cells, clipped, closeBrowser, draft, finished, grid, open, prompt, recipe, shot, shown, SMALLEST, studio, viewer } from './browser';

afterAll(closeBrowser);

const run = (page: Page) => page.locator('[data-action="create.run"]');
const foot = (page: Page) => page.locator('[data-foot]');
const trashed = (page: Page) => studio<number>(page, 'studio.cards.filter((one) => one.trashed_at !== null).length');
const jobs = (page: Page) => studio<number>(page, 'studio.engine.jobs.length');
const inPrompt = (page: Page) => prompt(page).evaluate((one) => one === document.activeElement);
const region = (page: Page) => page.evaluate(() => document.activeElement?.closest<HTMLElement>('[data-region]')?.dataset.region ?? null);
const box = async (page: Page, selector: string) => (await page.locator(selector).first().boundingBox())!;
/** Writes as a hand does, so that the caret stands where it would. */
async function write(page: Page, text: string): Promise<void> {
  await prompt(page).fill('');
  await prompt(page).pressSequentially(text);
}

describe('letters', () => {
  it('after Make with the mouse go into the prompt, and Backspace deletes no picture', async () => {
    await using opened = await open({ query: 'pictures=12&step=5', screen: 'create' });
    const { page } = opened;
    await prompt(page).fill('a fox');
    const before = await trashed(page);
    await run(page).click();
    await page.getByRole('status').filter({ hasText: 'Picture made: a fox' }).waitFor({ state: 'attached' });
    expect(await inPrompt(page)).toBe(true);
    for (let press = 0; press < 8; press += 1) await page.keyboard.press('Backspace');
    await page.keyboard.type('a vase');
    expect(await prompt(page).inputValue()).toBe('a vase');
    expect([await trashed(page), (await draft(page)).seed ?? null, await jobs(page)]).toEqual([before, null, 1]);
  });

  it('are written where nothing has the focus, and where a button has it', async () => {
    await using opened = await open({ query: 'pictures=12', screen: 'create' });
    const { page } = opened;
    await finished(page).waitFor();
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.keyboard.type('a vase');
    expect(await prompt(page).inputValue()).toBe('a vase');
    await page.locator('[data-action="create.live"]').focus();
    await page.keyboard.type('s in blue');
    expect(await prompt(page).inputValue()).toBe('a vases in blue');
    const before = await trashed(page);
    await viewer(page).focus();
    await page.keyboard.press('Backspace');
    await page.waitForTimeout(100);
    expect(await trashed(page)).toBe(before);
    expect(await prompt(page).inputValue()).toBe('a vases in blue');
  });

  it('do nothing to chosen pictures while a menu is open', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    await cells(page).nth(0).click();
    await cells(page).nth(2).click({ modifiers: ['Shift'] });
    await grid(page).focus();
    await page.keyboard.press('b');
    await page.getByRole('menu').waitFor();
    const before = await studio<string>(page, 'JSON.stringify(studio.cards)');
    await page.keyboard.type('Autumn campaign');
    expect([await jobs(page), await studio<string>(page, 'JSON.stringify(studio.cards)')]).toEqual([0, before]);
    expect(await page.getByRole('menu').count(), 'it is still open').toBe(1);
  });
});

describe('what is written', () => {
  it('lives with its library: another one has its own', async () => {
    await using opened = await open({ query: 'pictures=12&step=5', screen: 'create' });
    const { page } = opened;
    await finished(page).waitFor();
    await viewer(page).focus();
    await page.keyboard.press('f');
    const chips = page.getByLabel(/^What .* is for$/);
    await chips.waitFor();
    await prompt(page).fill('a fox in the first one');
    await expect.poll(async () => (await draft(page)).prompt).toBe('a fox in the first one');
    const change = async (folder: string) => {
      await page.evaluate((folder) => ((window as unknown as { fake: { chosen: { folder: string } } }).fake.chosen.folder = folder), folder);
      await page.locator('nav [data-action="view.settings"]').click();
      await Promise.all([page.waitForEvent('load'), page.locator('[data-action="settings.library"]').click()]);
      await prompt(page).waitFor();
    };
    await change('/pictures/ada/other');
    await expect.poll(() => prompt(page).inputValue()).toBe('');
    expect(await chips.count(), 'no reference of the other').toBe(0);
    expect(await page.evaluate(() => Object.keys(localStorage).filter((key) => /draft|prompt|reference/.test(key)))).toEqual([]);
    await prompt(page).fill('a cat in the second');
    await expect.poll(async () => (await draft(page)).prompt).toBe('a cat in the second');
    await change('/pictures/ada/Pictures/Likeness');
    await expect.poll(() => prompt(page).inputValue()).toBe('a fox in the first one');
    expect(await chips.count()).toBe(1);
  });

  it('shows no red at the first letter, nor at the first press of an example', async () => {
    await using opened = await open({ query: 'empty&step=5', screen: 'create' });
    const { page } = opened;
    await expect.poll(() => page.locator('[data-action="first.1"]').isEnabled()).toBe(true);
    // An answer to the empty prompt has come by now.
    await page.waitForTimeout(400);
    const red = () => page.getByRole('alert').count();
    await page.evaluate(() => {
      const seen = { red: 0 };
      Object.assign(window, { seen });
      new MutationObserver(() => (seen.red += document.querySelectorAll('[role="alert"]').length)).observe(document.body, { childList: true, subtree: true });
    });
    await prompt(page).pressSequentially('a');
    expect(await red()).toBe(0);
    await prompt(page).fill('');
    await page.waitForTimeout(300);
    await page.locator('[data-action="first.1"]').click();
    await finished(page).waitFor();
    expect(await page.evaluate('window.seen.red')).toBe(0);
  });

  it('has its unknown words marked once they are words, and named with what would do', async () => {
    await using opened = await open({ query: 'pictures=3', screen: 'create' });
    const { page } = opened;
    const marked = () => page.locator('.marks .marked').allTextContents();
    await write(page, 'a robo');
    await page.waitForTimeout(400);
    expect(await marked(), 'what is being written is no word yet').toEqual([]);
    await prompt(page).pressSequentially('t in a kitchen ');
    await expect.poll(marked).toEqual(['robot', 'kitchen']);
    expect(await foot(page).textContent()).toContain('This model does not know “robot”, “kitchen” and will guess.');
    expect(await prompt(page).getAttribute('aria-describedby')).toBe('prompt-note');
    await shot(page, 'create-notes');
    expect(await axe(page)).toEqual([]);
    // The line lies under its word.
    const [area, word] = [await prompt(page).boundingBox(), await page.locator('.marked').first().boundingBox()];
    expect([word!.y >= area!.y, word!.y + word!.height <= area!.y + area!.height + 1]).toEqual([true, true]);
    await foot(page).getByRole('button', { name: 'Words it knows' }).click();
    await page.getByRole('heading', { name: 'Words it knows' }).waitFor();
  });

  it('offers the fire engine to who writes fire, and after', async () => {
    await using opened = await open({ query: 'pictures=3', screen: 'create' });
    const { page } = opened;
    await write(page, 'a blue fire');
    await page.getByRole('option', { name: /fire engine/ }).waitFor();
    await page.keyboard.press('Escape');
    await prompt(page).pressSequentially(' on a beach');
    await foot(page).getByRole('button', { name: 'Use fire engine' }).click();
    expect(await prompt(page).inputValue()).toBe('a blue fire engine on a beach');
    await expect.poll(() => page.locator('.marked').count()).toBe(0);
    await page.keyboard.press('Control+z');
    expect(await prompt(page).inputValue(), 'as if it had been typed').toBe('a blue fire on a beach');
  });

  it.each([
    ['a (fox:1.3) ', 'This model gives no word more weight than another: “(fox:1.3)” is read without its marks.'],
    ['a {fox|cat} ', 'make one picture for each choice'],
    ['a __animal__ ', 'there are no lists of words yet'],
    ['a fox <lora:ink:0.8> ', 'additions to a model are not loaded yet'],
  ])('says what becomes of %s', async (text, said) => {
    await using opened = await open({ query: 'pictures=3', screen: 'create' });
    const { page } = opened;
    await write(page, text);
    await expect.poll(() => foot(page).textContent()).toContain(said);
    expect(await page.locator('.marked').count()).toBe(1);
  });

  it('is counted near its end, and refused in words before it is queued', async () => {
    await using opened = await open({ query: 'pictures=3', screen: 'create' });
    const { page } = opened;
    await write(page, 'a fox ');
    await page.waitForTimeout(300);
    expect(await foot(page).textContent()).not.toContain('of 32');
    await prompt(page).fill('a red fox on a snowy beach, paper cut, and a red fox on a snowy beach, paper cut, flat style');
    await expect.poll(() => foot(page).textContent()).toContain('of 32');
    await prompt(page).fill('一只红色的狐狸在雪地海滩上奔跑');
    await foot(page).getByRole('alert').filter({ hasText: 'Too long for this model: 45 tokens, and 32 is the most.' }).waitFor();
    expect(await run(page).isDisabled()).toBe(true);
    await page.keyboard.press('Control+Enter');
    expect(await jobs(page)).toBe(0);
  });
});

describe('shapes', () => {
  it('are chosen by name, and say how they are made', async () => {
    await using opened = await open({ query: 'pictures=3&step=5', screen: 'create' });
    const { page } = opened;
    await prompt(page).fill('a fox');
    await page.locator('[data-action="create.size"]').click();
    const dialog = page.getByRole('dialog', { name: 'Shape' });
    await dialog.getByRole('radio', { name: 'Feed portrait, 1080 × 1350' }).click();
    expect(await axe(page)).toEqual([]);
    await shot(page, 'create-shapes');
    const [panel, words] = [await dialog.boundingBox(), await box(page, '#prompt-box')];
    expect(panel!.y + panel!.height, 'it covers nothing of the prompt').toBeLessThanOrEqual(words.y);
    expect(await dialog.getByRole('radio', { checked: true }).count()).toBe(1);
    await page.keyboard.press('Escape');
    await expect.poll(() => run(page).textContent()).toMatch(/1 × 1080×1350, about .*: draw, enlarge, (crop|add a border)/);
    await run(page).click();
    await expect.poll(() => studio(page, 'studio.engine.jobs.at(-1).request.deliver')).toEqual({ width: 1080, height: 1350, fit: 'auto', background: null });
  });

  it('of one’s own are never refused for what the model cannot draw', async () => {
    await using opened = await open({ query: 'pictures=3', screen: 'create' });
    const { page } = opened;
    await prompt(page).fill('a fox');
    await page.locator('[data-action="create.size"]').click();
    const dialog = page.getByRole('dialog', { name: 'Shape' });
    await dialog.getByLabel('Width').fill('1080');
    await dialog.getByLabel('Width').press('Enter');
    await page.waitForTimeout(300);
    expect([await page.getByRole('alert').count(), await run(page).isEnabled()]).toEqual([0, true]);
    await expect.poll(async () => (await draft(page)).deliver).toMatchObject({ width: 1080, height: 128 });
    await dialog.getByLabel('Width').fill('128');
    await dialog.getByLabel('Width').press('Enter');
    await expect.poll(async () => [(await draft(page)).deliver, (await draft(page)).width]).toEqual([null, 128]);
  });

  it('that are refused leave Make grey, and are mended with one press, in the window’s language', async () => {
    await using opened = await open({ query: 'pictures=3&lang=zh', screen: 'create' });
    const { page } = opened;
    await page.getByLabel('提示词', { exact: true }).fill('a fox');
    await expect.poll(async () => (await draft(page)).prompt).toBe('a fox');
    await studio(page, "call('draft_set', { request: { ...studio.drafts.get(studio.folder)?.request, prompt: 'a fox', references: [], parents: [], count: 1, width: 512, height: 512, seed: null }, locked: false })");
    await page.reload();
    await foot(page).getByRole('alert').filter({ hasText: '此模型可画 128 × 128。' }).waitFor();
    const blue = () => run(page).evaluate((one) => one.classList.contains('able'));
    expect([await blue(), await run(page).isDisabled()]).toEqual([false, true]);
    await shot(page, 'create-size-refused');
    expect(await axe(page)).toEqual([]);
    await foot(page).getByRole('button', { name: '使用 128 × 128' }).click();
    await expect.poll(blue).toBe(true);
  });
});

describe('places', () => {
  it('the picture keeps its size while the words grow over the strip', async () => {
    await using opened = await open({ query: 'pictures=12', screen: 'create', size: SMALLEST });
    const { page } = opened;
    await finished(page).waitFor();
    const before = [await viewer(page).boundingBox(), await finished(page).boundingBox()];
    await prompt(page).fill('a red fox on a snowy beach, paper cut, '.repeat(12));
    await page.waitForTimeout(300);
    expect([await viewer(page).boundingBox(), await finished(page).boundingBox()]).toEqual(before);
    expect((await box(page, '#prompt-box')).height).toBeGreaterThan(100);
    await shot(page, 'create-long-960');
    expect(await clipped(page)).toEqual([]);
  });

  it('the rail says its words, and what has nothing behind it is not there', async () => {
    await using opened = await open({ screen: 'create' });
    const { page } = opened;
    const words = await page.locator('nav.rail .word').allTextContents();
    expect(words).toEqual(['Create', 'Library', 'Undo', 'Queue', 'Settings']);
    expect((await box(page, 'nav.rail')).width).toBe(64);
    await page.locator('nav [data-action="view.settings"]').click();
    await page.locator('nav [data-action="view.models"]').click();
    await page.getByRole('heading', { name: 'Models' }).waitFor();
    expect(await page.locator('nav.rail [aria-current="page"]').getAttribute('data-action')).toBe('view.settings');
  });

  it('one notice at a time, at the bottom left, off the picture, and gone by itself', async () => {
    await using opened = await open({ query: 'pictures=12', screen: 'create' });
    const { page } = opened;
    await finished(page).waitFor();
    await viewer(page).focus();
    for (const key of ['Delete', 'Delete']) {
      await page.keyboard.press(key);
      await page.getByText('1 picture moved to the trash').waitFor();
    }
    const notices = page.getByRole('region', { name: 'Notices' });
    expect(await notices.locator('.toast').count()).toBe(1);
    const [notice, stage, words] = [await box(page, '.toast'), (await viewer(page).boundingBox())!, await box(page, '#prompt-box')];
    expect(notice.x).toBeLessThan(100);
    expect(notice.y, 'below the picture').toBeGreaterThanOrEqual(stage.y + stage.height);
    expect(notice.y + notice.height, 'above the words').toBeLessThanOrEqual(words.y);
    await shot(page, 'create-notice');
    await notices.locator('.toast').waitFor({ state: 'detached', timeout: 8_000 });
  });

  it('F6 and Esc lead from the prompt to the picture, and on to the one that is chosen', async () => {
    await using opened = await open({ query: 'pictures=12', screen: 'create' });
    const { page } = opened;
    await finished(page).waitFor();
    await page.getByRole('listbox', { name: 'Latest pictures' }).getByRole('option').nth(4).click();
    await prompt(page).focus();
    await page.keyboard.press('F6');
    expect(await region(page)).toBe('viewer');
    const passed: (string | null)[] = [];
    for (let press = 0; press < 8 && passed.at(-1) !== 'filmstrip'; press += 1) {
      await page.keyboard.press('F6');
      passed.push(await region(page));
    }
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-selected')), 'the one that is looked at').toBe('true');
    await prompt(page).focus();
    await page.keyboard.press('Escape');
    expect(await region(page)).toBe('viewer');
    await page.keyboard.press('/');
    expect([await inPrompt(page), await prompt(page).inputValue()]).toEqual([true, '']);
  });

  it('Tab goes through everything and comes back', async () => {
    await using opened = await open({ query: 'pictures=12', screen: 'create' });
    const { page } = opened;
    await finished(page).waitFor();
    await prompt(page).focus();
    const passed = new Set<string>();
    let back = false;
    for (let press = 0; press < 90 && !back; press += 1) {
      await page.keyboard.press('Tab');
      passed.add((await region(page)) ?? '');
      back = press > 3 && (await inPrompt(page));
    }
    expect(back).toBe(true);
    for (const one of ['rail', 'viewer', 'picture', 'filmstrip', 'inspector', 'composer']) expect([...passed]).toContain(one);
  });

  it('long seeds are shown whole', async () => {
    await using opened = await open({ query: 'pictures=3', screen: 'create' });
    const { page } = opened;
    await recipe(page);
    const field = page.getByLabel('Seed', { exact: true });
    await field.fill('965400086123456789');
    await field.press('Enter');
    expect(await field.evaluate((one: HTMLInputElement) => one.scrollWidth <= one.clientWidth)).toBe(true);
    await page.getByRole('tab', { name: 'This picture' }).click();
    const seed = page.locator('.made dd').first();
    expect(await seed.evaluate((one) => one.scrollWidth <= one.clientWidth)).toBe(true);
  });
});

describe('changes', () => {
  it('of settings and of the lock come back by key, and from the list', async () => {
    await using opened = await open({ query: 'pictures=12', screen: 'create' });
    const { page } = opened;
    await finished(page).waitFor();
    await recipe(page);
    const seen = await viewer(page).locator('img').first().getAttribute('src');
    await page.locator('[data-action="seed.lock"]').click();
    const locked = async () => (await draft(page)).seed;
    await expect.poll(locked).toBe(await studio(page, 'studio.cards.find((one) => one.trashed_at === null).seed'));
    await page.getByRole('textbox', { name: 'Steps' }).click();
    for (let press = 0; press < 3; press += 1) await page.keyboard.press('ArrowUp');
    await expect.poll(async () => (await draft(page)).steps).toBe(7);
    await page.keyboard.press('Control+z');
    await expect.poll(async () => (await draft(page)).steps, { message: 'counting up is one change' }).toBe(null);
    await page.keyboard.press('Control+z');
    await expect.poll(locked).toBe(null);
    await page.keyboard.press('Control+Shift+z');
    await expect.poll(locked).toMatch(/^\d+$/);
    await page.locator('[data-action="undo.list"]').click();
    await page.getByRole('menuitem', { name: 'Seed changed' }).first().waitFor();
    await shot(page, 'create-undo');
    expect(await axe(page)).toEqual([]);
    await page.getByRole('menuitem', { name: 'Seed changed' }).first().click();
    await expect.poll(locked).toBe(null);
    expect(await viewer(page).locator('img').first().getAttribute('src')).toBe(seen);
  });

  it('of the program’s own settings come back too', async () => {
    await using opened = await open({ screen: 'settings' });
    const { page } = opened;
    const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
    await page.getByText('Light', { exact: true }).click();
    await expect.poll(theme).toBe('light');
    await page.keyboard.press('Control+z');
    await expect.poll(theme).toBe('dark');
  });
});

describe('the queue', () => {
  it('shows thirty that were asked for at once as one row, which opens', async () => {
    await using opened = await open({ query: 'pictures=3&step=30000', screen: 'create' });
    const { page } = opened;
    const make = async (text: string, count: number) => {
      await prompt(page).fill(text);
      const many = page.getByRole('textbox', { name: 'How many' });
      await many.fill(String(count));
      const before = await jobs(page);
      await many.press('Control+Enter');
      await expect.poll(() => jobs(page)).toBe(before + count);
    };
    await make('a whale', 1);
    await make('a red fox', 30);
    await make('a cat', 1);
    await page.locator('#queue-button').click();
    const panel = page.getByRole('complementary', { name: 'Queue' });
    const rows = panel.getByRole('listitem');
    await expect.poll(() => rows.count()).toBe(3);
    const [at, words] = [await panel.boundingBox(), await box(page, '#prompt-box')];
    expect(at!.y + at!.height, 'it covers nothing of the prompt').toBeLessThanOrEqual(words.y);
    await shot(page, 'create-queue-runs');
    expect(await axe(page)).toEqual([]);
    await panel.getByRole('button', { name: '×30 a red fox' }).click();
    await expect.poll(() => rows.count()).toBe(33);
    expect(await axe(page)).toEqual([]);
    await rows.filter({ hasText: 'a cat' }).getByRole('button', { name: 'Earlier' }).click();
    await expect.poll(() => studio(page, "studio.engine.jobs.findIndex((one) => one.request.prompt === 'a cat')"), { message: 'before all of them' }).toBe(1);
    await panel.locator('[data-action="queue.cancel_run"]').click();
    await expect.poll(() => studio(page, "studio.engine.jobs.filter((one) => one.state === 'cancelled').length")).toBe(30);
    expect(await page.locator('.rail .count').textContent()).toBe('2');
  });

  it('lets a new idea go first with a button of the composer', async () => {
    await using opened = await open({ query: 'pictures=3&step=30000', screen: 'create' });
    const { page } = opened;
    for (const word of ['one', 'two', 'three']) {
      await prompt(page).fill(word);
      await page.keyboard.press('Control+Enter');
      await expect.poll(() => studio<number>(page, `studio.engine.jobs.filter((one) => one.request.prompt === '${word}').length`)).toBe(1);
    }
    await prompt(page).fill('first');
    await page.locator('[data-action="create.run_next"]').click();
    await expect.poll(() => studio(page, "studio.engine.jobs.filter((one) => one.state === 'waiting').map((one) => one.request.prompt)")).toEqual(['first', 'two', 'three']);
    expect(await inPrompt(page)).toBe(true);
  });
});
