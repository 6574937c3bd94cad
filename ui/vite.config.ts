import { svelte, vitePreprocess } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig(({ mode }) => ({
  plugins: [svelte({ preprocess: vitePreprocess({ script: false }), configFile: false })],
  clearScreen: false,
  // The window loads the files from its own scheme, so paths are relative.
  base: './',
  server: {
    port: 5180,
    strictPort: true,
    // The first screen shows pictures that lie beside the starter's card, outside this folder.
    fs: { allow: ['..'] },
  },
  build: {
    target: ['chrome115', 'safari16.4'],
    // A `data:` picture would need a wider content policy than the window has.
    assetsInlineLimit: 0,
  },
  define: {
    __FAKE__: JSON.stringify(mode === 'fake' || mode === 'test'),
  },
  resolve: mode === 'test' ? { conditions: ['browser'] } : {},
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.ts'],
    setupFiles: ['src/test-setup.ts'],
  },
}));
