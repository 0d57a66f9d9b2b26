/**
 * `npm run bench`: hawser beside ws, undici and the raw socket with the same bytes. Every measurement is a process of its own;
 * the peers take turns in each round, and what counts is the median of the rounds' ratios.
 *
 *     --rounds N   how many rounds (5)
 *     --only TEXT  only the rows whose name contains TEXT
 */
import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, only: { type: 'string' } } })
const PEERS = ['hawser', 'ws', 'undici', 'raw'] as const
const SIZES = [16, 125, 1024, 65536, 1048576]
/** How many bytes, or messages, make a measurement long enough. */
const BYTES = 256 * 1024 * 1024
const MESSAGES = 300_000

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const run = promisify(execFile)
const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!

const server = fork(path('server.ts'))
const [{ port }] = (await once(server, 'message')) as [{ port: number }]

async function measure(peer: string, work: string, kind: string, size: number): Promise<number> {
  const count = Math.min(MESSAGES, Math.ceil(BYTES / size))
  const args = [path('client.ts'), peer, work, kind, String(size), String(count), String(port)]
  const { stdout } = await run(process.execPath, ['--no-warnings', ...args])
  return Number(stdout)
}

async function row(work: string, kind: string, size: number): Promise<void> {
  const name = `${work} ${kind} ${size}`
  if (values.only !== undefined && !name.includes(values.only)) return
  const times: Record<string, number[]> = Object.fromEntries(PEERS.map((peer) => [peer, []]))
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const peer of PEERS) times[peer]!.push(await measure(peer, work, kind, size))
  }
  const count = Math.min(MESSAGES, Math.ceil(BYTES / size))
  const rate = Math.round(count / (median(times['hawser']!) / 1000))
  const ratios = PEERS.slice(1).map((peer) => median(times[peer]!.map((time, i) => time / times['hawser']![i]!)))
  const cells = [
    name.padEnd(22),
    `${rate.toLocaleString('en')}/s`.padStart(14),
    ...ratios.map((r) => r.toFixed(2).padStart(9)),
  ]
  console.log(cells.join(' '))
}

console.log(
  `Node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}, ${new Date().toISOString().slice(0, 10)}`,
)
console.log('hawser: messages a second. The others: how many times as fast hawser is (raw: the limit).\n')
console.log(`${''.padEnd(22)} ${'hawser'.padStart(14)} ${['ws', 'undici', 'raw'].map((p) => p.padStart(9)).join(' ')}`)
for (const work of ['send', 'receive']) {
  for (const kind of ['text', 'binary']) for (const size of SIZES) await row(work, kind, size)
}
server.disconnect()
