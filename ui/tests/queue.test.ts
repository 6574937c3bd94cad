/** What becomes of what was asked for: crashes, cancelling, variations, drafts. */
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { axe, closeBrowser, finished, made, open, prompt, studio, viewer } from './browser';

afterAll(closeBrowser);

const states = (page: Page) => studio<string[]>(page, 'studio.engine.jobs.map((one) => `${one.request.prompt}: ${one.state}`)');

describe('after a crash', () => {
  it('going on from the queue is an answer to the notice too', async () => {
    await using opened = await open({ query: 'pictures=3&crash=3&step=5', screen: 'create' });
    const { page } = opened;
    await page.getByText('3 renders were waiting').waitFor();
    await page.locator('#queue-button').click();
    await page.getByRole('complementary', { name: 'Queue' }).locator('[data-action="queue.pause"]').click();
    await page.getByText('3 renders were waiting').waitFor({ state: 'detached' });
    await expect.poll(() => studio<number>(page, "studio.engine.jobs.filter((one) => one.state === 'done').length")).toBe(3);
  });

  it('clearing what was left leaves alone what was asked for since', async () => {
    await using opened = await open({ query: 'pictures=3&crash=2&step=5', screen: 'create' });
    const { page } = opened;
    await page.getByText('2 renders were waiting').waitFor();
    await prompt(page).fill('a new one');
    await page.keyboard.press('Control+Enter');
    await expect.poll(async () => (await states(page)).length).toBe(3);
    await page.locator('[data-action="queue.notice.clear"]').click();
    await expect.poll(async () => (await states(page)).map((one) => one.split(': ')[1])).toEqual(['cancelled', 'cancelled', 'done']);
    expect((await states(page)).at(-1)).toBe('a new one: done');
  });

  it('the notice goes when nothing of it waits any more', async () => {
    await using opened = await open({ query: 'pictures=3&crash=2&step=5', screen: 'create' });
    const { page } = opened;
    await page.getByText('2 renders were waiting').waitFor();
    await page.locator('#queue-button').click();
    await page.locator('[data-action="queue.cancel_all"]').click();
    await page.getByText('2 renders were waiting').waitFor({ state: 'detached' });
  });
});

describe('variations', () => {
  const strip = (page: Page) => page.getByRole('region', { name: 'Variations' });

  async function varied(page: Page): Promise<void> {
    await made(page, 'a mug');
    await page.locator('[data-action="picture.vary"]').click();
  }

  it('keep no places for what was cancelled before it began', async () => {
    await using opened = await open({ query: 'empty&step=5', screen: 'create' });
    const { page } = opened;
    await varied(page);
    await studio(page, "call('queue_pause', { paused: true })");
    await page.locator('[data-action="vary.make"]').click();
    await expect.poll(() => strip(page).locator('.place').count()).toBe(4);
    await studio(page, "call('queue_cancel', { ids: null })");
    await expect.poll(() => strip(page).locator('.place').count()).toBe(0);
  });

  it('go when they are deleted, and come back', async () => {
    await using opened = await open({ query: 'empty&step=5', screen: 'create' });
    const { page } = opened;
    await varied(page);
    await page.locator('[data-action="vary.make"]').click();
    const count = () => strip(page).getByRole('listitem').count();
    await expect.poll(count).toBe(4);
    await strip(page).getByRole('listitem').nth(1).getByRole('button').click();
    await viewer(page).focus();
    await page.keyboard.press('Delete');
    await expect.poll(count).toBe(3);
    await page.keyboard.press('Control+z');
    await expect.poll(count).toBe(4);
  });
});

describe('dragging', () => {
  // Where the pointer lets go: a share of the height of the row, whose middle decides.
  it.each([
    ['below the last', 'two', 'four', 0.8, ['three', 'four', 'two']],
    ['past the end of the list', 'two', 'four', 1.1, ['three', 'four', 'two']],
    ['down by one', 'two', 'three', 0.8, ['three', 'two', 'four']],
    ['up to the first', 'four', 'two', 0.2, ['four', 'two', 'three']],
    ['to where it is', 'two', 'three', 0.2, ['two', 'three', 'four']],
  ])('%s', async (_, dragged, over, share, expected) => {
    await using opened = await open({ query: 'pictures=3&step=30000', screen: 'create' });
    const { page } = opened;
    await page.locator('#queue-button').click();
    for (const word of ['one', 'two', 'three', 'four']) {
      await prompt(page).fill(word);
      await page.keyboard.press('Control+Enter');
      await expect.poll(async () => (await states(page)).length).toBe(['one', 'two', 'three', 'four'].indexOf(word) + 1);
    }
    const row = (word: string) => page.getByRole('complementary', { name: 'Queue' }).getByRole('listitem').filter({ hasText: word });
    await row('four').waitFor();
    const [from, to] = [(await row(dragged).boundingBox())!, (await row(over).boundingBox())!];
    await page.mouse.move(from.x + 70, from.y + from.height / 2);
    await page.mouse.down();
    await page.mouse.move(from.x + 75, from.y + from.height / 2 + 8, { steps: 2 });
    await page.mouse.move(to.x + 75, to.y + to.height * share, { steps: 4 });
    await page.mouse.up();
    const waiting = () => studio<string[]>(page, "studio.engine.jobs.filter((one) => one.state === 'waiting').map((one) => one.request.prompt)");
    await expect.poll(waiting).toEqual(expected);
  });
});

