/** Making pictures, as a person does it: by pointer and by keyboard, and each state looked at by axe. */
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { axe, clipped, closeBrowser, finished, made, open, prompt, recipe, shot, SMALLEST, studio, viewer } from './browser';

afterAll(closeBrowser);

const cells = (page: Page) => page.getByRole('listbox', { name: 'Latest pictures' }).getByRole('option');

it('leads from nothing to the first picture with one press', async () => {
  await using opened = await open({ query: 'empty&step=20', screen: 'create' });
  const { page } = opened;
  await page.locator('[data-action="first.0"]').click();
  await finished(page).waitFor();
  expect(await finished(page).getAttribute('alt')).toBe('a red fox on a snowy beach, paper cut');
  await expect.poll(() => cells(page).count()).toBe(1);
});

it('leads to the first picture by keyboard, and shows where the keyboard is', async () => {
  await using opened = await open({ query: 'empty&step=20', screen: 'create' });
  const { page } = opened;
  const last = page.locator('[data-action="first.2"]');
  await expect.poll(() => last.isEnabled()).toBe(true);
  const here = () => page.evaluate(() => (document.activeElement as HTMLElement).dataset.action ?? null);
  const passed: (string | null)[] = [];
  for (let press = 0; press < 20 && passed.at(-1) !== 'first.0'; press += 1) {
    await page.keyboard.press('Shift+Tab');
    passed.push(await here());
    if (passed.at(-1) === 'first.2') await shot(page, 'first-focus');
  }
  expect(passed.slice(-3), 'one after the other').toEqual(['first.2', 'first.1', 'first.0']);
  const ring = await page.evaluate(() => getComputedStyle(document.activeElement!).outline);
  expect(ring).toMatch(/solid 2px/);
  await page.keyboard.press('Enter');
  await finished(page).waitFor();
});

it('shows the steps in place, and the picture in the same place', async () => {
  await using opened = await open({ query: 'pictures=3&step=150', screen: 'create' });
  const { page } = opened;
  await prompt(page).fill('a teapot');
  await page.keyboard.press('Control+Enter');
  const preview = viewer(page).locator('img[data-preview]');
  await preview.waitFor();
  const before = await preview.boundingBox();
  await finished(page).and(page.locator('[alt="a teapot"]')).waitFor();
  expect(await finished(page).boundingBox()).toEqual(before);
  // The caret never left the prompt.
  expect(await prompt(page).evaluate((one) => one === document.activeElement)).toBe(true);
});

it('asks for guidance where what to leave out would not be heard', async () => {
  await using opened = await open({ query: 'step=20', screen: 'create' });
  const { page } = opened;
  await recipe(page);
  const guide = page.getByRole('button', { name: 'Set guidance to 1.5' });
  expect(await guide.count(), 'nothing is to be left out yet').toBe(0);
  await prompt(page).fill('a fox in a forest');
  await page.getByRole('textbox', { name: 'Leave out' }).fill('snow');
  await guide.waitFor();
  await shot(page, 'leave-out');
  expect(await clipped(page)).toEqual([]);
  expect(await axe(page)).toEqual([]);
  await guide.click();
  await guide.waitFor({ state: 'detached' });
  await page.keyboard.press('Control+Enter');
  await page.locator('[alt="a fox in a forest"]').first().waitFor();
});

it('shows and takes over a picture that was made of one reference twice', async () => {
  await using opened = await open({ query: 'pictures=12&step=5', screen: 'create' });
  const { page } = opened;
  await made(page, 'a mug');
  await finished(page).and(page.locator('[alt="a mug"]')).waitFor();
  await studio(page, "(studio.detail(studio.cards[0].id).recipe.references = ['subject', 'edit'].map((role) => ({ asset: studio.cards[1].id, role, name: 'mug' })), studio.tell({ kind: 'pictures', ids: [studio.cards[0].id] }))");
  const roles = page.getByLabel('What mug is for');
  await viewer(page).focus();
  await page.keyboard.press('a');
  await expect.poll(() => roles.count()).toBe(2);
  await page.reload();
  await expect.poll(() => roles.count(), { message: 'it is remembered as it is' }).toBe(2);
  await page.getByRole('button', { name: 'Remove mug' }).last().click();
  await expect.poll(() => roles.count()).toBe(1);
  expect(await roles.inputValue()).toBe('subject');
});

