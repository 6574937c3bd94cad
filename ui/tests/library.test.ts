import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { cells, chosen, closeBrowser, grid, open, shot, shown, SMALLEST, studio, draft } from './browser';

afterAll(closeBrowser);

const chosenMember = (page: Page) => page.locator('[role="treeitem"][aria-selected="true"]').getAttribute('data-picture');

describe('the grid', () => {
  it('holds fifty thousand pictures and draws a few dozen', async () => {
    await using opened = await open({ query: 'pictures=50000' });
    const { page } = opened;
    await shown(page);
    await expect.poll(() => page.getByRole('status').first().textContent()).toMatch(/49,\d{3} pictures/);
    expect(await cells(page).count()).toBeLessThan(80);
    await shot(page, 'library');
  });

  it('fetches stretch after stretch by key as one scrolls to the end', async () => {
    await using opened = await open({ query: 'pictures=5000' });
    const { page } = opened;
    await shown(page);
    await grid(page).focus();
    await page.keyboard.press('End');
    const count = await cells(page).first().getAttribute('aria-setsize');
    await page.locator(`[aria-posinset="${count}"] img`).waitFor();
    expect(await chosen(page).getAttribute('aria-posinset')).toBe(count);
    await shot(page, 'library-end');
  });

  it('chooses by mouse: one, more, a range', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    await cells(page).nth(2).click();
    expect(await chosen(page).count()).toBe(1);
    await cells(page).nth(5).click({ modifiers: ['Control'] });
    expect(await chosen(page).count()).toBe(2);
    await cells(page).nth(8).click({ modifiers: ['Shift'] });
    expect(await chosen(page).count()).toBe(4);
    await page.getByText('4 pictures chosen').waitFor();
    await shot(page, 'library-chosen');
    await cells(page).nth(6).click();
    expect(await chosen(page).count(), 'a plain click on one of several chooses it alone').toBe(1);
  });

  it('chooses by keyboard', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    await grid(page).focus();
    await page.keyboard.press('ArrowRight');
    expect(await chosen(page).getAttribute('aria-posinset')).toBe('1');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('Shift+ArrowRight');
    expect(await chosen(page).count()).toBe(3);
    await page.keyboard.press('Control+ArrowRight');
    await page.keyboard.press(' ');
    expect(await chosen(page).count()).toBe(4);
    const named = await grid(page).getAttribute('aria-activedescendant');
    expect(await page.locator(`#${named}`).count(), 'what a screen reader is told of is in the page').toBe(1);
    await page.keyboard.press('Control+a');
    await expect.poll(() => page.getByRole('status').first().textContent()).toMatch(/^\d+ of \d+ pictures chosen$/);
    await page.keyboard.press('Escape');
    expect(await chosen(page).count()).toBe(0);
  });
});

it('goes on from the same picture when another one is made meanwhile', async () => {
  await using opened = await open({ query: 'pictures=240&step=5' });
  const { page } = opened;
  await shown(page);
  await cells(page).nth(3).click();
  const id = await chosen(page).getAttribute('data-picture');
  const next = await cells(page).nth(4).getAttribute('data-picture');
  await studio(page, "call('render', { request: { ...studio.detail(studio.cards.find((one) => one.source === 'likeness').id).recipe, model: null, width: 128, height: 128, count: 2 }, place: 'last', interactive: true })");
  // The two are one pile.
  await page.locator(`[data-picture="${id}"][aria-posinset="5"]`).waitFor();
  await page.keyboard.press('Shift+ArrowRight');
  await expect.poll(() => chosen(page).count()).toBe(2);
  expect(await chosen(page).evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.picture))).toEqual([id, next]);
  await page.keyboard.press('ArrowRight');
  expect(await chosen(page).getAttribute('aria-posinset')).toBe('7');
});

