import { defineConfig } from 'vitest/config'
import config from './vitest.config.ts'

export default defineConfig({
  ...config,
  // As Node does: what a test imports and what a library imports by the same name has to be the same.
  ssr: { resolve: { conditions: ['node', 'module-sync', 'module'] } },
  test: { ...config.test, include: ['test/libraries/**/*.library.ts'] },
})
