/**
 * The Library with fifty thousand pictures in Chromium, measured: `npm run bench [-- pictures]`.
 *
 * It is a measurement and no test: how long a machine takes depends on what else it does. It prints a table, keeps
 * it in `bench/interface.md` when all pictures were there, and fails only with `--strict`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type CDPSession, type Locator, type Page } from 'playwright-core';
import type { FakePlatform } from '../src/platform/fake';
import { serve, TARGET, UI } from './site';

const USUAL = 50_000;
const PICTURES = Number(process.argv.find((one) => /^\d+$/.test(one)) ?? USUAL);
const STRICT = process.argv.includes('--strict');
/** How many different thumbnails there are; each picture shows one of them under its own address. */
const KINDS = 64;
const LIMIT = { page: 30, search: 50, task: 33, memory: 400 };
const TRACES = join(TARGET, 'ui-bench');

interface Row {
  what: string;
  value: number;
  limit?: number;
  unit?: string;
}

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  dur?: number;
  tdur?: number;
  args?: { name?: string };
}

declare global {
  interface Window {
    fake: FakePlatform;
  }
  interface Performance {
    readonly memory: { usedJSHeapSize: number };
  }
}

export async function bench(): Promise<void> {
  const site = await serve();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--enable-precise-memory-info'],
  });
  try {
    await paint(browser, join(site.folder, 'thumbs'));
    const rows = await measure(browser, site.address);
    const table = ['| what | measured | limit |', '|---|---:|---:|', ...rows.map(({ what, value, limit, unit = '' }) => `| ${what} | ${value} ${unit} | ${limit === undefined ? '' : `${limit} ${unit}`} |`)].join('\n');
    console.log(`${PICTURES.toLocaleString('en')} pictures, Chromium ${browser.version()}\n\n${table}`);
    if (PICTURES === USUAL) writeFileSync(join(UI, '..', 'bench', 'interface.md'), sheet(table, browser.version()));
    if (STRICT && rows.some(({ value, limit }) => limit !== undefined && value > limit)) process.exitCode = 1;
  } finally {
    await browser.close();
    await site.close();
  }
}

/** What is committed: the table, and what one must know to read it. */
function sheet(table: string, version: string): string {
  const processor = cpus()[0]?.model.trim() ?? 'an unknown processor';
  return `# The interface with 50,000 pictures

How long a person waits for the Library's wall of pictures, and what it keeps in memory. The interface runs in Chromium over the fake studio, so that only the interface is measured; [library.md](library.md) has the studio's part.

\`\`\`
cd ui && npm run bench
\`\`\`

Measured on ${new Date().toISOString().slice(0, 10)} on ${availableParallelism()} cores of an ${processor} in Chromium ${version} without a graphics card, with nothing else computing. Every picture has an address of its own and is a WebP file, fetched and decoded like a studio's.

${table}

"Next page" and "search" end with the frame that shows the pictures' places; up to 17 ms of them are the wait for that frame. The fake studio's answers come as tasks of their own, as those of another process do. A task is what Chromium's trace shows on the page's main thread; a key press or a wheel's notch waits for the longest one. Memory is the proportional set size of the page's process after its garbage was collected, with the fake library of 50,000 pictures in it. Without a graphics card Chromium keeps decoded pictures by their number, whether or not they are still on the page, until the system is short of memory; that line therefore has no limit, and the one after it shows what remains.
`;
}

