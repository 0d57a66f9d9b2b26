import { defineConfig } from 'vitest/config'
import { howToInstall } from './test/interop/installed.ts'
import config from './vitest.config.ts'

// Without the servers there is no result, rather than a good one; and no test has to say so.
const advice = howToInstall()
if (advice !== undefined) {
  console.error(advice)
  process.exit(1)
}

export default defineConfig({ ...config, test: { ...config.test, include: ['test/interop/**/*.interop.ts'] } })
