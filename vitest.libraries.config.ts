import { defineConfig } from 'vitest/config'
import config, { node } from './vitest.config.ts'

const { projects: _, ...shared } = config.test ?? {}

export default defineConfig({
  resolve: {
    alias: [
      // The name alone: `hawser/websocket` is a file of its own.
      { find: /^hawser$/, replacement: node.resolve.alias.hawser },
      { find: '#codec', replacement: node.resolve.alias['#codec'] },
      { find: '#platform', replacement: node.resolve.alias['#platform'] },
    ],
  },
  // As Node does: what a test imports and what a library imports by the same name has to be the same.
  ssr: { resolve: { conditions: ['node', 'module-sync', 'module'] } },
  test: { ...shared, name: 'libraries', include: ['test/libraries/**/*.library.ts'], testTimeout: 20_000 },
})
