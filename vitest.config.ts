import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/build-page.ts', 'test/services/run.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // What is waited for comes as soon as it can; a second is too little on a machine that does other things too.
    expect: { poll: { timeout: 8_000 } },
    // Tests start real processes and threads, and many of them wait: one more at once than the smallest machine has cores.
    maxWorkers: 3,
  },
})
