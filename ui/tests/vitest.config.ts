import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Beside the packages, which git ignores.
  cacheDir: '../node_modules/.vite',
  test: {
    root: import.meta.dirname,
    include: ['*.test.ts'],
    globalSetup: ['./site.ts'],
    environment: 'node',
    // One browser, one page at a time: the machine may have two cores.
    fileParallelism: false,
    maxWorkers: 1,
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    // A busy machine draws late; what never comes fails all the same.
    expect: { poll: { timeout: 10_000 } },
  },
});
