import { fileURLToPath } from 'node:url'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { ClosingLine } from './test/support/closing-line.ts'
import { insideWorkerd } from './test/workerd/project.ts'

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url))

/** They take minutes, and say as much of Node's own server as of hawser: one release of Node is enough. */
const ADVERSE = ['test/faults/**/*.test.ts', 'test/hostile/**/*.test.ts']

/** Tests that need Node alone. */
export const node = {
  resolve: {
    alias: { hawser: path('src/index.ts'), '#codec': path('src/codec/load.ts'), '#platform': path('src/platform.ts') },
  },
  test: {
    name: 'node',
    include: ['test/**/*.test.ts'],
    exclude: ['test/workerd/**', 'test/worker/**', ...ADVERSE],
    testTimeout: 20_000,
  },
} satisfies TestProjectInlineConfiguration

/** Networks and peers that do their worst. Time and memory are asserted, so one runs after the other, and after the rest. */
export const adverse = {
  ...node,
  test: { name: 'adverse', include: ADVERSE, testTimeout: 20_000, maxWorkers: 1, sequence: { groupOrder: 1 } },
} satisfies TestProjectInlineConfiguration

/** Tests in Node that drive a Worker, bundled from dist/, in the runtime of Workers. */
const miniflare = {
  test: { name: 'miniflare', include: ['test/{workerd,worker}/**/*.test.ts'], testTimeout: 20_000 },
} satisfies TestProjectInlineConfiguration

export default defineConfig({
  test: {
    globalSetup: 'test/support/build.ts',
    reporters: ['default', new ClosingLine()],
    // Most of what tests do is waiting; by default vitest leaves a core free, which is half of a machine with two.
    maxWorkers: '100%',
    projects: [node, adverse, miniflare, await insideWorkerd()],
  },
})
