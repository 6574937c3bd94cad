/** Measures the interface: `npm run bench [-- pictures]`. Vite reads the measurement, which is TypeScript. */
import { join } from 'node:path';
import { runnerImport } from 'vite';

const { module } = await runnerImport(join(import.meta.dirname, 'bench.ts'), { configFile: false, root: join(import.meta.dirname, '..'), logLevel: 'error' });
await module.bench();
