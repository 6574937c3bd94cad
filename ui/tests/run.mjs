/** Builds the interface over the fake platform and tests it in Chromium: `npm run test:chromium [-- a name]`. */
import { startVitest } from 'vitest/node';

const vitest = await startVitest('test', process.argv.slice(2), { config: 'tests/vitest.config.ts', run: true, watch: false });
await vitest?.close();
