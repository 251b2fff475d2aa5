import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'node',
    include: ['e2e/**/*.test.ts'],
    globalSetup: ['e2e/setup.ts'],
    // One browser at a time: this runs beside other work.
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 120_000,
    // A machine may be slow; a page that is right gets there.
    expect: { poll: { timeout: 30_000 } },
  },
});