it('offers the words that the model knows', async () => {
  await using opened = await open({ screen: 'create' });
  const { page } = opened;
  await prompt(page).click();
  await page.keyboard.type('a fox on a sn');
  await page.getByRole('option', { name: /on a snowy beach/ }).waitFor();
  expect(await axe(page)).toEqual([]);
  await page.keyboard.press('Tab');
  expect(await prompt(page).inputValue()).toBe('a fox on a snowy beach ');
});

it('changes weights and recalls prompts of before by keys', async () => {
  await using opened = await open({ query: 'empty&step=5', screen: 'create' });
  const { page } = opened;
  await made(page, 'a fox');
  await prompt(page).fill('a cat');
  await page.keyboard.press('End');
  await page.keyboard.press('Control+ArrowUp');
  expect(await prompt(page).inputValue()).toBe('a (cat:1.1)');
  await page.keyboard.press('Alt+ArrowUp');
  await expect.poll(() => prompt(page).inputValue()).toBe('a fox');
  await page.keyboard.press('Alt+ArrowDown');
  await expect.poll(() => prompt(page).inputValue()).toBe('a (cat:1.1)');
});

it('takes a picture dragged from the strip onto the prompt as a reference', async () => {
  await using opened = await open({ query: 'pictures=12', screen: 'create' });
  const { page } = opened;
  await cells(page).last().hover();
  await page.mouse.down();
  const at = await prompt(page).boundingBox();
  await page.mouse.move((at?.x ?? 0) + 60, (at?.y ?? 0) + 10, { steps: 8 });
  await page.locator('.ghost').getByText('Use as reference').waitFor();
  await shot(page, 'create-dragging');
  await page.mouse.up();
  await page.getByLabel(/^What .* is for$/).waitFor();
  expect(await axe(page)).toEqual([]);
});

it('takes files dropped on the prompt as references, and offers the settings of one dropped on the picture', async () => {
  await using opened = await open({ query: 'pictures=12', screen: 'create' });
  const { page } = opened;
  const drop = (x: number, y: number, path: string) =>
    page.evaluate((drop) => (window as unknown as { fake: { drop(drop: unknown): void } }).fake.drop(drop), { kind: 'drop', x, y, paths: [path] });
  const at = await prompt(page).boundingBox();
  await drop((at?.x ?? 0) + 40, (at?.y ?? 0) + 10, '/a/mug.png');
  await page.getByRole('group', { name: 'mug.png' }).waitFor();
  await drop(500, 300, '/a/lighthouse-a1111.png');
  await page.getByRole('dialog', { name: /Settings from/ }).waitFor();
});

it('shows only the picture by key and everything again, and Tab leads on from it', async () => {
  await using opened = await open({ query: 'pictures=12', screen: 'create' });
  const { page } = opened;
  await finished(page).waitFor();
  await viewer(page).focus();
  await page.keyboard.press('Control+.');
  await expect.poll(() => prompt(page).count()).toBe(0);
  await page.keyboard.press('Control+.');
  await prompt(page).waitFor();
  await viewer(page).focus();
  const passed = new Set<string>();
  for (let press = 0; press < 60 && !passed.has('prompt'); press += 1) {
    await page.keyboard.press('Tab');
    passed.add(await page.evaluate(() => document.activeElement?.id || document.activeElement?.closest<HTMLElement>('[data-region]')?.dataset.region || ''));
    if (await prompt(page).evaluate((one) => one === document.activeElement)) passed.add('prompt');
  }
  expect([...passed]).toEqual(expect.arrayContaining(['picture', 'filmstrip', 'inspector', 'prompt']));
});

