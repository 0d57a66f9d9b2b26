import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { ClosingLine } from './test/support/closing-line.ts'

export default defineConfig({
  resolve: { alias: { '#platform': fileURLToPath(new URL('src/platform.ts', import.meta.url)) } },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/build.ts',
    testTimeout: 20_000,
    reporters: ['default', new ClosingLine()],
  },
})
