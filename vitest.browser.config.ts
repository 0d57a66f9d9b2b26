import { defineConfig } from 'vitest/config'
import { ClosingLine } from './test/support/closing-line.ts'
import { howToInstall } from './test/worker/chromium.ts'

// Without the browser there is no result, rather than a good one.
const advice = howToInstall()
if (advice !== undefined) {
  console.error(advice)
  process.exit(1)
}

export default defineConfig({
  test: {
    include: ['test/**/*.browser.ts'],
    testTimeout: 20_000,
    reporters: ['default', new ClosingLine()],
  },
})
