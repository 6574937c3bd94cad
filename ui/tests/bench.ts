/**
 * The Library with fifty thousand pictures in Chromium, measured: `npm run bench [-- pictures]`.
 *
 * It is a measurement and no test: how long a machine takes depends on what else it does. It prints a table, keeps
 * it beside the trace as build output, and fails only with `--strict`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { build, preview } from 'vite';

const UI = join(import.meta.dirname, '..');
const TARGET = join(UI, '..', 'target');
const PICTURES = Number(process.argv.find((one) => /^\d+$/.test(one)) ?? 50_000);
const STRICT = process.argv.includes('--strict');
/** How many different thumbnails there are; each picture shows one of them under its own address. */
const KINDS = 64;
const LIMIT = { page: 30, search: 50, task: 33, memory: 400 };

const outDir = join(TARGET, 'ui-fake');
await build({ root: UI, mode: 'fake', logLevel: 'error', build: { outDir, emptyOutDir: true } });
const server = await preview({ root: UI, mode: 'fake', logLevel: 'error', build: { outDir }, preview: { port: 0, host: '127.0.0.1' } });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--enable-precise-memory-info'],
});

try {
  const rows = await measure();
  const table = ['| what | measured | limit |', '|---|---|---|', ...rows.map(({ what, value, limit, unit }) => `| ${what} | ${value} ${unit} | ${limit === null ? '' : `≤ ${limit} ${unit}`} |`)].join('\n');
  console.log(`${PICTURES.toLocaleString('en')} pictures, ${await browser.version()}\n\n${table}`);
  mkdirSync(join(TARGET, 'ui-bench'), { recursive: true });
  writeFileSync(join(TARGET, 'ui-bench', 'table.md'), `${table}\n`);
  if (STRICT && rows.some(({ value, limit }) => limit !== null && value > limit)) process.exitCode = 1;
} finally {
  await browser.close();
  await server.close();
}

async function measure() {
  await paint();
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  // The fake draws each picture as a drawing, which is a document of its own to the browser; the window is served
  // small WebP files. So is this: every picture has an address of its own, fetched and decoded like any other.
  await page.addInitScript((kinds) => {
    let fake;
    Object.defineProperty(window, 'fake', {
      get: () => fake,
      set(value) {
        fake = value;
        fake.url = (_size, id) => `/thumbs/${Number.parseInt(id.slice(0, 8), 16) % kinds}.webp?${id}`;
      },
    });
  }, KINDS);
  await page.goto(`${server.resolvedUrls.local[0]}?pictures=${PICTURES}`);
  await page.locator('nav [data-action="view.library"]').click();
  const grid = page.getByRole('listbox', { name: 'Pictures' });
  await grid.locator('img').first().waitFor();
  await page.waitForTimeout(500);

  const start = await rendererMemory(page);
  const open = await fromClick(page);
  const stretch = await nextPage(page);
  const search = await searches(page);
  const looked = await rendererMemory(page);
  const wheel = await traced(page, 'wheel', () => scrollByWheel(page, grid));
  const drag = await traced(page, 'drag', () => scrollByBar(page));
  const keys = await traced(page, 'keys', () => scrollByKeys(page, grid));
  const { cells, heap } = await page.evaluate(() => ({
    cells: document.querySelectorAll('[role="option"]').length,
    heap: performance.memory.usedJSHeapSize,
  }));
  const memory = await rendererMemory(page);
  const session = await page.context().newCDPSession(page);
  await session.send('Memory.simulatePressureNotification', { level: 'critical' });
  await session.send('HeapProfiler.collectGarbage');
  await page.waitForTimeout(1500);
  const kept = await rendererMemory(page);
  return [
    { what: 'Library from its button to pictures', value: open, limit: null, unit: 'ms' },
    { what: 'next page: asked for to drawn, median of 20', value: median(stretch), limit: LIMIT.page, unit: 'ms' },
    { what: 'next page: slowest of 20', value: Math.max(...stretch), limit: null, unit: 'ms' },
    { what: 'search: question to first picture found, without the look of the fake itself, median of 10', value: median(search), limit: LIMIT.search, unit: 'ms' },
    { what: 'search: slowest of 10', value: Math.max(...search), limit: null, unit: 'ms' },
    ...[['wheel', wheel], ['scroll bar', drag], ['Page Down', keys]].flatMap(([how, { longest, worked, over, tasks }]) => [
      { what: `longest main-thread task, scrolling by ${how}`, value: longest, limit: LIMIT.task, unit: 'ms' },
      { what: `… and the most that one worked, without what other programs took`, value: worked, limit: LIMIT.task, unit: 'ms' },
      { what: `… tasks over ${LIMIT.task} ms, of ${tasks}`, value: over, limit: 0, unit: '' },
    ]),
    { what: 'cells in the page', value: cells, limit: null, unit: '' },
    { what: 'JavaScript heap, with the fake library in it', value: Math.round(heap / 1e6), limit: null, unit: 'MB' },
    { what: "the page's process when the Library is open, proportional memory", value: start, limit: LIMIT.memory, unit: 'MB' },
    { what: '… after twenty stretches and ten searches', value: looked, limit: LIMIT.memory, unit: 'MB' },
    { what: '… after all that scrolling, with pictures that the browser keeps while there is room', value: memory, limit: null, unit: 'MB' },
    { what: '… and when the system asks for it back', value: kept, limit: LIMIT.memory, unit: 'MB' },
  ];
}