async function measure(browser: Browser, address: string): Promise<Row[]> {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  // A studio's answer comes from another process as a task of its own; the fake's would be part of the question's.
  // The fake draws each picture as a drawing, which is a document of its own to the browser; the window is served
  // small WebP files. So is this: every picture has an address of its own, fetched and decoded like any other.
  await page.addInitScript((kinds) => {
    let fake: FakePlatform;
    Object.defineProperty(window, 'fake', {
      get: () => fake,
      set(value: FakePlatform) {
        fake = value;
        const call = fake.call.bind(fake);
        fake.call = async (name, request) => {
          const answer = await call(name, request);
          await new Promise<void>((done) => {
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = () => {
              port1.close();
              done();
            };
            port2.postMessage(null);
          });
          return answer;
        };
        fake.url = (size, id) => `/thumbs/${size}-${Number.parseInt(id.slice(0, 8), 16) % kinds}.webp?${id}`;
      },
    });
  }, KINDS);
  await page.goto(`${address}?pictures=${PICTURES}`);
  await page.locator('nav [data-action="view.library"]').click();
  const grid = page.getByRole('listbox', { name: 'Pictures' });
  await grid.locator('img').first().waitFor();
  await page.waitForTimeout(500);

  const session = await page.context().newCDPSession(page);
  const kept = () => keptBy(session, browser);
  const start = await kept();
  const open = await fromClick(page);
  const stretch = await nextPage(page);
  const search = await searches(page);
  const looked = await kept();
  const wheel = await traced(browser, 'wheel', () => scrollByWheel(page, grid));
  const drag = await traced(browser, 'drag', () => scrollByBar(page));
  const keys = await traced(browser, 'keys', () => scrollByKeys(page, grid));
  const { cells, heap } = await page.evaluate(() => ({
    cells: document.querySelectorAll('[role="option"]').length,
    heap: performance.memory.usedJSHeapSize,
  }));
  const untidy = await memoryOf(browser);
  const scrolled = await kept();
  await walk(page);
  const walked = await kept();
  await session.send('Memory.simulatePressureNotification', { level: 'critical' });
  await page.waitForTimeout(1500);
  const pressed = await kept();
  return [
    { what: 'Library from its button to pictures', value: open, unit: 'ms' },
    { what: 'next page: asked for to drawn, median of 20', value: median(stretch), limit: LIMIT.page, unit: 'ms' },
    { what: 'next page: slowest of 20', value: Math.max(...stretch), limit: LIMIT.page, unit: 'ms' },
    { what: 'search: question to first picture found, without the look of the fake itself, median of 10', value: median(search), limit: LIMIT.search, unit: 'ms' },
    { what: 'search: slowest of 10', value: Math.max(...search), limit: LIMIT.search, unit: 'ms' },
    ...Object.entries({ wheel, 'scroll bar': drag, 'Page Down': keys }).flatMap(([how, { longest, worked, over, tasks }]) => [
      { what: `longest main-thread task, scrolling by ${how}`, value: longest, limit: LIMIT.task, unit: 'ms' },
      { what: '… and the most that one worked, without what other programs took', value: worked, limit: LIMIT.task, unit: 'ms' },
      { what: `… tasks over ${LIMIT.task} ms, of ${tasks}`, value: over, limit: 0 },
    ]),
    { what: 'cells in the page', value: cells },
    { what: 'JavaScript heap, with the fake library in it', value: Math.round(heap / 1e6), unit: 'MB' },
    { what: 'memory when the Library is open', value: start, limit: LIMIT.memory, unit: 'MB' },
    { what: '… after twenty pages and ten searches', value: looked, limit: LIMIT.memory, unit: 'MB' },
    { what: '… after all that scrolling', value: scrolled, limit: LIMIT.memory, unit: 'MB' },
    { what: "… the same before its garbage was collected, much of it the fake studio's", value: untidy, unit: 'MB' },
    { what: '… after walking past a further 600 pictures at full sharpness, which Chromium keeps decoded', value: walked, unit: 'MB' },
    { what: '… once the system asks for what is not needed', value: pressed, limit: LIMIT.memory, unit: 'MB' },
  ];
}

/** Writes thumbnails beside the built interface, in the sizes and the format in which the studio makes them. */
async function paint(browser: Browser, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const page = await browser.newPage();
  for (const side of [128, 320, 768]) {
    for (let kind = 0; kind < KINDS; kind += 1) {
      const bytes = await page.evaluate(
        async ({ kind, side }) => {
          const canvas = new OffscreenCanvas(side, side);
          const context = canvas.getContext('2d')!;
          context.scale(side / 320, side / 320);
          for (let n = 0; n < 60; n += 1) {
            context.fillStyle = `hsl(${(kind * 47 + n * 13) % 360} ${30 + (n % 5) * 12}% ${25 + ((n * 7 + kind) % 60)}%)`;
            context.beginPath();
            context.arc((n * 83 + kind * 29) % 320, (n * 59 + kind * 17) % 320, 12 + ((n * 11) % 70), 0, 7);
            context.fill();
          }
          const blob = await canvas.convertToBlob({ type: 'image/webp', quality: 0.8 });
          return [...new Uint8Array(await blob.arrayBuffer())];
        },
        { kind, side },
      );
      writeFileSync(join(folder, `thumb${side}-${kind}.webp`), Uint8Array.from(bytes));
    }
  }
  await page.close();
}