describe('marks', () => {
  it('rates from 0 to 5 and takes it back by key', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    await cells(page).nth(3).click();
    const label = () => chosen(page).getAttribute('aria-label');
    const before = await label();
    await page.keyboard.press('4');
    await expect.poll(label).toMatch(/4 stars/);
    await page.keyboard.press('Control+z');
    await expect.poll(label).toBe(before);
    await page.keyboard.press('Control+Shift+z');
    await expect.poll(label).toMatch(/4 stars/);
    await page.keyboard.press('.');
    await expect.poll(label).toMatch(/^(?!.*stars?)/);
    await page.keyboard.press('.');
    await expect.poll(label, { message: 'a star alone is the lowest rating' }).toMatch(/1 star(?!s)/);
  });

  it('deletes to the trash without a question, chooses the next, and brings back', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    const count = async () => Number(/^[\d,]+/.exec((await page.getByRole('status').first().textContent()) ?? '')?.[0].replace(',', ''));
    await expect.poll(count).toBeGreaterThan(100);
    const before = await count();
    await cells(page).nth(1).click();
    const id = await chosen(page).getAttribute('data-picture');
    await page.keyboard.press('Delete');
    await expect.poll(count).toBe(before - 1);
    expect(await chosen(page).count(), 'the next one is chosen').toBe(1);
    await page.locator('[data-shelf="trash"]').click();
    await page.locator(`[data-picture="${id}"]`).waitFor();
    await shot(page, 'library-trash');
    await page.locator(`[data-picture="${id}"]`).click();
    await page.getByRole('button', { name: 'Take out of the trash' }).first().click();
    await page.locator('[data-shelf="all"]').click();
    await expect.poll(count).toBe(before);
  });

  it('asks before it empties the trash, and only then', async () => {
    await using opened = await open({ query: 'pictures=3000' });
    const { page } = opened;
    await page.locator('[data-shelf="trash"]').click();
    await shown(page);
    await page.locator('[data-action="library.empty_trash"]').click();
    const dialog = page.getByRole('dialog', { name: /for good/ });
    await dialog.waitFor();
    await shot(page, 'library-purge');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    expect(await cells(page).count()).toBeGreaterThan(0);
    await page.locator('[data-action="library.empty_trash"]').click();
    await page.locator('[data-action="library.purge_confirm"]').click();
    await page.getByText('The trash is empty').waitFor();
    await shot(page, 'library-trash-empty');
  });
});

it('empties the trash only where all of it is seen', async () => {
  await using opened = await open({ query: 'pictures=3000' });
  const { page } = opened;
  const trashed = () => studio<number>(page, 'studio.cards.filter((one) => one.trashed_at !== null).length');
  await studio(page, "call('trash', { ids: studio.cards.filter((one) => one.prompt.includes('fox')).slice(0, 3).map((one) => one.id) })");
  const foxes = await studio<number>(page, "studio.cards.filter((one) => one.trashed_at !== null && one.prompt.includes('fox')).length");
  const before = await trashed();
  await page.locator('[data-shelf="trash"]').click();
  await shown(page);
  await page.locator('[data-action="library.empty_trash"]').waitFor();
  await page.getByRole('searchbox').fill('fox');
  await page.getByText(`${foxes} pictures, deleted for good after`).waitFor();
  expect(foxes).toBeLessThan(before);
  expect(await page.locator('[data-action="library.empty_trash"]').count()).toBe(0);
  await page.keyboard.press('Control+k');
  await page.keyboard.type('trash');
  expect(await page.locator('[data-palette="library.empty_trash"]').count()).toBe(0);
  await page.keyboard.press('Escape');
  await grid(page).focus();
  await page.keyboard.press('Control+a');
  await page.locator('[data-action="library.purge"]').click();
  await page.getByRole('dialog', { name: `Delete ${foxes} pictures for good?` }).waitFor();
  await page.locator('[data-action="library.purge_confirm"]').click();
  await expect.poll(trashed, { message: 'what the search did not find is still there' }).toBe(before - foxes);
});

