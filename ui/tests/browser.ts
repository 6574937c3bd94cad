/** Chromium, and what tests do in it. */
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { expect, inject } from 'vitest';
import { TARGET } from './site';

/** The design size, and the smallest window that is promised. */
export const DESIGN = { width: 1280, height: 800 };
export const SMALLEST = { width: 960, height: 600 };

const SCREENS = join(TARGET, 'ui-screens');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
let browser: Promise<Browser> | null = null;

/** The system's Chromium, once for all tests. It may reach nothing but the page that is tested. */
export function launch(): Promise<Browser> {
  browser ??= chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return browser;
}

export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
  browser = null;
}

export interface Opening {
  /** The fake's options, as in `pictures=50000&theme=light`. */
  query?: string;
  size?: { width: number; height: number };
  /** The screen to go to. */
  screen?: 'create' | 'library' | 'models' | 'settings';
  /** What stands there when the page is ready. */
  waits?: string;
}

/** A fresh page of the interface. A test that ends with an error in the console fails. */
export async function open({ query = '', size = DESIGN, screen = 'library', waits = '[data-action="view.library"]' }: Opening = {}): Promise<Opened> {
  const context = await (await launch()).newContext({ viewport: size, reducedMotion: 'reduce', locale: 'en-GB' });
  // Browsers ask for an icon that the window's own frame has no use for.
  await context.route('**/favicon.ico', (route) => route.fulfill({ status: 204 }));
  const page = await context.newPage();
  page.setDefaultTimeout(8_000);
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  await page.goto(`${inject('site')}?${query}`);
  await page.locator(waits).waitFor();
  if (screen !== 'create') await go(page, screen);
  return {
    page,
    errors,
    async [Symbol.asyncDispose]() {
      await context.close();
      expect(errors, 'errors in the console').toEqual([]);
    },
  };
}

/** Goes to a screen by its button; the models are a page of the settings. */
export async function go(page: Page, screen: NonNullable<Opening['screen']>): Promise<void> {
  if (screen === 'models') await page.locator('nav [data-action="view.settings"]').click();
  await page.locator(`nav [data-action="view.${screen}"]`).click();
}

export interface Opened extends AsyncDisposable {
  page: Page;
  /** What the console said; a test that provokes an error empties it. */
  errors: string[];
}

/** Keeps a picture of the page as build output, to be looked at. */
export async function shot(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENS, { recursive: true });
  await page.evaluate(() => Promise.all([...document.images].map((image) => image.decode().catch(() => undefined))));
  await page.screenshot({ path: join(SCREENS, `${name}.png`) });
}

/** Every rule of axe-core that applies, as lines; none is the aim. */
export async function axe(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: { run: () => Promise<{ violations: Violation[] }> } }).axe.run();
    interface Violation {
      id: string;
      help: string;
      nodes: { target: unknown[]; failureSummary?: string }[];
    }
    return violations.map(({ id, help, nodes }) => `${id}: ${help} at ${nodes.map(({ target, failureSummary }) => `${target.join(' ')} (${failureSummary?.split('\n').slice(1, 3).join(' ').trim()})`).join('; ')}`);
  });
  return violations;
}

/** Elements whose words are cut off where no ellipsis says so, or that stick out of the window. */
export function clipped(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const inScroller = (element: Element) => {
      for (let at = element.parentElement; at; at = at.parentElement) if (at.scrollWidth > at.clientWidth && /(auto|scroll)/.test(getComputedStyle(at).overflowX)) return true;
      return false;
    };
    for (const element of document.querySelectorAll<HTMLElement>('button, label, h1, h2, h3, p, dt, dd, summary')) {
      const style = getComputedStyle(element);
      if (style.visibility === 'hidden' || element.closest('.unseen, [aria-hidden="true"]')) continue;
      const at = element.getBoundingClientRect();
      if (at.width === 0 || at.height === 0) continue;
      const what = `${element.tagName.toLowerCase()} "${(element.textContent ?? '').trim().slice(0, 40)}"`;
      const scrolls = /(auto|scroll)/.test(style.overflow + style.overflowY + style.overflowX);
      if (element.scrollWidth > element.clientWidth + 1 && style.textOverflow !== 'ellipsis' && style.display !== 'inline' && !scrolls) found.push(`${what} is ${element.scrollWidth} wide in ${element.clientWidth}`);
      if (!inScroller(element) && (at.right > innerWidth + 1 || at.left < -1)) found.push(`${what} sticks out of the window`);
    }
    return found;
  });
}

/** What the fake studio holds, or does: an expression over `studio`, whose commands are called by `call`. */
export const studio = <T>(page: Page, read: string) => page.evaluate(`(() => { const { studio } = window.fake; const call = (name, request) => studio.call(name, request); return ${read}; })()`) as Promise<T>;

/** The request that is being written, as the library keeps it. */
export const draft = (page: Page) => page.evaluate('(window.fake.studio.drafts.get(window.fake.studio.folder) ?? {}).request ?? {}') as Promise<Record<string, unknown>>;

/** Lets files go over the page, where `x` and `y` are or in its middle. */
export const drop = (page: Page, paths: string[], x?: number, y?: number) =>
  page.evaluate(
    ([paths, x, y]) => (window as unknown as { fake: { drop(drop: unknown): void } }).fake.drop({ kind: 'drop', x: x ?? innerWidth / 2, y: y ?? innerHeight / 2, paths }),
    [paths, x, y] as const,
  );

/** The field in which one says what to make. */
export const prompt = (page: Page) => page.getByLabel('Prompt', { exact: true });
/** Opens the side of the inspector that has the recipe of the next picture. */
export const recipe = (page: Page) => page.getByRole('tab', { name: 'Recipe' }).click();
/** Where the picture is shown. */
export const viewer = (page: Page) => page.locator('[data-region="viewer"]');
/** A picture that is no preview. */
export const finished = (page: Page) => viewer(page).locator('img:not([data-preview])');

/** Writes a prompt, makes its picture by key, and waits for the first that is shown. */
export async function made(page: Page, text: string): Promise<void> {
  await prompt(page).fill(text);
  await page.keyboard.press('Control+Enter');
  await finished(page).waitFor();
}

/** The grid, by its role. */
export const grid = (page: Page) => page.getByRole('listbox', { name: /Pictures|图片/ });
/** The cells in the page. */
export const cells = (page: Page) => grid(page).getByRole('option');
/** The chosen cells. */
export const chosen = (page: Page) => grid(page).locator('[role="option"][aria-selected="true"]');

/** Waits until the first pictures stand in the grid. */
export async function shown(page: Page): Promise<void> {
  await cells(page).first().locator('img').waitFor();
}
