import { defineConfig } from 'vitest/config'
import config, { node } from './vitest.config.ts'

const { projects: _, ...shared } = config.test ?? {}

export default defineConfig({
  ...node,
  test: { ...shared, name: 'deflate', include: ['test/deflate/**/*.deflate.ts'], testTimeout: 120_000 },
})
