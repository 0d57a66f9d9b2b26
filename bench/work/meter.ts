/** Times work that goes on by itself: first it warms up, then it is measured. */
import { readFileSync } from 'node:fs'
import type { Figures, Job } from '../job.ts'

const TICKS_PER_SECOND = 100

/** The CPU time of another process in seconds; undefined where there is no /proc. */
export function cpuOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // Fields 14 and 15; the second one, the name, may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  } catch {
    return undefined
  }
}

interface Mark {
  readonly at: number
  readonly count: number
  readonly cpu: number
  readonly server: number | undefined
}

export class Meter {
  /** How much was done between the marks. */
  readonly figures: Promise<Figures>
  isDone = false
  readonly #job: Job
  readonly #pid: number
  readonly #settle: PromiseWithResolvers<Figures> = Promise.withResolvers()
  readonly #warmUntil: number
  #start: Mark | undefined
  #count = 0

  constructor(job: Job, server: 'http1' | 'http2' = 'http1') {
    this.#job = job
    this.#pid = job.pids[server]
    this.#warmUntil = performance.now() + job.warmUp
    this.figures = this.#settle.promise
  }

  get isWarm(): boolean {
    return this.#start !== undefined
  }

  /**
   * So much has been done. The time is taken only here, so that no measurement begins or ends in the middle of
   * something.
   */
  tick(count: number): void {
    this.#count += count
    const now = performance.now()
    if (this.#start === undefined) {
      if (now >= this.#warmUntil) this.#start = this.#mark(now)
    } else if (!this.isDone && now - this.#start.at >= this.#job.time) {
      this.isDone = true
      this.#settle.resolve(this.#between(this.#start, this.#mark(now)))
    }
  }

  #mark(at: number): Mark {
    const { user, system } = process.cpuUsage()
    return { at, count: this.#count, cpu: user + system, server: cpuOf(this.#pid) }
  }

  #between(start: Mark, end: Mark): Figures {
    const count = end.count - start.count
    const seconds = (end.at - start.at) / 1000
    const server = start.server !== undefined && end.server !== undefined && (end.server - start.server) / seconds
    return { rate: count / seconds, cpu: (end.cpu - start.cpu) / count, ...(server !== false && { server }) }
  }
}
