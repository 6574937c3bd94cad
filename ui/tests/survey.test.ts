/** Pictures beside one another: seen at one size and one zoom, picked and rejected without a mouse. */
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { axe, clipped, closeBrowser, DESIGN, draft, finished, grid, open, prompt, shot, shown, SMALLEST, studio, viewer, type Opened } from './browser';

afterAll(closeBrowser);

const ones = (page: Page) => page.locator('[data-survey]');
const here = (page: Page) => page.locator('[data-survey].here').getAttribute('data-survey');
const ids = (page: Page) => ones(page).evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.survey!));
const count = (page: Page, of: number) => expect.poll(() => ones(page).count()).toBe(of);
const rating = (page: Page, id: string | null) => studio<number>(page, `studio.card('${id}').rating`);
const trashed = (page: Page) => studio<number>(page, 'studio.cards.filter((one) => one.trashed_at !== null).length');

/** A run of so many pictures, all of them there. */
async function ran(many: number, query = '', size = DESIGN): Promise<Opened> {
  const opened = await open({ query: `pictures=6&step=5&${query}`, screen: 'create', size });
  const { page } = opened;
  await finished(page).waitFor();
  await prompt(page).fill('a red fox in the snow');
  await page.getByRole('textbox', { name: 'How many' }).fill(String(many));
  await prompt(page).focus();
  await page.keyboard.press('Control+Enter');
  await count(page, Math.min(9, many));
  await expect.poll(() => page.locator('.survey .coming').count()).toBe(0);
  await expect.poll(() => studio<number>(page, 'studio.engine.queue().waiting')).toBe(0);
  return opened;
}

it('opens a run of several side by side, and all of it by keyboard from the prompt and back', async () => {
  await using opened = await ran(6);
  const { page } = opened;
  expect(await prompt(page).evaluate((one) => one === document.activeElement), 'one goes on writing').toBe(true);
  const all = await ids(page);
  const sizes = await ones(page).locator('.picture').evaluateAll((every) => every.map((one) => `${one.clientWidth}x${one.clientHeight}`));
  expect(new Set(sizes).size, 'all of one size').toBe(1);

  await page.keyboard.press('Escape');
  await page.keyboard.press('3');
  await expect.poll(() => here(page)).toBe(all[2]);
  await page.keyboard.press('p');
  await expect.poll(() => rating(page, all[2]!)).toBe(1);
  await page.keyboard.press('5');
  await expect.poll(() => here(page)).toBe(all[4]);
  expect(await rating(page, all[4]!), 'a digit looks and does not rate').toBe(0);
  await page.keyboard.press('x');
  await page.keyboard.press('ArrowRight');
  await expect.poll(() => here(page)).toBe(all[5]);
  await page.keyboard.press('x');
  await expect.poll(() => ones(page).locator('.word').count()).toBe(2);

  const before = await trashed(page);
  await page.keyboard.press('Shift+Delete');
  await count(page, 4);
  expect(await trashed(page)).toBe(before + 2);
  await page.keyboard.press('Control+z');
  await count(page, 6);
  expect(await trashed(page), 'both in one step').toBe(before);

  await page.keyboard.press('/');
  expect(await prompt(page).evaluate((one) => one === document.activeElement)).toBe(true);
  expect(await prompt(page).inputValue(), 'and nothing was written').toBe('a red fox in the snow');
});

it('is reached by F6 from the prompt, too', async () => {
  await using opened = await ran(3);
  const { page } = opened;
  await page.keyboard.press('F6');
  const region = () => page.evaluate(() => document.activeElement?.closest<HTMLElement>('[data-region]')?.dataset.region);
  expect(await region()).toBe('viewer');
  await page.keyboard.press('2');
  await expect.poll(() => here(page)).toBe((await ids(page))[1]);
});

it('looks into all of them at one zoom, pushed about together', async () => {
  await using opened = await ran(4);
  const { page } = opened;
  const ways = () => ones(page).locator('img').evaluateAll((all) => all.map((one) => (one as HTMLElement).style.transform));
  const at = (await ones(page).nth(1).locator('.picture').boundingBox())!;
  await page.mouse.move(at.x + at.width * 0.25, at.y + at.height * 0.25);
  await page.mouse.wheel(0, -600);
  await expect.poll(async () => new Set(await ways()).size).toBe(1);
  const zoomed = (await ways())[0]!;
  expect(zoomed).not.toContain('scale(1)');
  await page.mouse.down();
  await page.mouse.move(at.x + at.width * 0.25 - 30, at.y + at.height * 0.25 - 20, { steps: 3 });
  await page.mouse.up();
  await expect.poll(async () => (await ways())[0]).not.toBe(zoomed);
  expect(new Set(await ways()).size).toBe(1);
  await page.keyboard.press('Control+0');
  await expect.poll(async () => (await ways())[0]).toContain('scale(1)');
});