describe('search and filters', () => {
  it('finds by words as one types', async () => {
    await using opened = await open({ query: 'pictures=2000' });
    const { page } = opened;
    await shown(page);
    await page.keyboard.press('Control+f');
    await page.keyboard.type('lighthouse');
    await expect.poll(() => cells(page).first().getAttribute('aria-label')).toMatch(/lighthouse/);
    await page.keyboard.press('Enter');
    await page.keyboard.press('ArrowRight');
    expect(await chosen(page).count(), 'from the field the keyboard goes on into the grid').toBe(1);
  });

  it('understands parts that are typed', async () => {
    await using opened = await open({ query: 'pictures=2000' });
    const { page } = opened;
    await shown(page);
    await page.getByRole('searchbox').fill('rating:5');
    await expect.poll(() => cells(page).first().getAttribute('aria-label')).toMatch(/5 stars/);
  });

  it('filters by menu, shows it as a chip, and takes it away', async () => {
    await using opened = await open({ query: 'pictures=2000' });
    const { page } = opened;
    await shown(page);
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByLabel('Size', { exact: true }).selectOption('512x512');
    await page.getByRole('group', { name: 'At least' }).getByLabel('3 stars').click();
    await shot(page, 'library-filters');
    await page.keyboard.press('Escape');
    await expect.poll(() => cells(page).first().getAttribute('aria-label')).toMatch(/512×512.*[345] stars/);
    await shot(page, 'library-filtered');
    await page.getByRole('button', { name: /Remove the filter 512/ }).click();
    await page.getByRole('button', { name: /Remove the filter 3 stars/ }).click();
    await expect.poll(() => page.getByRole('status').first().textContent()).toMatch(/1,9\d\d pictures/);
  });

  it('says when nothing matches, and the way back', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    await page.getByRole('searchbox').fill('zzzz');
    await page.getByText('Nothing matches').waitFor();
    await shot(page, 'library-nothing');
    await page.locator('.empty').getByRole('button', { name: 'Clear the search' }).click();
    await shown(page);
    expect(await page.getByRole('searchbox').evaluate((field) => field === document.activeElement)).toBe(true);
  });
});

describe('boards', () => {
  it('makes one, puts pictures on it by drag, and shows them', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    await page.getByRole('button', { name: 'New board' }).click();
    await page.keyboard.type('Covers');
    await page.keyboard.press('Enter');
    await page.getByText('This board is empty').waitFor();
    await shot(page, 'library-board-empty');
    await page.locator('[data-shelf="all"]').click();
    await shown(page);
    await cells(page).nth(0).click();
    await cells(page).nth(2).click({ modifiers: ['Shift'] });
    const board = page.getByRole('navigation', { name: 'Places in the library' }).getByRole('button', { name: /^Covers/ });
    const from = (await cells(page).nth(1).boundingBox())!;
    const to = (await board.boundingBox())!;
    await page.mouse.move(from.x + 40, from.y + 40);
    await page.mouse.down();
    await page.mouse.move(from.x - 20, from.y + 60, { steps: 4 });
    await page.mouse.move(to.x + 20, to.y + 12, { steps: 6 });
    await shot(page, 'library-drag');
    await page.mouse.up();
    await page.getByText('3 pictures put on Covers').waitFor();
    await board.click();
    await expect.poll(() => cells(page).count()).toBe(3);
    await page.getByRole('region', { name: 'Notices' }).getByRole('button', { name: 'Undo' }).click();
    await page.getByText('This board is empty').waitFor();
  });

  it('renames and deletes one; its pictures stay', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    const places = page.getByRole('navigation', { name: 'Places in the library' });
    await places.getByRole('button', { name: 'More for Portfolio' }).click();
    await page.getByRole('menuitem', { name: 'Rename' }).click();
    await page.keyboard.type('Best of');
    await page.keyboard.press('Enter');
    await places.getByRole('button', { name: /^Best of/ }).waitFor();
    await places.getByRole('button', { name: 'More for Best of' }).click();
    await page.getByRole('menuitem', { name: /Delete the board/ }).click();
    await places.getByRole('button', { name: /^Best of/ }).waitFor({ state: 'detached' });
    await page.getByRole('region', { name: 'Notices' }).getByRole('button', { name: 'Undo' }).click();
    await places.getByRole('button', { name: /^Best of/ }).waitFor();
  });
});