/** Writes thumbnails beside the built interface, as the studio would have made them. */
async function paint() {
  const folder = join(outDir, 'thumbs');
  mkdirSync(folder, { recursive: true });
  const page = await browser.newPage();
  for (let kind = 0; kind < KINDS; kind += 1) {
    const bytes = await page.evaluate(async (kind) => {
      const canvas = new OffscreenCanvas(320, 320);
      const context = canvas.getContext('2d');
      for (let n = 0; n < 60; n += 1) {
        context.fillStyle = `hsl(${(kind * 47 + n * 13) % 360} ${30 + (n % 5) * 12}% ${25 + ((n * 7 + kind) % 60)}%)`;
        context.beginPath();
        context.arc((n * 83 + kind * 29) % 320, (n * 59 + kind * 17) % 320, 12 + ((n * 11) % 70), 0, 7);
        context.fill();
      }
      const blob = await canvas.convertToBlob({ type: 'image/webp', quality: 0.8 });
      return [...new Uint8Array(await blob.arrayBuffer())];
    }, kind);
    writeFileSync(join(folder, `${kind}.webp`), Uint8Array.from(bytes));
  }
  await page.close();
}

/** From the press of the rail's button to the first picture that is drawn. */
async function fromClick(page) {
  await page.locator('nav [data-action="view.models"]').click();
  await page.waitForTimeout(300);
  return page.evaluate(
    () =>
      new Promise((done) => {
        const from = performance.now();
        document.querySelector('nav [data-action="view.library"]').click();
        const look = () => (document.querySelector('[role="option"] img')?.complete ? done(Math.round(performance.now() - from)) : requestAnimationFrame(look));
        requestAnimationFrame(look);
      }),
  );
}

/** The time until the cells of a stretch that was not there yet are drawn, twenty times one after the other. */
function nextPage(page) {
  return page.evaluate(async () => {
    const box = document.querySelector('[role="listbox"]');
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const times = [];
    for (let n = 0; n < 20; n += 1) {
      const studio = window.fake.studio;
      const call = studio.call.bind(studio);
      let asked = null;
      let answered = null;
      studio.call = async (name, request) => {
        if (name !== 'pictures') return call(name, request);
        asked ??= performance.now();
        const answer = await call(name, request);
        answered ??= performance.now();
        return answer;
      };
      // On until the next stretch is asked for.
      for (let tries = 0; asked === null && tries < 400; tries += 1) {
        box.scrollTop += 300;
        await frame();
      }
      await frame();
      await frame();
      const drawn = performance.now();
      if (asked !== null) times.push(Math.round((Math.max(answered ?? drawn, asked) - asked + (answered === null ? drawn - asked : 0)) * 10) / 10);
      studio.call = call;
    }
    return times;
  });
}