/** From the press of the rail's button to the first picture that is drawn. */
async function fromClick(page: Page): Promise<number> {
  await page.locator('nav [data-action="view.models"]').click();
  await page.waitForTimeout(300);
  return page.evaluate(
    () =>
      new Promise<number>((done) => {
        const from = performance.now();
        document.querySelector<HTMLElement>('nav [data-action="view.library"]')!.click();
        const look = () => (document.querySelector<HTMLImageElement>('[role="option"] img')?.complete ? done(Math.round(performance.now() - from)) : requestAnimationFrame(look));
        requestAnimationFrame(look);
      }),
  );
}

/** The time from asking for a stretch that was not there to the frame that shows it, twenty times. */
function nextPage(page: Page): Promise<number[]> {
  return page.evaluate(async () => {
    const box = document.querySelector('[role="listbox"]')!;
    const frame = () => new Promise<number>((done) => requestAnimationFrame(done));
    const coming = () => [...box.querySelectorAll('[role="option"]')].some((cell) => !cell.hasAttribute('data-picture'));
    const { studio } = window.fake;
    const call = studio.call.bind(studio);
    const asks: number[] = [];
    studio.call = (name, request) => {
      if (name === 'pictures') asks.push(performance.now());
      return call(name, request);
    };
    const times: number[] = [];
    for (let n = 0; n < 20; n += 1) {
      asks.length = 0;
      // On until the next stretch is asked for.
      for (let tries = 0; asks.length === 0 && tries < 400; tries += 1) {
        box.scrollTop += 300;
        await frame();
      }
      const [asked] = asks;
      if (asked === undefined) continue;
      // What stands there when a frame begins is what the frame shows.
      for (let tries = 0; coming() && tries < 400; tries += 1) await frame();
      times.push(Math.round((performance.now() - asked) * 10) / 10);
      await frame();
    }
    studio.call = call;
    return times;
  });
}

/** The time from the question to the frame that shows the first picture found. */
async function searches(page: Page): Promise<number[]> {
  const times: number[] = [];
  for (const word of ['lighthouse', 'violin', 'snow', 'watercolour', 'ثعلب', '狐狸', 'red fox', 'paper cut', 'theatre', 'whale']) {
    times.push(
      await page.evaluate(async (word) => {
        const field = document.querySelector<HTMLInputElement>('[role="searchbox"]')!;
        const { studio } = window.fake;
        const call = studio.call.bind(studio);
        const asks: number[] = [];
        // What the fake takes to look through its list is not the interface's: the studio has an index.
        let looked = 0;
        studio.call = async (name, request) => {
          const from = performance.now();
          if (name === 'pictures' && (request as { filter: { text: string } }).filter.text === word) asks.push(from);
          const answer = await call(name, request);
          looked += performance.now() - from;
          return answer;
        };
        field.value = word;
        field.dispatchEvent(new Event('input', { bubbles: true }));
        const found = () => {
          const label = document.querySelector('[role="option"]')?.getAttribute('aria-label') ?? '';
          return asks.length > 0 && word.split(' ').every((part) => label.includes(part));
        };
        do await new Promise((done) => requestAnimationFrame(done));
        while (!found());
        studio.call = call;
        return Math.round((performance.now() - asks[0]! - looked) * 10) / 10;
      }, word),
    );
  }
  await page.getByRole('searchbox').fill('');
  await page.waitForTimeout(500);
  return times;
}