describe('details', () => {
  it('shows how the picture was made and takes one setting over', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    await cells(page).nth(0).click();
    const details = page.getByRole('complementary', { name: 'Details' });
    const seed = await details.locator('dt', { hasText: 'Seed' }).locator('xpath=following-sibling::dd').textContent();
    await shot(page, 'library-details');
    await details.getByRole('button', { name: 'Use this: Seed' }).click();
    await page.getByText('Seed taken over').waitFor();
    await expect.poll(async () => (await draft(page)).seed).toBe(seed!.trim());
  });

  it('shows the family as a tree and walks it by arrow keys', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    await cells(page).nth(20).click();
    await page.keyboard.press('l');
    const tree = page.getByRole('tree', { name: 'Family' });
    await tree.getByRole('treeitem').first().waitFor();
    await shot(page, 'library-family');
    const selected = () => tree.locator('[aria-selected="true"]').getAttribute('data-picture');
    const first = await selected();
    await tree.locator('[aria-selected="true"]').focus();
    await page.keyboard.press('ArrowLeft');
    await expect.poll(selected).not.toBe(first);
    await page.keyboard.press('Escape');
    await shown(page);
  });

  it('leaves the family where one looks at it while pictures change, and shows the latest that is known', async () => {
    await using opened = await open({ size: SMALLEST });
    const { page } = opened;
    await shown(page);
    await cells(page).nth(20).click();
    await page.keyboard.press('l');
    const members = page.getByRole('tree', { name: 'Family' }).getByRole('treeitem');
    await members.first().waitFor();
    const count = await members.count();
    // The same family for all of it; what is asked second of all is answered last, with less than there is.
    await page.evaluate((id) => {
      const { fake } = window as unknown as { fake: { call(name: string, request: unknown): Promise<{ nodes: { id: string }[]; edges: { child: string }[] }>; answers: number } };
      const { call } = fake;
      let asked = 0;
      fake.answers = 0;
      fake.call = async (name, request) => {
        if (name !== 'lineage') return call(name, request);
        asked += 1;
        const late = asked === 2;
        const { nodes, edges } = await call(name, { id });
        if (late) await new Promise((later) => setTimeout(later, 200));
        const some = late ? nodes.slice(0, 3) : nodes;
        requestAnimationFrame(() => (fake.answers += 1));
        return { nodes: some, edges: edges.filter(({ child }) => some.some((node) => node.id === child)) };
      };
    }, await chosenMember(page));
    const answers = () => page.evaluate(() => (window as unknown as { fake: { answers: number } }).fake.answers);
    const ground = page.locator('[data-region="family"]');
    await page.locator('[role="treeitem"][aria-selected="true"]').focus();
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    const scrolled = await ground.evaluate((box) => (box.scrollLeft = 9999) && box.scrollLeft);
    expect(scrolled, 'there is something to scroll').toBeGreaterThan(100);
    await studio(page, "studio.tell({ kind: 'pictures', ids: ['another'] })");
    await expect.poll(answers).toBe(1);
    expect(await ground.evaluate((box) => box.scrollLeft)).toBe(scrolled);
    await studio(page, "[1, 2].forEach(() => studio.tell({ kind: 'pictures', ids: ['another'] }))");
    await expect.poll(answers).toBe(3);
    expect(await members.count()).toBe(count);
  });

  it('comes back to where one was', async () => {
    await using opened = await open({ query: 'pictures=2000' });
    const { page } = opened;
    await shown(page);
    await grid(page).evaluate((box) => (box.scrollTop = 6000));
    await page.locator('[aria-posinset="140"] img').waitFor();
    await page.locator('[aria-posinset="140"]').click();
    await page.keyboard.press('l');
    await page.getByRole('treeitem').first().waitFor();
    await page.keyboard.press('Escape');
    await page.locator('[aria-posinset="140"] img').waitFor();
    await page.locator('nav [data-action="view.settings"]').click();
    await page.locator('nav [data-action="view.library"]').click();
    await page.locator('[aria-posinset="140"][aria-selected="true"]').waitFor();
  });

  it('tags, and finds by the tag', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    await cells(page).nth(4).click();
    await page.getByPlaceholder('Add a tag').waitFor();
    await page.keyboard.press('t');
    await page.keyboard.type('cover');
    await page.keyboard.press('Enter');
    await page.getByTitle('Show all pictures tagged cover').click();
    await expect.poll(() => cells(page).count()).toBe(1);
  });

  it('offers what another program wrote into a picture of the library', async () => {
    await using opened = await open({ query: 'pictures=600' });
    const { page } = opened;
    await shown(page);
    await page.evaluate(() => {
      const { studio } = (window as unknown as { fake: { studio: { cards: { source: string; trashed_at: number | null; rating: number }[] } } }).fake;
      for (const card of studio.cards) card.rating = card.source === 'invokeai' ? 1 : 0;
    });
    await page.locator('[data-shelf="rated"]').click();
    await shown(page);
    await cells(page).first().click();
    await page.locator('[data-action="library.offer"]').click();
    await page.getByRole('dialog', { name: 'Settings from InvokeAI' }).waitFor();
  });

  it('shows that a thumbnail is missing, and nothing else breaks', async () => {
    await using opened = await open();
    const { page, errors } = opened;
    await shown(page);
    await page.evaluate(() => {
      const { fake } = window as unknown as { fake: { url: (size: string, id: string) => string } };
      const url = fake.url;
      fake.url = (size, id) => (id.endsWith('0') ? '/gone.webp' : url(size, id));
    });
    await page.getByRole('searchbox').fill('a');
    await cells(page).locator('.broken').first().waitFor();
    await shot(page, 'library-missing');
    errors.length = 0;
  });

  it('measures how different several pictures are', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    await cells(page).nth(0).click();
    await cells(page).nth(3).click({ modifiers: ['Shift'] });
    await page.getByRole('button', { name: 'Measure' }).click();
    await page.getByText(/Much the same|Close to each other|Varied/).waitFor();
  });

  it('exports several under names from a template', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    await cells(page).nth(0).click();
    await cells(page).nth(3).click({ modifiers: ['Shift'] });
    await page.keyboard.press('Control+Shift+e');
    const dialog = page.getByRole('dialog', { name: 'Deliver 4 pictures' });
    await dialog.waitFor();
    await shot(page, 'library-export');
    await dialog.getByRole('button', { name: 'Export' }).click();
    await page.getByText('4 pictures exported').waitFor();
  });

  it('leaves out how pictures were made, where one asks for it', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    await page.evaluate(() => {
      const { fake } = window as unknown as { fake: { call(name: string, request: unknown): Promise<unknown>; asked: unknown[] } };
      const call = fake.call.bind(fake);
      fake.asked = [];
      fake.call = (name, request) => {
        if (name === 'export' || name === 'save') fake.asked.push((request as { recipe?: boolean }).recipe);
        return call(name, request);
      };
    });
    const asked = () => page.evaluate(() => (window as unknown as { fake: { asked: unknown[] } }).fake.asked);
    await cells(page).nth(0).click();
    const dialog = page.getByRole('dialog', { name: 'Deliver 1 picture' });
    await page.keyboard.press('Control+Shift+e');
    await dialog.getByLabel('File names').fill('[date]-[seed]');
    await dialog.getByRole('switch', { name: 'Leave out how they were made' }).click();
    await dialog.getByText('The file names still say some of it.').waitFor();
    await shot(page, 'library-export-plain');
    await dialog.getByLabel('File names').fill('[date]');
    await dialog.getByText('The file names still say some of it.').waitFor({ state: 'detached' });
    await dialog.getByRole('button', { name: 'Export' }).click();
    await dialog.waitFor({ state: 'detached' });
    // It is asked for each time.
    await page.keyboard.press('Control+Shift+e');
    await dialog.getByRole('button', { name: 'Export' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.keyboard.press('Control+Shift+s');
    await page.getByText('Saved').first().waitFor();
    await page.keyboard.press('Control+s');
    await expect.poll(asked).toEqual([false, true, false, true]);
  });
});

