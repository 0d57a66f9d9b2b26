/**
 * The client's side, alone in its process, so that what is measured is hawser's: `client.ts KIND URL SOCKETS SEED`. It
 * runs from the sources, to see how many slabs of the core's memory are lent.
 */
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { queryObjects } from 'node:v8'
import { ClientWebSocket } from 'hawser'
import { loadCodec } from '#codec'
import type { Report } from './life.ts'
import { Pace } from './pace.ts'
import { type Kind, Slot } from './slot.ts'

/** The process when nothing is under way. Memory is in bytes. */
export interface Figures {
  readonly heap: number
  /** Outside the heap, of objects in it: buffers, zlib. */
  readonly external: number
  readonly rss: number
  readonly slabsLent: number
  /** ClientWebSockets that are not garbage. */
  readonly sockets: number
  /** What keeps the process alive, but for what it had at first: names and how many. */
  readonly handles: Readonly<Record<string, number>>
}

export type ToClient = 'rest' | 'go on' | 'end'
export type FromClient =
  | { readonly type: 'report'; readonly report: Report }
  | { readonly type: 'figures' | 'ended'; readonly figures: Figures }
  | { readonly type: 'retried' }

const [, , kind = '', url = '', sockets = '', seed = ''] = process.argv
const { arena } = loadCodec()
const SLABS = arena.free
/** Enough for the last bytes to be let go of. */
const SETTLES_WITHIN = 5000
const COLLECTIONS = 4
const BETWEEN = 50
const collect = globalThis.gc as unknown as (how: object) => void

const tell = (message: FromClient) => process.send?.(message)

/** Those of the loop that waits here are the script's own. */
function handles(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo()) {
    if (!/Immediate|Pipe|TTY|FSReq/.test(name)) counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

async function until(holds: () => boolean): Promise<void> {
  for (const end = performance.now() + SETTLES_WITHIN; !holds() && performance.now() < end; ) await setImmediate()
}

async function figures(): Promise<Figures> {
  await until(() => arena.free === SLABS)
  // Several times: what is freed after the first one frees other things, and code that is not used has to grow old.
  for (let i = 0; i < COLLECTIONS; i++) {
    collect({ type: 'major', flavor: 'last-resort', execution: 'sync' })
    await sleep(BETWEEN)
  }
  const { heapUsed: heap, external, rss } = process.memoryUsage()
  const alive = queryObjects(ClientWebSocket, { format: 'count' }) as unknown as number
  return { heap, external, rss, slabsLent: SLABS - arena.free, sockets: alive, handles: handles() }
}

const pace = new Pace(Number(sockets))

const run = (number: number) =>
  new Slot({
    kind: kind as Kind,
    url,
    name: `${kind}-${number}`,
    number,
    seed,
    pace,
    report: (report) => tell({ type: 'report', report }),
    retried: () => tell({ type: 'retried' }),
  }).run()

const TAKES: Readonly<Record<ToClient, () => unknown>> = {
  rest: () => pace.rest().then(async () => tell({ type: 'figures', figures: await figures() })),
  'go on': () => pace.goOn(),
  end: () => pace.end(),
}
const onOrphaned = () => process.exit(1)
process.on('disconnect', onOrphaned)
process.on('message', (message: ToClient) => TAKES[message]())

await Promise.all(Array.from({ length: Number(sockets) }, (_, number) => run(number)))
await until(() => Object.keys(handles()).length === 0)
tell({ type: 'ended', figures: await figures() })
// Now the process has to end by itself.
process.off('disconnect', onOrphaned)
process.disconnect()