it('compares with the picture before: held, swapped and side by side', async () => {
  await using opened = await open({ query: 'pictures=12', screen: 'create' });
  const { page } = opened;
  await finished(page).waitFor();
  await viewer(page).focus();
  const shown = () => finished(page).first().getAttribute('src');
  const own = await shown();
  await page.keyboard.down('Alt');
  await expect.poll(shown).not.toBe(own);
  await page.keyboard.up('Alt');
  await expect.poll(shown).toBe(own);
  await page.keyboard.press('c');
  await expect.poll(shown).not.toBe(own);
  await page.keyboard.press('c');
  await viewer(page).hover();
  await page.locator('[data-action="middle.compare"]').click();
  const divide = page.getByRole('slider', { name: /before ends/ });
  await divide.focus();
  await page.keyboard.press('ArrowRight');
  expect(await divide.getAttribute('aria-valuenow')).toBe('52');
  // What is clear, or of another shape, would show the one through the other.
  const clips = () => viewer(page).locator('.picture img').evaluateAll((both) => both.map((one) => getComputedStyle(one).clipPath));
  expect(await clips()).toEqual(['inset(0px 0px 0px 52%)', 'inset(0px 48% 0px 0px)']);
  expect(await viewer(page).locator('.side').allTextContents(), 'neither came of the other').toEqual(['Earlier', 'Later']);
  expect(await axe(page)).toEqual([]);
});

it('goes on with the neighbour of a picture that is deleted, by keyboard from the strip', async () => {
  await using opened = await open({ query: 'pictures=12', screen: 'create' });
  const { page } = opened;
  await finished(page).waitFor();
  const ids = await cells(page).evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.id));
  const here = () => page.evaluate(() => [document.activeElement, document.querySelector('[data-region="filmstrip"] [aria-selected="true"]')].map((one) => (one as HTMLElement | null)?.dataset.id ?? null));
  await cells(page).nth(4).click();
  await page.keyboard.press('Delete');
  await expect.poll(here).toEqual([ids[5], ids[5]]);
  await page.keyboard.press('Delete');
  await expect.poll(here).toEqual([ids[6], ids[6]]);
  await page.keyboard.press('ArrowLeft');
  await expect.poll(here).toEqual([ids[3], ids[3]]);
});

it('varies a picture and says how different the variations are', async () => {
  await using opened = await open({ query: 'empty&step=5', screen: 'create' });
  const { page } = opened;
  await made(page, 'a mug');
  await page.locator('[data-action="picture.vary"]').click();
  await page.locator('[data-action="vary.make"]').click();
  await expect.poll(() => page.getByRole('region', { name: 'Variations' }).getByRole('listitem').count()).toBe(4);
  await page.getByText(/^(Near-copies|Close|Varied)$/).waitFor();
  expect(await studio<string[]>(page, 'studio.engine.jobs.slice(-4).map((one) => one.request.parents[0].relation)')).toEqual(Array(4).fill('variation'));
  expect(await axe(page)).toEqual([]);
});

it('reorders, cancels and retries in the queue by keyboard', async () => {
  await using opened = await open({ query: 'pictures=3&step=30000', screen: 'create' });
  const { page } = opened;
  for (const word of ['one', 'two', 'three', 'four']) {
    await prompt(page).fill(word);
    await page.keyboard.press('Control+Enter');
    await expect.poll(() => studio<number>(page, `studio.engine.jobs.filter((one) => one.request.prompt === '${word}').length`)).toBe(1);
  }
  await page.locator('#queue-button').click();
  const panel = page.getByRole('complementary', { name: 'Queue' });
  const waiting = () => studio<string[]>(page, "studio.engine.jobs.filter((one) => one.state === 'waiting').map((one) => one.request.prompt)");
  const row = panel.getByRole('listitem').filter({ hasText: 'three' });
  await row.getByRole('button', { name: 'Earlier' }).focus();
  await page.keyboard.press('Alt+ArrowUp');
  await expect.poll(waiting).toEqual(['three', 'two', 'four']);
  await panel.getByRole('listitem').filter({ hasText: 'four' }).getByRole('button', { name: 'Make this next' }).click();
  await expect.poll(waiting).toEqual(['four', 'three', 'two']);
  await panel.getByRole('listitem').filter({ hasText: 'three' }).getByRole('button', { name: 'Cancel' }).click();
  await expect.poll(waiting).toEqual(['four', 'two']);
  await shot(page, 'create-queue');
  expect(await axe(page)).toEqual([]);
  await panel.getByRole('listitem').filter({ hasText: 'three' }).getByRole('button', { name: 'Try again' }).click();
  await expect.poll(waiting).toContain('three');
  await page.keyboard.press('Escape');
  expect(await page.locator('#queue-button').evaluate((one) => one === document.activeElement)).toBe(true);
});

