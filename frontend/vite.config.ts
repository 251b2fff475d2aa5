import { svelte } from '@sveltejs/vite-plugin-svelte';
import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'vitest/config';

// DEV_SERVER is the address that `go run ./frontend/devserver` prints.
const dev = process.env['DEV_SERVER'];

export default defineConfig({
  plugins: [svelte(), tailwindcss()],
  // Anything but mpa answers GET /api/… with index.html.
  appType: 'mpa',
  base: './',
  resolve: process.env['VITEST'] ? { conditions: ['browser'] } : {},
  build: {
    target: ['safari16', 'chrome111'],
    modulePreload: { polyfill: false },
    // An inlined picture would need data: in the page's policy.
    assetsInlineLimit: 0,
  },
  server: dev ? { proxy: { '/api': dev, '/native': dev, '/dev': dev } } : {},
  test: { environment: 'happy-dom', include: ['test/**/*.test.ts'], env: { TZ: 'UTC' } },
});