it('says in the dialog why nothing can be exported', async () => {
  await using opened = await open();
  const { page } = opened;
  await shown(page);
  await cells(page).nth(0).click();
  await page.evaluate(() => {
    const { fake } = window as unknown as { fake: { openFolder: () => Promise<string> } };
    let asked = 0;
    fake.openFolder = () => Promise.reject(new Error(`No folder was shown, ${(asked += 1)}.`));
  });
  await page.keyboard.press('Control+Shift+e');
  const dialog = page.getByRole('dialog', { name: 'Deliver 1 picture' });
  await dialog.getByRole('button', { name: 'Export' }).click();
  await dialog.getByText('No folder was shown, 1.').waitFor();
  await dialog.getByRole('button', { name: 'Choose' }).click();
  await dialog.getByText('No folder was shown, 2.').waitFor();
});

describe('when there is nothing, or nothing works', () => {
  it('an empty library leads to the first picture', async () => {
    await using opened = await open({ query: 'empty' });
    const { page } = opened;
    await page.getByText('Your pictures will be here').waitFor();
    await shot(page, 'library-empty');
    await page.getByRole('button', { name: 'Make the first picture' }).click();
    await page.getByRole('textbox', { name: 'Prompt' }).waitFor();
  });

  it('a library that cannot be read says why and tries again', async () => {
    await using opened = await open({ query: 'fail=pictures' });
    const { page } = opened;
    await page.getByText('The library could not be read').waitFor();
    await shot(page, 'library-failed');
    await page.evaluate(() => (window as unknown as { fake: { studio: { fail: Set<string> } } }).fake.studio.fail.clear());
    await page.getByRole('button', { name: 'Try again' }).click();
    await shown(page);
  });
});
