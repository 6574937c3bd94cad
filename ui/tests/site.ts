/** The interface over the fake platform, built once and served while the tests run. */
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

/** Builds into `target` and serves it on a free port. */
export async function serve(): Promise<{ address: string; close: () => Promise<void> }> {
  const outDir = join(TARGET, 'ui-fake');
  const common = { root: UI, mode: 'fake', logLevel: 'error' as const };
  await build({ ...common, build: { outDir, emptyOutDir: true } });
  const server = await preview({ ...common, build: { outDir }, preview: { port: 0, host: '127.0.0.1', strictPort: false } });
  const address = server.resolvedUrls?.local[0];
  if (!address) throw new Error('the preview server has no address');
  return { address, close: () => server.close() };
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { address, close } = await serve();
  project.provide('site', address);
  return close;
}
