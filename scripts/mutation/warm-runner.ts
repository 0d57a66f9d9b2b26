import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Task, Verdict } from './runner.ts'

const SCRIPT = fileURLToPath(new URL('runner.ts', import.meta.url))

/** A runner that is there when it is needed: one that a mutant has caught in an endless loop is replaced. */
export class WarmRunner {
  #child: ChildProcess | undefined

  /** What the tests say of it; `killed` also when they have said nothing after so many milliseconds. */
  async judge(task: Task, limit: number): Promise<Verdict> {
    const child = await this.#start()
    const over = new AbortController()
    const { signal } = over
    child.send(task)
    const timer = setTimeout(() => child.kill('SIGKILL'), limit)
    const verdict = await Promise.race([
      once(child, 'message', { signal }).then(([verdict]) => verdict as Verdict),
      once(child, 'exit', { signal }).then(() => undefined),
    ])
    clearTimeout(timer)
    over.abort()
    if (verdict !== undefined) return verdict
    this.#child = undefined
    return 'killed'
  }

  async #start(): Promise<ChildProcess> {
    if (this.#child !== undefined) return this.#child
    const child = fork(SCRIPT, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    await once(child, 'message')
    this.#child = child
    return child
  }

  close(): void {
    this.#child?.disconnect()
  }
}
