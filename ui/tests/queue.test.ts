/** What becomes of what was asked for: crashes, cancelling, variations, drafts. */
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { axe, closeBrowser, finished, open, prompt, studio, viewer } from './browser';

afterAll(closeBrowser);

const states = (page: Page) => studio<string[]>(page, 'studio.engine.jobs.map((one) => `${one.request.prompt}: ${one.state}`)');

describe('after a crash', () => {
  it('going on from the queue is an answer to the notice too', async () => {
    await using opened = await open({ query: 'pictures=3&crash=3&step=5', screen: 'create' });
    const { page } = opened;
    await page.getByText('3 renders were waiting').waitFor();
    await page.locator('#queue-button').click();
    await page.locator('[data-action="queue.pause"]').click();
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