/** The time from the question to the first picture that answers it. The fake's own search is in it. */
async function searches(page) {
  const times = [];
  for (const word of ['lighthouse', 'violin', 'snow', 'watercolour', 'ثعلب', '狐狸', 'red fox', 'paper cut', 'theatre', 'whale']) {
    times.push(
      await page.evaluate(
        (word) =>
          new Promise((done) => {
            const field = document.querySelector('[role="searchbox"]');
            const studio = window.fake.studio;
            const call = studio.call.bind(studio);
            let asked = null;
            // What the fake takes to look through its list is not the interface's: the studio has an index.
            let looked = 0;
            studio.call = async (name, request) => {
              const from = performance.now();
              if (name === 'pictures' && request.filter.text === word) asked ??= from;
              const answer = await call(name, request);
              looked += performance.now() - from;
              return answer;
            };
            field.value = word;
            field.dispatchEvent(new Event('input', { bubbles: true }));
            const look = () => {
              const label = document.querySelector('[role="option"]')?.getAttribute('aria-label') ?? '';
              if (asked !== null && word.split(' ').every((part) => label.includes(part))) {
                studio.call = call;
                done(Math.round((performance.now() - asked - looked) * 10) / 10);
              } else setTimeout(look, 0);
            };
            look();
          }),
        word,
      ),
    );
  }
  await page.getByRole('searchbox').fill('');
  await page.waitForTimeout(500);
  return times;
}

async function scrollByWheel(page, grid) {
  const at = await grid.boundingBox();
  await page.mouse.move(at.x + at.width / 2, at.y + at.height / 2);
  for (let n = 0; n < 120; n += 1) {
    await page.mouse.wheel(0, 240);
    await page.waitForTimeout(16);
  }
}

/** As if the scroll bar were dragged from one end to the other: whole libraries pass by in a second. */
function scrollByBar(page) {
  return page.evaluate(async () => {
    const box = document.querySelector('[role="listbox"]');
    for (let n = 0; n <= 90; n += 1) {
      box.scrollTop = ((box.scrollHeight - box.clientHeight) * n) / 90;
      await new Promise((done) => requestAnimationFrame(done));
    }
    await new Promise((done) => setTimeout(done, 1500));
  });
}

async function scrollByKeys(page, grid) {
  await grid.focus();
  await page.keyboard.press('Home');
  for (let n = 0; n < 40; n += 1) {
    await page.keyboard.press('PageDown');
    await page.waitForTimeout(33);
  }
}

/** Runs `act` under Chromium's trace and reads the main thread's tasks out of it. */
async function traced(page, name, act) {
  const session = await browser.newBrowserCDPSession();
  const events = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...value));
  await session.send('Tracing.start', { traceConfig: { includedCategories: ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline'] } });
  const pid = await rendererPid(page);
  await act();
  const complete = new Promise((done) => session.once('Tracing.tracingComplete', done));
  await session.send('Tracing.end');
  await complete;
  await session.detach();
  mkdirSync(join(TARGET, 'ui-bench'), { recursive: true });
  writeFileSync(join(TARGET, 'ui-bench', `trace-${name}.json`), JSON.stringify({ traceEvents: events }));

  const main = new Set(events.filter((one) => one.name === 'thread_name' && one.args?.name === 'CrRendererMain').map((one) => `${one.pid}:${one.tid}`));
  const ours = events.filter((one) => one.ph === 'X' && main.has(`${one.pid}:${one.tid}`) && (pid === null || one.pid === pid));
  const tasks = ours.filter((one) => /^(ThreadControllerImpl::RunTask|RunTask|ThreadPool_RunTask)$/.test(one.name)).filter((one) => one.dur !== undefined);
  const tenth = (number) => Math.round(number * 10) / 10;
  return {
    longest: tenth(tasks.reduce((most, { dur }) => Math.max(most, dur / 1000), 0)),
    worked: tenth(tasks.reduce((most, { tdur = 0 }) => Math.max(most, tdur / 1000), 0)),
    over: tasks.filter(({ dur }) => dur / 1000 > LIMIT.task).length,
    tasks: tasks.length,
  };
}

async function rendererPid(page) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  void page;
  const renderers = processInfo.filter(({ type }) => type === 'renderer').sort((a, b) => b.cpuTime - a.cpuTime);
  return renderers[0]?.id ?? null;
}

/** Proportional set size of the page's process in megabytes: shared pages count for their share. */
async function rendererMemory(page) {
  const { readFileSync } = await import('node:fs');
  const pid = await rendererPid(page);
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return Math.round(Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) / 1024);
  } catch {
    return 0;
  }
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
