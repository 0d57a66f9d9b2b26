/**
 * One measurement: `deflate-memory-client.ts hawser|ws PORT SOCKETS`. Tells its parent by how many bytes the process
 * has grown.
 */
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { connect } from 'hawser'
import { WebSocket } from 'ws'

export interface Footprint {
  readonly connected: number
  readonly used: number
}

interface Opened {
  /** Whether permessage-deflate was agreed on. */
  readonly isAgreed: boolean
  /** Sends a message, and waits for it to come back. */
  exchange(): Promise<void>
}

const [, , peer = '', port = '', sockets = ''] = process.argv
const url = `ws://127.0.0.1:${port}`
const count = Number(sockets)
/** So many connect at the same time. */
const BURST = 50
/** Above the threshold of both. */
const MESSAGE = Array.from({ length: 300 }, (_, i) => `${(i * 7919) % 1000} `).join('')

async function openHawser(): Promise<Opened> {
  const socket = await connect(url, { perMessageDeflate: true, keepAliveInterval: 0 })
  const exchange = async () => {
    await socket.send(MESSAGE)
    if ((await socket.receive()) !== MESSAGE) throw new Error('Another message came back')
  }
  return { isAgreed: socket.extensions !== '', exchange }
}

async function openWs(): Promise<Opened> {
  const socket = new WebSocket(url, { perMessageDeflate: true })
  await once(socket, 'open')
  const exchange = async () => {
    socket.send(MESSAGE)
    const [data] = await once(socket, 'message')
    if (String(data) !== MESSAGE) throw new Error('Another message came back')
  }
  return { isAgreed: socket.extensions !== '', exchange }
}

async function resident(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    globalThis.gc!()
    await setTimeout(50)
  }
  return process.memoryUsage().rss
}

const open = peer === 'hawser' ? openHawser : openWs
// The first loads what all share.
await (await open()).exchange()
const before = await resident()
const all: Opened[] = []
while (all.length < count) {
  all.push(...(await Promise.all(Array.from({ length: Math.min(BURST, count - all.length) }, open))))
}
if (!all.every(({ isAgreed }) => isAgreed)) throw new Error('Nothing was agreed on')
const connected = (await resident()) - before
for (const each of all) await each.exchange()
const used = (await resident()) - before
process.send!({ connected, used } satisfies Footprint)
process.exit()