it('goes from view to view by one key, looks closely and comes back', async () => {
  await using opened = await ran(3);
  const { page } = opened;
  const middle = () => viewer(page).getAttribute('data-middle');
  await page.keyboard.press('Escape');
  expect(await middle()).toBe('survey');
  await page.keyboard.press('n');
  await expect.poll(middle).toBe('compare');
  await page.keyboard.press('n');
  await expect.poll(middle).toBe('single');
  await page.keyboard.press('n');
  await expect.poll(middle).toBe('survey');
  const all = await ids(page);
  await page.keyboard.press('2');
  await page.keyboard.press('Enter');
  await expect.poll(middle).toBe('single');
  await page.getByText('2 of 3').waitFor();
  await shot(page, 'survey-close');
  await viewer(page).focus();
  await page.keyboard.press('ArrowRight');
  await page.getByText('3 of 3').waitFor();
  await page.keyboard.press('p');
  await expect.poll(() => rating(page, all[2]!)).toBe(1);
  await page.keyboard.press('Escape');
  await expect.poll(middle).toBe('survey');
});

it('goes through a run of twelve nine at a time', async () => {
  await using opened = await ran(12);
  const { page } = opened;
  await page.getByText('1–9', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('End');
  await count(page, 3);
  await page.getByText('10–12', { exact: true }).waitFor();
  await page.keyboard.press('1');
  await expect.poll(() => here(page)).toBe((await ids(page))[0]);
});

it('shows those that are being made where they will be, and cancels them from a place of its own', async () => {
  await using opened = await open({ query: 'pictures=3&step=400', screen: 'create' });
  const { page } = opened;
  await finished(page).waitFor();
  await prompt(page).fill('a fox');
  const count = page.getByRole('textbox', { name: 'How many' });
  await count.fill('4');
  await count.press('Enter');
  await prompt(page).focus();
  await page.keyboard.press('Control+Enter');
  await viewer(page).locator('img[data-preview]').waitFor();
  await expect.poll(() => page.locator('.survey .coming').count()).toBe(4);
  await shot(page, 'survey-coming');
  expect(await axe(page)).toEqual([]);
  const cancel = page.locator('[data-action="picture.cancel"]');
  const at = (await cancel.boundingBox())!;
  await cancel.click();
  await cancel.waitFor({ state: 'detached' });
  const under = await page.evaluate(([x, y]) => document.elementFromPoint(x!, y!)?.closest('button')?.dataset.action ?? null, [at.x + at.width / 2, at.y + at.height / 2]);
  expect(under, 'nothing takes its place').toBe(null);
  await expect.poll(() => studio<number>(page, "studio.engine.jobs.filter((one) => one.state === 'cancelled').length")).toBeGreaterThan(2);
  await finished(page).first().waitFor();
});

describe.each(['dark', 'light'])('%s', (theme) => {
  it.each([
    ['1280', DESIGN],
    ['960', SMALLEST],
  ])('looks well at %s', async (name, size) => {
    await using opened = await ran(8, `theme=${theme}`, size);
    const { page } = opened;
    await page.keyboard.press('Escape');
    await page.keyboard.press('2');
    await page.keyboard.press('p');
    await page.keyboard.press('5');
    await page.keyboard.press('x');
    await page.keyboard.press('6');
    await page.locator('[data-action="survey.trash"]').waitFor();
    await shot(page, `survey-${theme}-${name}`);
    expect(await clipped(page)).toEqual([]);
    expect(await axe(page)).toEqual([]);
  });
});

const cells = (page: Page) => page.getByRole('listbox', { name: 'Latest pictures' }).getByRole('option');

describe('the filmstrip', () => {
  it('piles up what was asked for at once, the pick on top, and opens it', async () => {
    await using opened = await ran(4);
    const { page } = opened;
    await expect.poll(() => cells(page).count()).toBe(7);
    const pile = cells(page).last();
    expect(await pile.getAttribute('aria-label')).toBe('a red fox in the snow, 4 pictures');
    const all = await ids(page);
    await page.keyboard.press('Escape');
    await page.keyboard.press('2');
    await page.keyboard.press('p');
    await expect.poll(() => pile.getAttribute('data-id')).toBe(all[1]);
    await cells(page).first().click();
    await expect.poll(() => viewer(page).getAttribute('data-middle')).toBe('single');
    await shot(page, 'filmstrip-pile');
    expect(await axe(page)).toEqual([]);
    await pile.click();
    await count(page, 4);
    expect(await here(page)).toBe(all[1]);
  });

  it('stays where one looks while pictures come', async () => {
    await using opened = await open({ query: 'pictures=60&step=5', screen: 'create' });
    const { page } = opened;
    await finished(page).waitFor();
    const strip = page.getByRole('listbox', { name: 'Latest pictures' });
    await cells(page).nth(20).click();
    const id = await cells(page).nth(20).getAttribute('data-id');
    const left = () => strip.evaluate((box, id) => box.querySelector(`[data-id="${id}"]`)!.getBoundingClientRect().left, id);
    const before = await left();
    const scrolled = await strip.evaluate((box) => box.scrollLeft);
    expect(scrolled).toBeGreaterThan(0);
    await studio(page, "call('render', { request: { ...studio.detail(studio.cards.find((one) => one.source === 'likeness').id).recipe, model: null, width: 128, height: 128, count: 30 }, place: 'last', interactive: false })");
    await expect.poll(() => studio<number>(page, 'studio.cards.length')).toBe(90);
    await expect.poll(() => cells(page).last().getAttribute('aria-label')).toMatch(/30 pictures/);
    expect(Math.abs((await left()) - before)).toBeLessThan(2);
  });
});

it('keeps the size of the picture while the prompt grows', async () => {
  await using opened = await open({ query: 'pictures=6', screen: 'create' });
  const { page } = opened;
  await finished(page).waitFor();
  const before = await finished(page).boundingBox();
  const low = await prompt(page).boundingBox();
  await prompt(page).fill('a fox, '.repeat(120));
  await expect.poll(async () => (await prompt(page).boundingBox())!.height).toBeGreaterThan(low!.height + 20);
  await shot(page, 'prompt-grown');
  expect(await finished(page).boundingBox()).toEqual(before);
  expect(await axe(page)).toEqual([]);
});

it('compares with what a picture came from, and says truly which was first', async () => {
  await using opened = await open({ query: 'pictures=6&step=5', screen: 'create' });
  const { page } = opened;
  await finished(page).waitFor();
  const sides = () => viewer(page).locator('.side').allTextContents();
  const source = await cells(page).last().getAttribute('data-id');
  await viewer(page).focus();
  await page.keyboard.press('e');
  await prompt(page).fill('make it green');
  await page.keyboard.press('Control+Enter');
  await expect.poll(() => cells(page).count()).toBe(7);
  await page.keyboard.press('Escape');
  await page.locator('[data-action="middle.compare"]').click();
  await expect.poll(sides).toEqual(['Before', 'After']);
  // The earliest of all is compared with a later one, which is on the right for that.
  await cells(page).first().click();
  await page.locator('[data-action="middle.compare"]').click();
  await expect.poll(sides).toEqual(['Earlier', 'Later']);
  const own = await cells(page).first().getAttribute('data-id');
  const clip = await viewer(page).locator('.picture img:not(.other)').evaluate((one) => (one as HTMLElement).style.clipPath);
  expect([own === source, clip], 'it is the one on the left').toEqual([false, 'inset(0px 50% 0px 0px)']);
});

it('holds the seed of the picture that is looked at', async () => {
  await using opened = await open({ query: 'pictures=6&step=5', screen: 'create' });
  const { page } = opened;
  await finished(page).waitFor();
  await prompt(page).fill('a fox');
  await page.keyboard.press('Control+Enter');
  await expect.poll(() => cells(page).count()).toBe(7);
  await cells(page).nth(2).click();
  const seed = await studio<string>(page, `studio.card('${await cells(page).nth(2).getAttribute('data-id')}').seed`);
  await page.keyboard.press('Control+k');
  await page.keyboard.type('hold the seed');
  await page.keyboard.press('Enter');
  await expect.poll(async () => (await draft(page)).seed).toBe(seed);
});

it('shows a picture again that comes back from the trash', async () => {
  await using opened = await open({ query: 'pictures=6', screen: 'create' });
  const { page } = opened;
  await finished(page).waitFor();
  await cells(page).nth(2).click();
  const id = await cells(page).nth(2).getAttribute('data-id');
  const shown = () => page.locator('[data-region="filmstrip"] [aria-selected="true"]').getAttribute('data-id');
  await page.keyboard.press('Delete');
  await expect.poll(shown).not.toBe(id);
  await page.keyboard.press('Control+z');
  await expect.poll(shown).toBe(id);
});

it('keeps the draft that is seen, with its seed', async () => {
  await using opened = await open({ query: 'pictures=3&step=20', screen: 'create' });
  const { page } = opened;
  await page.getByRole('switch', { name: 'Live' }).click();
  await prompt(page).fill('a whale');
  await page.getByText('Live draft, not kept').waitFor();
  await expect.poll(() => studio<string | null>(page, 'studio.engine.draft?.prompt ?? null')).toBe('a whale');
  const seed = await studio<string>(page, 'studio.engine.draft.seed');
  await page.keyboard.press('Control+Enter');
  await expect.poll(() => studio<number>(page, 'studio.cards.length')).toBe(4);
  expect(await studio<string>(page, 'studio.cards[0].prompt + studio.cards[0].seed')).toBe(`a whale${seed}`);
  expect(await studio<number>(page, 'studio.engine.jobs.length'), 'nothing is drawn anew').toBe(0);
  await finished(page).and(page.locator('[alt="a whale"]')).waitFor();
  await page.keyboard.press('Control+Enter');
  await expect.poll(() => studio<number>(page, 'studio.cards.length'), { message: 'and asked for again, another one' }).toBe(5);
});

it('says at the picture that an edit changed nothing, and what could be tried', async () => {
  await using opened = await open({ query: 'pictures=6&step=5', screen: 'create' });
  const { page } = opened;
  await finished(page).waitFor();
  await viewer(page).focus();
  await page.keyboard.press('e');
  await prompt(page).fill('add a hat');
  await page.keyboard.press('Control+Enter');
  const note = page.getByRole('status').filter({ hasText: 'Nothing changed' });
  await note.waitFor();
  await shot(page, 'unchanged');
  expect(await axe(page)).toEqual([]);
  await page.locator('[data-action="unchanged.unguarded"]').click();
  await note.waitFor({ state: 'detached' });
  expect(await studio(page, 'studio.engine.jobs.map(({ request }) => request.references[0].guard ?? null)')).toEqual([null, false]);
  expect(await studio(page, 'new Set(studio.engine.jobs.map(({ request }) => request.seed)).size'), 'at the same seed').toBe(1);
});

describe('the library', () => {
  it('piles up what was made at once, lays it out and together again', async () => {
    await using opened = await open({ query: 'pictures=400&runs' });
    const { page } = opened;
    await shown(page);
    const flat = await studio<number>(page, 'studio.cards.filter((one) => one.trashed_at === null).length');
    const size = () => grid(page).getByRole('option').first().getAttribute('aria-setsize').then(Number);
    await grid(page).focus();
    await page.keyboard.press('End');
    await expect.poll(size).toBeLessThan(flat * 0.6);
    await page.keyboard.press('Home');
    const pile = grid(page).locator('.pile').first();
    const many = Number(await pile.locator('[data-pile]').textContent());
    expect(many).toBeGreaterThan(1);
    const top = await pile.getAttribute('data-picture');
    const run = await studio<string>(page, `studio.card('${top}').run`);
    const before = await size();
    await shot(page, 'library-piles');
    expect(await axe(page)).toEqual([]);
    await pile.locator('[data-pile]').click();
    await expect.poll(size).toBe(before + many - 1);
    await page.locator(`[data-picture="${top}"]`).click();
    await page.keyboard.press('Shift+G');
    await expect.poll(size).toBe(before);
    // The pick comes to the top, and what was chosen stays chosen.
    const last = await studio<string>(page, `studio.cards.filter((one) => one.run === '${run}' && one.trashed_at === null).at(-1).id`);
    await studio(page, `call('mark', { ids: ['${last}'], rating: 5 })`);
    await page.locator(`.pile[data-picture="${last}"][aria-selected="true"]`).waitFor();
    await page.locator(`.pile[data-picture="${last}"]`).dblclick();
    await expect.poll(() => ones(page).count()).toBe(Math.min(9, many));
    expect(await here(page)).toBe(last);
  });

  it('takes the focus into the grid when it opens, and the keyboard goes on at once', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    await expect.poll(() => grid(page).evaluate((one) => one === document.activeElement)).toBe(true);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('3');
    await expect.poll(() => grid(page).locator('[aria-selected="true"]').getAttribute('aria-label')).toMatch(/3 stars/);
  });

  it('calls an enlargement one, with its badge and its marks', async () => {
    await using opened = await open({ query: 'pictures=6&step=5', screen: 'create' });
    const { page } = opened;
    await finished(page).waitFor();
    await cells(page).last().click();
    await page.keyboard.press('4');
    await page.keyboard.press('Shift+U');
    await expect.poll(() => cells(page).count()).toBe(7);
    await page.locator('nav [data-action="view.library"]').click();
    await shown(page);
    await grid(page).getByRole('option').first().click();
    expect(await grid(page).getByRole('option').first().locator('.enlarged').textContent()).toBe('×2');
    expect(await studio<number>(page, 'studio.cards[0].rating')).toBe(4);
    await page.getByRole('complementary').getByText('Enlarged', { exact: true }).waitFor();
  });
});
