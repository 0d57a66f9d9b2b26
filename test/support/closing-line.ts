import type { Reporter, TestModule } from 'vitest/node'

/** Ends a run with one line that tools and people read alike. */
export class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const count = (state: string) => tests.filter((test) => test.result().state === state).length
    // A file that cannot be loaded has no tests, and has failed; and so has a run with errors that no test has caught.
    const broken = modules.filter((module) => module.errors().length > 0)
    const failed = count('failed') + broken.length + errors.length
    console.log(`\n${count('passed')} passed, ${failed} failed, ${count('skipped')} skipped`)
  }
}
