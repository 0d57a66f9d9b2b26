import { defineConfig } from 'vitest/config'
import { howToInstall } from './test/interop/installed.ts'
import config, { node } from './vitest.config.ts'

// Without the servers there is no result, rather than a good one; and no test has to say so.
const advice = howToInstall()
if (advice !== undefined) {
  console.error(advice)
  process.exit(1)
}

const { projects: _, ...shared } = config.test ?? {}

export default defineConfig({
  ...node,
  test: { ...shared, ...node.test, name: 'interop', include: ['test/interop/**/*.interop.ts'] },
})
