/**
 * A Worker that opens sockets, and ends them all before it answers: `POST /` with what is to be done as JSON. A request
 * holds its timers and connections, so that nothing can outlive it.
 */
import { loadCodec } from '#codec'
import type { Report } from './life.ts'
import { Pace } from './pace.ts'
import { type Kind, Slot } from './slot.ts'

export interface Asked {
  readonly kind: Kind
  readonly url: string
  readonly sockets: number
  readonly seed: string
  readonly round: number
  /** For how long sockets are opened again. */
  readonly milliseconds: number
}

export interface Answered {
  readonly reports: readonly Report[]
  readonly retries: number
  /** Of the core's memory in this isolate, since it started. */
  readonly slabsLent: number
}

/** All that there are, as long as nothing was sent. */
let slabs: number | undefined

async function play({ kind, url, sockets, seed, round, milliseconds }: Asked): Promise<Answered> {
  const { arena } = loadCodec()
  slabs ??= arena.free
  const pace = new Pace(sockets)
  const reports: Report[] = []
  let retries = 0
  const run = (number: number) => {
    const name = `${kind.replace(' ', '-')}-${round}-${number}`
    const report = (report: Report) => reports.push(report)
    return new Slot({ kind, url, name, number, seed, pace, report, retried: () => retries++ }).run()
  }
  const all = Promise.all(Array.from({ length: sockets }, (_, number) => run(number)))
  await new Promise((resolve) => setTimeout(resolve, milliseconds))
  await Promise.race([pace.rest(), all])
  pace.end()
  await all
  return { reports, retries, slabsLent: slabs - arena.free }
}

export default {
  async fetch(request: Request): Promise<Response> {
    return Response.json(await play((await request.json()) as Asked))
  },
}