it('comes back paused after a crash and asks what to do', async () => {
  await using opened = await open({ query: 'pictures=3&crash=3&step=5', screen: 'create' });
  const { page } = opened;
  await page.getByText('3 renders were waiting').waitFor();
  await shot(page, 'create-after-crash');
  expect(await axe(page)).toEqual([]);
  await page.locator('[data-action="queue.notice.resume"]').click();
  await expect.poll(() => studio<number>(page, "studio.engine.jobs.filter((one) => one.state === 'done').length")).toBe(3);
});

it('finds every action in the palette and runs it', async () => {
  await using opened = await open({ query: 'pictures=3', screen: 'create' });
  const { page } = opened;
  await page.keyboard.press('Control+k');
  await page.keyboard.type('trash');
  expect(await axe(page)).toEqual([]);
  await page.keyboard.press('Enter');
  await page.getByText('1 picture moved to the trash').waitFor();
  await page.getByRole('region', { name: 'Notices' }).getByRole('button', { name: 'Undo', exact: true }).click();
  await expect.poll(() => studio<number>(page, 'studio.cards.filter((one) => one.trashed_at !== null).length')).toBe(0);
});

it('says beside the field what is wrong', async () => {
  await using opened = await open({ query: 'pictures=3', screen: 'create' });
  const { page } = opened;
  await prompt(page).fill('a fox');
  await recipe(page);
  await page.getByLabel('Seed', { exact: true }).fill('three');
  await page.keyboard.press('Tab');
  await page.getByRole('alert').filter({ hasText: 'A seed is a whole number' }).waitFor();
  await shot(page, 'create-refused');
  expect(await axe(page)).toEqual([]);
  expect(await page.locator('[data-action="create.run"]').isDisabled(), 'what cannot be made is not offered').toBe(true);
  // Where its field is not on the screen it is said under the words, with the same way out.
  await page.getByRole('tab', { name: 'This picture' }).click();
  const said = page.locator('[data-foot]');
  await said.getByRole('alert').filter({ hasText: 'A seed is a whole number' }).waitFor();
  await said.getByRole('button', { name: 'Use a random seed' }).click();
  await said.getByRole('alert').waitFor({ state: 'detached' });
  await expect.poll(() => page.locator('[data-action="create.run"]').isEnabled()).toBe(true);
});

it('makes the picture of what stands in a field that one has not left', async () => {
  await using opened = await open({ query: 'pictures=3&step=20', screen: 'create' });
  const { page } = opened;
  await prompt(page).fill('a fox');
  await recipe(page);
  const asked = () => studio<string>(page, 'studio.engine.jobs.map(({ request }) => `${request.steps} ${request.seed}`).at(-1)');
  await page.getByRole('textbox', { name: 'Steps' }).first().click();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('7');
  await page.keyboard.press('Control+Enter');
  await expect.poll(asked).toMatch(/^7 /);
  await page.getByLabel('Seed', { exact: true }).click();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('4711');
  await page.keyboard.press('Control+Enter');
  await expect.poll(asked).toBe('7 4711');
});

it('has room in the smallest window for what one does with a picture', async () => {
  await using opened = await open({ query: 'pictures=3', screen: 'create', size: SMALLEST });
  const { page } = opened;
  await finished(page).waitFor();
  const over = () => page.locator('[data-region="picture"]').evaluate((bar) => bar.scrollWidth - bar.clientWidth);
  expect(await over()).toBe(0);
  await viewer(page).focus();
  await page.keyboard.press('m');
  await page.locator('[data-action="mask.leave"]').waitFor();
  expect(await over(), 'while one paints').toBe(0);
  await page.keyboard.press('Escape');
  await page.locator('[data-action="picture.edit"]').waitFor();
});

