/** The interface over the fake platform, built once and served while the tests run. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build, preview } from 'vite';
import type { TestProject } from 'vitest/node';

export const UI = join(import.meta.dirname, '..');
/** Build output: ignored by git, and gone with it. */
export const TARGET = join(UI, '..', 'target');

declare module 'vitest' {
  interface ProvidedContext {
    site: string;
  }
}

/** The built interface while it is served. */
export interface Site {
  address: string;
  /** Where its files lie. */
  folder: string;
  close: () => Promise<void>;
}

/** Where builds lie, one folder for each process: two that run at once do not empty each other's. */
const SITES = join(TARGET, 'ui-fake');

/** Builds into `target` and serves it on a free port, until it is closed. */
export async function serve(): Promise<Site> {
  sweep();
  const folder = join(SITES, String(process.pid));
  const common = { root: UI, mode: 'fake', logLevel: 'error' as const };
  await build({ ...common, build: { outDir: folder, emptyOutDir: true } });
  const server = await preview({ ...common, build: { outDir: folder }, preview: { port: 0, host: '127.0.0.1', strictPort: false } });
  const address = server.resolvedUrls?.local[0];
  if (!address) throw new Error('the preview server has no address');
  const close = async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { address, folder, close };
}

/** Takes away what processes left that were killed. */
function sweep(): void {
  mkdirSync(SITES, { recursive: true });
  for (const name of readdirSync(SITES)) {
    if (!alive(Number(name))) rmSync(join(SITES, name), { recursive: true, force: true });
  }
}

function alive(pid: number): boolean {
  try {
    // Signal 0 sends nothing and only looks.
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { address, close } = await serve();
  project.provide('site', address);
  return close;
}
