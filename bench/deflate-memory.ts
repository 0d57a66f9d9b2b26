/**
 * `npm run bench:deflate-memory`: what a thousand sockets cost on which permessage-deflate was agreed, with hawser and
 * with `ws`, each in a process of its own against the same server: after they have connected, and after each has sent a
 * message and received one.
 *
 *     --sockets N   how many (1,000)
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Footprint } from './deflate-memory-client.ts'

const { values } = parseArgs({ options: { sockets: { type: 'string', default: '1000' } } })
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

const server = fork(path('deflate-memory-server.ts'))
const [port] = (await once(server, 'message')) as [number]

async function measure(peer: string): Promise<Footprint> {
  const client = fork(path('deflate-memory-client.ts'), [peer, String(port), values.sockets], {
    execArgv: [...process.execArgv, '--expose-gc'],
  })
  const ended = once(client, 'exit')
  const [footprint] = (await Promise.race([once(client, 'message'), ended])) as [Footprint | number]
  await ended
  if (typeof footprint !== 'object') throw new Error(`The client has failed with ${footprint}`)
  return footprint
}

const KiB = (bytes: number) => `${(bytes / 1024 / Number(values.sockets)).toFixed(1)} KiB`.padStart(12)

console.log(
  `Node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}, ${new Date().toISOString().slice(0, 10)}`,
)
console.log(`RSS per socket, of ${values.sockets} with permessage-deflate.\n`)
const hawser = await measure('hawser')
const ws = await measure('ws')
console.log(`${''.padEnd(24)}${'hawser'.padStart(12)}${'ws'.padStart(12)}   hawser / ws`)
for (const [name, what] of [
  ['connected', 'after connecting'],
  ['used', 'after a message each way'],
] as const) {
  const ratio = (hawser[name] / ws[name]).toFixed(2)
  console.log(`${what.padEnd(24)}${KiB(hawser[name])}${KiB(ws[name])}   ${ratio}`)
}
server.kill()
