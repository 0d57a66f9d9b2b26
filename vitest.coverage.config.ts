import { defineConfig } from 'vitest/config'
import config, { adverse, node } from './vitest.config.ts'

/**
 * Line and branch coverage of src. What runs in workerd cannot be counted there: the sources that only Workers load are
 * left out, and named in docs/coverage.md with the tests that prove them.
 */
export default defineConfig({
  test: {
    ...config.test,
    reporters: ['dot'],
    // Code that is counted is slower.
    projects: [node, adverse].map((project) => ({
      ...project,
      test: {
        ...project.test,
        testTimeout: 120_000,
        env: { NODE_V8_COVERAGE: process.env['COVERAGE_OF_CHILDREN'] ?? '' },
      },
    })),
    coverage: {
      enabled: true,
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/**/*.d.ts', 'src/**/*.workerd.ts', 'src/codec/core.generated.ts'],
      reporter: ['json'],
      reportsDirectory: 'coverage',
    },
  },
})
