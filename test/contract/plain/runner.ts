/** A test runner for runtimes in which vitest does not run. */
import type { Runner } from '../suite.ts'

export interface Result {
  readonly passed: number
  readonly failed: number
}

/** Milliseconds for one test. */
const TIME_LIMIT = 20_000

/** Runs tests one after another, in the order of their definition, and tells of those that fail. */
export class PlainRunner implements Runner {
  readonly #steps: (() => Promise<void>)[] = []
  readonly #path: string[] = []
  readonly #unhandled: unknown[] = []
  readonly #count = { passed: 0, failed: 0 }

  constructor() {
    for (const event of ['unhandledRejection', 'uncaughtException']) {
      process.on(event, (reason: unknown) => this.#unhandled.push(reason))
    }
  }

  readonly describe = (name: string, define: () => void): void => {
    this.#path.push(name)
    define()
    this.#path.pop()
  }

  readonly test = (name: string, run: () => Promise<void>): void => {
    const path = [...this.#path, name].join(' > ')
    this.#steps.push(() => this.#run(path, run))
  }

  readonly beforeAll = (run: () => Promise<void>): void => {
    this.#steps.push(run)
  }

  readonly afterAll = this.beforeAll

  async run(): Promise<Result> {
    for (const step of this.#steps) await step()
    return this.#count
  }

  async #run(path: string, test: () => Promise<void>): Promise<void> {
    try {
      await inTime(test)
      if (this.#unhandled.length > 0) throw new Error('Nobody handled this', { cause: this.#unhandled.shift() })
      this.#count.passed++
    } catch (error) {
      this.#unhandled.length = 0
      this.#count.failed++
      console.log(`FAILED: ${path}\n`, error)
    }
  }
}

async function inTime(test: () => Promise<void>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`It did not end within ${TIME_LIMIT} ms`)), TIME_LIMIT)
  try {
    await Promise.race([test(), late])
    // Rejections that nobody handles are told after the microtasks.
    await new Promise((resolve) => setTimeout(resolve, 0))
  } finally {
    clearTimeout(timer)
  }
}
