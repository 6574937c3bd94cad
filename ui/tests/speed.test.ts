import { afterAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { axe, clipped, closeBrowser, DESIGN, open, shot, SMALLEST, viewer as viewerOf } from './browser';

afterAll(closeBrowser);

const panel = (page: Page) => page.getByRole('region', { name: /Speed|速度/ });
/** Why a picture took so long, from the time that it took. */
const openSpeed = (page: Page) => page.getByRole('button', { name: /^(took|用时)/ }).click();

/** Makes a picture, so that there is something to tell. */
async function made(page: Page): Promise<void> {
  await page.locator('textarea').first().fill('a red fox on a snowy beach');
  await page.keyboard.press('Control+Enter');
  await page.locator('[data-region="viewer"] img:not([data-preview])').waitFor();
  await expect.poll(() => page.evaluate('fake.studio.engine.queue().done')).toBe(1);
}

it('says why the last picture took as long as it did, and measures the machine', async () => {
  await using opened = await open({ query: 'pictures=3&step=20', screen: 'create' });
  const { page } = opened;
  await made(page);
  await page.locator('[data-action="create.speed"]').click();
  await panel(page).getByText(/went into applying the model’s weights/).waitFor();
  await panel(page).getByText('Measure this machine to see').waitFor();
  await shot(page, 'speed-unmeasured');
  expect(await axe(page)).toEqual([]);
  await panel(page).getByRole('button', { name: 'Measure this machine' }).click();
  await panel(page).getByText('38% of what its arithmetic allows').waitFor();
  await panel(page).getByText('As quick as its memory allows').waitFor();
  await panel(page).getByText('1.84 TFLOP/s', { exact: true }).waitFor();
  expect(await panel(page).getByRole('listitem').count()).toBe(6);
});

it('is reached by keyboard alone', async () => {
  await using opened = await open({ query: 'pictures=3', screen: 'create' });
  const { page } = opened;
  await page.keyboard.press('Control+k');
  await page.keyboard.type('that long');
  await page.keyboard.press('Enter');
  await panel(page).getByText('Nothing was made yet').waitFor();
  expect(await page.getByRole('tab').count(), 'it is no tab').toBe(0);
  await page.locator('[data-action="speed.leave"]').press('Enter');
  await page.getByRole('tab', { name: 'This picture' }).waitFor();
});

it('tells of the picture that it was opened from', async () => {
  await using opened = await open({ query: 'pictures=3&step=20', screen: 'create' });
  const { page } = opened;
  await made(page);
  await viewerOf(page).focus();
  await page.keyboard.press('ArrowLeft');
  const took = await page.getByRole('button', { name: /^took/ }).textContent();
  await openSpeed(page);
  const title = page.getByRole('heading', { name: /^Why did it take/ }).first();
  const seconds = (text: string | null) => {
    const [, number, unit] = /([\d.]+)\s*(ms|s)\b/.exec(text ?? '') ?? [];
    return Number(number) / (unit === 'ms' ? 1000 : 1);
  };
  expect(seconds(await title.textContent())).toBeCloseTo(seconds(took), 1);
  await panel(page).getByText('is known of the last picture alone').waitFor();
  await page.locator('[data-action="speed.leave"]').click();
  await viewerOf(page).focus();
  await page.keyboard.press('ArrowRight');
  await openSpeed(page);
  await panel(page).getByText(/went into applying/).waitFor();
  expect(await panel(page).getByText('is known of the last picture alone').count()).toBe(0);
});

it('does not measure while a picture is made, and says so', async () => {
  await using opened = await open({ query: 'pictures=3&slow', screen: 'create' });
  const { page } = opened;
  await openSpeed(page);
  await page.locator('textarea').first().fill('a whale');
  await page.keyboard.press('Control+Enter');
  await panel(page).getByText('A picture is being made. Measure when it is done.').waitFor();
  expect(await panel(page).getByRole('button', { name: 'Measure this machine' }).isDisabled()).toBe(true);
});

it('says what went wrong, and asks again', async () => {
  await using opened = await open({ query: 'pictures=3&fail=roofline', screen: 'create' });
  const { page } = opened;
  await openSpeed(page);
  await panel(page).getByText('This could not be read').waitFor();
  await page.evaluate("fake.studio.fail.delete('roofline')");
  await panel(page).getByRole('button', { name: 'Try again' }).click();
  await panel(page).getByText('Nothing was made yet').waitFor();
});

describe.each([
  ['dark', 'en', DESIGN],
  ['light', 'zh', DESIGN],
  ['light', 'en', SMALLEST],
  ['dark', 'zh', SMALLEST],
])('%s %s', (theme, lang, size) => {
  it(`at ${size.width} pixels`, async () => {
    await using opened = await open({ query: `pictures=3&step=20&theme=${theme}&lang=${lang}`, size, screen: 'create' });
    const { page } = opened;
    await made(page);
    await page.locator('[data-action="create.speed"]').click();
    await page.locator('[data-action="speed.measure"]').click();
    await panel(page).getByText('1.84 TFLOP/s', { exact: true }).waitFor();
    expect(await page.evaluate(() => document.activeElement?.tagName), 'the focus is not lost with the button').toBe('H2');
    await shot(page, `speed-${theme}-${lang}-${size.width}`);
    await panel(page).locator('dl').scrollIntoViewIfNeeded();
    await shot(page, `speed-machine-${theme}-${lang}-${size.width}`);
    expect(await clipped(page)).toEqual([]);
    expect(await axe(page)).toEqual([]);
  });
});