it('shows the number that it takes', async () => {
  await using opened = await open({ query: 'pictures=3', screen: 'create' });
  const { page } = opened;
  const count = page.getByRole('textbox', { name: 'How many' });
  for (const [typed, taken] of [['500', '100'], ['700', '100'], ['2.6', '3'], ['0', '1']]) {
    await count.fill(typed ?? '');
    await count.press('Enter');
    expect(await count.inputValue(), typed).toBe(taken);
  }
});

it('keeps what to leave out open while one empties it', async () => {
  await using opened = await open({ query: 'pictures=3', screen: 'create' });
  const { page } = opened;
  await recipe(page);
  await page.getByRole('textbox', { name: 'Leave out' }).fill('snow');
  const leaveOut = page.getByRole('textbox', { name: 'Leave out' });
  await leaveOut.focus();
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Backspace');
  await page.keyboard.type('q5');
  expect(await leaveOut.inputValue()).toBe('q5');
  expect(await page.getByRole('complementary', { name: 'Queue' }).count(), 'no letter is a key').toBe(0);
});

it('says aloud that a picture is there', async () => {
  await using opened = await open({ query: 'pictures=3&step=5', screen: 'create' });
  const { page } = opened;
  await prompt(page).fill('a teapot');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('status').filter({ hasText: 'Picture made: a teapot' }).waitFor({ state: 'attached' });
});

it('leaves off dragging with Escape, and the picture where it is', async () => {
  await using opened = await open({ query: 'pictures=12', screen: 'create' });
  const { page } = opened;
  await finished(page).waitFor();
  const before = await finished(page).getAttribute('src');
  await cells(page).nth(3).hover();
  await page.mouse.down();
  const at = (await prompt(page).boundingBox())!;
  await page.mouse.move(at.x + 60, at.y + 10, { steps: 8 });
  await page.locator('.ghost').waitFor();
  await page.keyboard.press('Escape');
  await page.mouse.move(at.x + 90, at.y + 12, { steps: 4 });
  expect(await page.locator('.ghost').count()).toBe(0);
  await page.mouse.up();
  expect(await page.getByLabel(/^What .* is for$/).count()).toBe(0);
  expect(await finished(page).getAttribute('src')).toBe(before);
});

it('draws while one types, and keeps nothing of it', async () => {
  await using opened = await open({ query: 'pictures=3&step=20', screen: 'create' });
  const { page } = opened;
  await page.getByRole('switch', { name: 'Live' }).click();
  await prompt(page).fill('a whale');
  await viewer(page).locator('img[data-preview]').waitFor();
  await page.getByText('Live draft, not kept').waitFor();
  expect(await studio<number>(page, 'studio.cards.length')).toBe(3);
  await page.getByRole('switch', { name: 'Live' }).click();
  await finished(page).waitFor();
});

it('remembers how wide the panels were', async () => {
  await using opened = await open({ query: 'pictures=3', screen: 'create' });
  const { page } = opened;
  const edge = page.getByRole('separator', { name: 'Width of the inspector' });
  await edge.focus();
  for (let press = 0; press < 3; press += 1) await page.keyboard.press('ArrowLeft');
  await page.reload();
  await edge.waitFor();
  expect(await edge.getAttribute('aria-valuenow')).toBe('344');
});

describe.each(['dark', 'light'])('%s', (theme) => {
  it.each([
    ['first', 'empty'],
    ['modelless', 'empty&modelless'],
    ['damaged', 'startup=damaged'],
    ['in-use', 'startup=in_use'],
  ])('%s', async (name, query) => {
    await using opened = await open({ query: `${query}&theme=${theme}`, screen: 'create', size: SMALLEST, waits: query.startsWith('startup') ? 'main' : undefined });
    const { page } = opened;
    await page.locator('h1, h2').first().waitFor();
    await shot(page, `${name}-${theme}`);
    expect(await clipped(page)).toEqual([]);
    expect(await axe(page)).toEqual([]);
  });
});
