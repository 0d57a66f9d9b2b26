/**
 * `npm run soak`: many sockets for a long time, over HTTP/1.1, HTTP/2 and in workerd at once, with random traffic,
 * kills and reconnects. What both sides say of each socket is put together: a message that was lost, doubled, altered
 * or out of order fails it, and so do memory, handles or slabs of the core's memory that are not given back.
 *
 *     --minutes N   how long there is traffic (10)
 *     --sockets N   how many are open at a time (1000); of all three, workerd has a fifth
 *     --seed N      makes the same choices again, as far as time allows (a random one, which is printed)
 *     --only KIND   http1, http2 or workerd, with all the sockets; workerd bears some 200
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Ledger } from './soak/ledger.ts'
import { Client, Server } from './soak/processes.ts'
import { ended, type Level, linesOf, rested } from './soak/verdict.ts'
import { Workerd } from './soak/workerd.ts'

const KINDS = ['http1', 'http2', 'workerd'] as const
type SoakKind = (typeof KINDS)[number]

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    sockets: { type: 'string', default: '1000' },
    seed: { type: 'string', default: `${Math.floor(Math.random() * 1e9)}` },
    only: { type: 'string' },
  },
})
const milliseconds = Number(values.minutes) * 60_000
const kinds = KINDS.filter((kind) => values.only === undefined || values.only === kind)
const all = Number(values.sockets)
if (!(milliseconds > 0) || !(all >= 10) || kinds.length === 0) throw new RangeError('See the top of scripts/soak.ts.')
const { seed } = values

const MINUTE = 60_000
/** Measured from then on; what is compiled, pooled and remembered for good is there. */
const WARM_UP = Math.min(MINUTE, milliseconds / 4)
const ROUND = Math.min(8000, milliseconds / 8)
/** Of a run this short the heap's own noise is more than 5 % of it. */
const isShort = milliseconds < 5 * MINUTE

const ledger = new Ledger()
const complaints: string[] = []
const start = performance.now()
const left = () => start + milliseconds - performance.now()

function socketsOf(kind: SoakKind): number {
  if (kinds.length === 1) return all
  return kind === 'workerd' ? Math.ceil(all / 5) : Math.ceil((all * 2) / 5)
}

function show(line: string): void {
  const seconds = Math.round((performance.now() - start) / 1000)
  console.log(`${`${Math.floor(seconds / 60)}:${`${seconds % 60}`.padStart(2, '0')}`.padStart(5)}  ${line}`)
}

/** Traffic, and a rest every minute to measure; the first one is what the last is compared with. */
async function soakNode(client: Client): Promise<void> {
  const label = `${client.kind}, ${client.sockets} open`
  let first: Level | undefined
  for (let next = WARM_UP; ; next = Math.min(MINUTE, left())) {
    await sleep(Math.max(0, next))
    const figures = await client.rest()
    const isLast = left() < WARM_UP / 2
    show(`${label}: ${linesOf(figures)}${first === undefined ? ', warmed up' : ''}`)
    const { sockets } = client
    complaints.push(...rested({ label, figures, sockets, first: isLast ? first : undefined, isShort }))
    first ??= figures
    if (isLast) break
    client.goOn()
  }
  const { left: remains, exits } = await client.end()
  show(`${client.kind}, all closed: ${linesOf(remains)}, the process ${exits ? 'ends by itself' : 'DOES NOT END'}`)
  complaints.push(...ended(client.kind, remains, exits))
}

/** Rounds of requests. Between them there is no socket, and handles belong to the runtime. */
async function soakWorkerd(workerd: Workerd, url: string): Promise<void> {
  const sockets = socketsOf('workerd')
  const label = 'workerd, none open'
  let first: Level | undefined
  let shown = start
  for (let isLast = false; !isLast; ) {
    const { reports, retries } = await workerd.round({ url, sockets, seed, milliseconds: ROUND })
    for (const report of reports) ledger.report(report)
    ledger.retries += retries
    isLast = left() < ROUND / 2
    if (!isLast && performance.now() - shown < (first === undefined ? WARM_UP : MINUTE)) continue
    shown = performance.now()
    const figures = await workerd.figures()
    show(`${label}, ${sockets} in each round: ${linesOf(figures)}${first === undefined ? ', warmed up' : ''}`)
    complaints.push(...rested({ label, figures, first: isLast ? first : undefined, isShort }))
    first ??= figures
  }
}

console.log(`${values.minutes} minutes, ${all} sockets, seed ${seed}: ${kinds.join(', ')}`)
if (kinds.includes('workerd')) {
  console.log(
    'workerd: objects and strings in the heap of its isolate, and RSS of its process; its handles cannot be asked for',
  )
}
const server = await Server.start(ledger)
const { ports } = server
const clients = (['http1', 'http2'] as const)
  .filter((kind) => kinds.includes(kind))
  .map((kind) => new Client(kind, socketsOf(kind), seed, `ws://127.0.0.1:${ports[kind]}`, ledger))
const workerd = kinds.includes('workerd') ? await Workerd.start() : undefined
try {
  const running = clients.map((client) => soakNode(client))
  if (workerd) running.push(soakWorkerd(workerd, `ws://127.0.0.1:${ports.http1}`))
  await Promise.all(running)
  const open = await server.allOver()
  if (open > 0) complaints.push(`${open} sockets are still open at the server`)
  ledger.close()
} catch (error) {
  complaints.push(`${error}`)
} finally {
  await workerd?.close()
  for (const client of clients) client.kill()
  server.close()
}

const ends = [...ledger.ends].map(([end, count]) => `${count} ${end}`).join(', ')
const { sent, taken, returned, retries, faults } = ledger
console.log(`${sent} messages sent, ${taken} of them came to the server, ${returned} came back`)
console.log(`sockets by their end: ${ends}; ${retries} handshakes cancelled or tried again`)
for (const complaint of [...complaints, ...faults]) console.error(`FAILED: ${complaint}`)
const isFine = complaints.length + faults.length === 0
console.log(isFine ? 'Nothing lost, nothing doubled, nothing left.' : `FAILED with seed ${seed}`)
process.exitCode = isFine ? 0 : 1
