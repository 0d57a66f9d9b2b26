/**
 * `npm run soak:stream`: one message of many GiB to a server and one from it, in constant memory, each byte verified by
 * a running hash. The server and the client of each direction are processes of their own.
 *
 *     --gib N       how long each message is (10)
 *     --compress    with permessage-deflate, and content that compresses
 *     --json        prints the figures as a line of JSON for each direction
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Outcome } from './stream-soak/client.ts'

const MiB = 1024 * 1024
/** What the process of the client may need at its peak. */
const MOST = 150 * MiB

const { values } = parseArgs({
  options: {
    gib: { type: 'string', default: '10' },
    compress: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const bytes = Math.round(Number(values.gib) * 1024 * MiB)
const path = (name: string) => fileURLToPath(new URL(`stream-soak/${name}`, import.meta.url))

const server = fork(path('server.ts'))
const [port] = (await once(server, 'message')) as [number]

function show({ direction, seconds, peak, isSame }: Outcome): void {
  const rate = Math.round(bytes / MiB / seconds)
  const verdict = isSame ? 'every byte as it was' : 'NOT THE SAME'
  console.log(
    `${direction.padEnd(3)} ${values.gib} GiB${values.compress ? ', compressed' : ''}: ${seconds.toFixed(1)} s, ${rate} MiB/s, ` +
      `peak ${(peak / MiB).toFixed(1)} MiB, ${verdict}`,
  )
}

for (const direction of ['out', 'in']) {
  const client = fork(path('client.ts'), [direction, String(port), String(bytes), String(values.compress)])
  const ended = once(client, 'exit')
  const [outcome] = (await Promise.race([once(client, 'message'), ended])) as [Outcome | number]
  await ended
  if (typeof outcome !== 'object') throw new Error(`The client has failed with ${outcome}`)
  if (values.json) console.log(JSON.stringify(outcome))
  else show(outcome)
  if (!outcome.isSame || outcome.peak > MOST) process.exitCode = 1
}
server.kill()