/** A whale is being made, and the viewer is about the crab that waits for it. */
async function showOneThatWaits(page: Page): Promise<void> {
  await finished(page).waitFor();
  await studio(page, "call('queue_pause', { paused: true })");
  await prompt(page).fill('a whale');
  await page.keyboard.press('Control+Enter');
  await expect.poll(async () => (await states(page)).length).toBe(1);
  await studio(page, "call('queue_pause', { paused: false })");
  await prompt(page).fill('a crab');
  await page.keyboard.press('Control+Enter');
}

it('the viewer leaves a render that was cancelled while it waited', async () => {
  await using opened = await open({ query: 'pictures=3&step=30000', screen: 'create' });
  const { page } = opened;
  await showOneThatWaits(page);
  const cancel = page.locator('[data-action="picture.cancel"]');
  await cancel.waitFor();
  const second = await studio<number>(page, 'studio.engine.jobs.at(-1).id');
  await studio(page, `call('queue_cancel', { ids: [${second}] })`);
  await cancel.waitFor({ state: 'detached' });
  await page.getByRole('toolbar', { name: 'What to do with this picture' }).getByRole('button', { name: 'Vary' }).waitFor();
});

it('the viewer’s Cancel is about the render that is shown', async () => {
  await using opened = await open({ query: 'pictures=3&step=30000', screen: 'create' });
  const { page } = opened;
  await showOneThatWaits(page);
  await page.locator('[data-action="picture.cancel"]').click();
  await expect.poll(() => states(page)).toEqual(['a whale: running', 'a crab: cancelled']);
});

it('a row goes on moving by key for as long as the key is pressed', async () => {
  await using opened = await open({ query: 'pictures=3&step=30000', screen: 'create' });
  const { page } = opened;
  await finished(page).waitFor();
  for (const [n, word] of ['one', 'two', 'three', 'four', 'five'].entries()) {
    await prompt(page).fill(word);
    await page.keyboard.press('Control+Enter');
    await expect.poll(async () => (await states(page)).length).toBe(n + 1);
  }
  const waiting = () => studio<string[]>(page, "studio.engine.jobs.filter((one) => one.state === 'waiting').map((one) => one.request.prompt)");
  await expect.poll(waiting).toEqual(['two', 'three', 'four', 'five']);
  await page.locator('#queue-button').click();
  const panel = page.getByRole('complementary', { name: 'Queue' });
  const row = panel.getByRole('listitem').filter({ hasText: 'two' });
  const shown = () => panel.locator('[data-job] .words').allInnerTexts();
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
  await row.getByRole('button', { name: 'Later' }).focus();
  await page.keyboard.press('Alt+ArrowDown');
  await expect.poll(shown).toEqual(['three', 'two', 'four', 'five']);
  expect(await focused()).toBe('Later');
  await page.keyboard.press('Alt+ArrowDown');
  await expect.poll(waiting).toEqual(['three', 'four', 'two', 'five']);
  await expect.poll(shown).toEqual(['three', 'four', 'two', 'five']);
  await page.keyboard.press('Alt+ArrowDown');
  await expect.poll(waiting).toEqual(['three', 'four', 'five', 'two']);
  // It is the last now: what cannot be pressed any more keeps no focus.
  await expect.poll(focused).toBe('Make this next');
});

describe('a draft', () => {
  it('says that the model is being loaded', async () => {
    await using opened = await open({ query: 'pictures=3&step=600&cold', screen: 'create' });
    const { page } = opened;
    await finished(page).waitFor();
    await page.getByRole('switch', { name: 'Live' }).click();
    await prompt(page).fill('a whale');
    await page.getByText('Loading the model').waitFor();
    expect(await axe(page)).toEqual([]);
    await viewer(page).locator('img[data-preview]').waitFor();
    await page.getByText('Live draft, not kept').waitFor();
  });

  it('that failed says why', async () => {
    await using opened = await open({ query: 'pictures=3&step=20', screen: 'create' });
    const { page } = opened;
    await finished(page).waitFor();
    await page.getByRole('switch', { name: 'Live' }).click();
    await prompt(page).fill('this will fail');
    await page.getByRole('alert').filter({ hasText: 'This needs 17.2 GB' }).waitFor();
    await expect.poll(() => viewer(page).locator('img[data-preview]').count()).toBe(0);
    await prompt(page).fill('this will work');
    await page.getByText('This needs 17.2 GB').waitFor({ state: 'detached' });
    await viewer(page).locator('img[data-preview]').waitFor();
  });
});
