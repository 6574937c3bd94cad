import { afterAll, describe, expect, it } from 'vitest';
import { closeBrowser, draft, drop, open, shot, shown } from './browser';

afterAll(closeBrowser);

const FOX = '/pictures/ada/fox-a1111.png';

describe('a picture of another program', () => {
  it('offers its settings, says what is not for this model and what could not be matched', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    await drop(page, [FOX]);
    const dialog = page.getByRole('dialog', { name: /Settings from/ });
    await dialog.getByText('Could not be matched').waitFor();
    await dialog.getByText('Clip skip').waitFor();
    await shot(page, 'restore');
    expect(await dialog.getByRole('checkbox', { name: /Prompt/ }).first().isChecked()).toBe(true);
    expect(await dialog.getByRole('checkbox', { name: /Sampler/ }).isChecked(), 'what the model refuses is not ticked').toBe(false);
    expect(await dialog.getByRole('checkbox', { name: /Guidance/ }).isChecked(), 'nor what is for another kind of model').toBe(false);
    await dialog.getByText('For another kind of model: this one takes 1').waitFor();
  });

  it('takes one at a time', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    await drop(page, [FOX]);
    const dialog = page.getByRole('dialog', { name: /Settings from/ });
    await dialog.getByRole('button', { name: 'Use Seed' }).click();
    await dialog.getByText('Taken', { exact: true }).waitFor();
    await expect.poll(async () => (await draft(page)).seed).toMatch(/^\d+$/);
    const taken = await draft(page);
    expect(taken.prompt ?? '', 'nothing else is touched').toBe('');
  });

  it('takes all that can be used, goes to the prompt, and takes it back', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    await drop(page, [FOX]);
    await page.locator('[data-action="restore.all"]').click();
    await page.getByRole('textbox', { name: 'Prompt' }).waitFor();
    await expect.poll(async () => (await draft(page)).prompt).toBeTruthy();
    const taken = await draft(page);
    expect(taken.sampler, 'what the model refuses stays out').toBe(null);
    await page.getByRole('region', { name: 'Notices' }).getByRole('button', { name: 'Undo' }).click();
    await expect.poll(async () => (await draft(page)).prompt).toBe('');
  });

  it('can be left alone', async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page);
    await drop(page, [FOX]);
    await page.getByRole('button', { name: 'Use nothing' }).click();
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    expect((await draft(page)).prompt ?? '').toBe('');
  });
});
