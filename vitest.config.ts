import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/build-page.ts', 'test/services/run.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // Tests start real processes and threads; two at once is what the smallest machine we test on has cores for.
    maxWorkers: 2,
  },
})
