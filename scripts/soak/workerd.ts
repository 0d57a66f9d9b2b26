/** The Worker of the soak in the real runtime: rounds of requests, each of which opens sockets and ends them. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { findRuntime } from '../../bench/work/workerd.ts'
import { type RunningWorker, startScript, WORKER_NAME } from '../../test/support/miniflare.ts'
import { Inspector } from './inspector.ts'
import type { Report } from './life.ts'
import type { Answered, Asked } from './worker.ts'

/** The runtime between two rounds, when no socket is open. Memory is in bytes. */
export interface WorkerFigures {
  /** Objects and strings of the isolate, without compiled code, after its garbage was collected. */
  readonly heap: number
  /** Of the process, with everything in it. */
  readonly rss: number
  readonly slabsLent: number
}

export interface Round {
  readonly reports: readonly Report[]
  readonly retries: number
}

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url))

export class Workerd {
  readonly #worker: RunningWorker
  readonly #inspector: Inspector
  readonly #pid: number
  #rounds = 0

  private constructor(worker: RunningWorker, inspector: Inspector, pid: number) {
    this.#worker = worker
    this.#inspector = inspector
    this.#pid = pid
  }

  static async start(): Promise<Workerd> {
    const worker = await startScript(WORKER, { compatibilityFlags: ['nodejs_compat'], inspects: true })
    const debuggers = await worker.miniflare.getInspectorURL()
    return new Workerd(worker, await Inspector.open(new URL(`/core:user:${WORKER_NAME}`, debuggers)), findRuntime())
  }

  /** Sockets over tcp and over fetch at the same time, a request each. */
  async round(asked: Omit<Asked, 'kind' | 'round'>): Promise<Round> {
    const round = ++this.#rounds
    const sockets = Math.ceil(asked.sockets / 2)
    const kinds = ['workerd tcp', 'workerd fetch'] as const
    const answers = await Promise.all(kinds.map((kind) => this.#ask({ ...asked, kind, round, sockets })))
    return {
      reports: answers.flatMap(({ reports }) => reports),
      retries: answers.reduce((sum, { retries }) => sum + retries, 0),
    }
  }

  /** To be called between two rounds, and not after each: a snapshot of the heap takes memory itself. */
  async figures(): Promise<WorkerFigures> {
    const nothing: Asked = { kind: 'workerd tcp', url: '', sockets: 0, seed: '', round: 0, milliseconds: 0 }
    const { slabsLent } = await this.#ask(nothing)
    return { heap: await this.#inspector.heap(), rss: this.#rss(), slabsLent }
  }

  async close(): Promise<void> {
    this.#inspector.close()
    await this.#worker.close()
  }

  async #ask(asked: Asked): Promise<Answered> {
    const { miniflare } = this.#worker
    const response = await miniflare.dispatchFetch('http://worker/', { method: 'POST', body: JSON.stringify(asked) })
    if (!response.ok) throw new Error(await response.text())
    return (await response.json()) as Answered
  }

  #rss(): number {
    const kibibytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${this.#pid}/status`, 'latin1'))?.[1]
    return Number(kibibytes) * 1024
  }
}