async function scrollByWheel(page: Page, grid: Locator): Promise<void> {
  const at = (await grid.boundingBox())!;
  await page.mouse.move(at.x + at.width / 2, at.y + at.height / 2);
  for (let n = 0; n < 120; n += 1) {
    await page.mouse.wheel(0, 240);
    await page.waitForTimeout(16);
  }
}

/** As if the scroll bar were dragged from one end to the other: whole libraries pass by in a second. */
function scrollByBar(page: Page): Promise<void> {
  return page.evaluate(async () => {
    const box = document.querySelector('[role="listbox"]')!;
    for (let n = 0; n <= 90; n += 1) {
      box.scrollTop = ((box.scrollHeight - box.clientHeight) * n) / 90;
      await new Promise((done) => requestAnimationFrame(done));
    }
    await new Promise((done) => setTimeout(done, 1500));
  });
}

async function scrollByKeys(page: Page, grid: Locator): Promise<void> {
  await grid.focus();
  await page.keyboard.press('Home');
  for (let n = 0; n < 40; n += 1) {
    await page.keyboard.press('PageDown');
    await page.waitForTimeout(33);
  }
}

/** A screen at a time with a look at each: what somebody does who seeks a picture. */
function walk(page: Page): Promise<void> {
  return page.evaluate(async () => {
    const box = document.querySelector('[role="listbox"]')!;
    const first = () => Number(box.querySelector<HTMLElement>('[role="option"]')?.dataset.index);
    for (const from = first(); first() - from < 600; ) {
      box.scrollTop += box.clientHeight;
      await new Promise((done) => setTimeout(done, 250));
    }
  });
}

/** Runs `act` under Chromium's trace and reads the main thread's tasks out of it. */
async function traced(browser: Browser, name: string, act: () => Promise<void>): Promise<{ longest: number; worked: number; over: number; tasks: number }> {
  const session = await browser.newBrowserCDPSession();
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  await session.send('Tracing.start', { traceConfig: { includedCategories: ['devtools.timeline', 'disabled-by-default-devtools.timeline'] } });
  const pid = await pageProcess(session);
  // Beginning to trace keeps every process busy, and so does the trace before.
  await new Promise((done) => setTimeout(done, 2000));
  await act();
  const complete = new Promise<void>((done) => session.once('Tracing.tracingComplete', () => done()));
  await session.send('Tracing.end');
  await complete;
  await session.detach();
  mkdirSync(TRACES, { recursive: true });
  writeFileSync(join(TRACES, `trace-${name}.json`), JSON.stringify({ traceEvents: events }));

  const main = new Set(events.filter((one) => one.name === 'thread_name' && one.args?.name === 'CrRendererMain').map((one) => `${one.pid}:${one.tid}`));
  const tasks = events.filter((one) => one.ph === 'X' && one.pid === pid && main.has(`${one.pid}:${one.tid}`) && one.name === 'RunTask');
  const longest = (of: (task: TraceEvent) => number | undefined) => Math.round(tasks.reduce((most, task) => Math.max(most, of(task) ?? 0), 0) / 100) / 10;
  return {
    longest: longest(({ dur }) => dur),
    worked: longest(({ tdur }) => tdur),
    over: tasks.filter(({ dur = 0 }) => dur / 1000 > LIMIT.task).length,
    tasks: tasks.length,
  };
}

/** The page's process: of those that draw pages the one that has computed the most. */
async function pageProcess(session: CDPSession): Promise<number> {
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const [most] = processInfo.filter(({ type }) => type === 'renderer').sort((a, b) => b.cpuTime - a.cpuTime);
  if (!most) throw new Error('Chromium shows no page');
  return most.id;
}

/** What the page's process keeps once its garbage is gone. */
async function keptBy(session: CDPSession, browser: Browser): Promise<number> {
  await session.send('HeapProfiler.collectGarbage');
  await new Promise((done) => setTimeout(done, 500));
  return memoryOf(browser);
}

/** Proportional set size of the page's process in megabytes: shared pages count for their share. */
async function memoryOf(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const pid = await pageProcess(session);
  await session.detach();
  const kilobytes = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1];
  return Math.round(Number(kilobytes) / 1024);
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
