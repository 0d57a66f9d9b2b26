/** One measurement of one peer, in a process of its own: `node client.ts PEER WORK KIND SIZE COUNT PORT` prints milliseconds. */
import { once } from 'node:events'
import { connect as connectTcp, type OnReadOpts, type Socket } from 'node:net'
import { connect } from 'hawser'
import { WebSocket as UndiciWebSocket } from 'undici'
import { WebSocket as WsWebSocket } from 'ws'
import { block, frame, type Kind, payload } from './frames.ts'

interface Job {
  readonly kind: Kind
  readonly size: number
  readonly count: number
  readonly url: (path: string) => string
}
/** Opens a connection, and gives a function that does the work once. */
type Peer = (job: Job) => Promise<() => Promise<void>>

/** So many messages are sent before the turn ends. */
const BURST = 100

const sinkPath = ({ kind, size, count }: Job) => `/sink?bytes=${frame(kind, size, true).length * count}`
const sourcePath = ({ kind, size, count }: Job) => `/source?messages=${count}&size=${size}&kind=${kind}`
const messageOf = ({ kind, size }: Job) => (kind === 'text' ? payload(size).toString() : payload(size))

function check(received: number, expected: number): void {
  if (received !== expected) throw new Error(`received ${received} bytes of ${expected}`)
}

async function hawserSend(job: Job) {
  const message = messageOf(job)
  return async () => {
    const ws = await connect(job.url(sinkPath(job)))
    for (let sent = 0; sent < job.count; ) {
      let room: Promise<void> | undefined
      for (let i = 0; i < BURST && sent < job.count; i++, sent++) room = ws.send(message)
      await room
    }
    await ws.receive()
    ws.abort()
  }
}

async function hawserReceive(job: Job) {
  return async () => {
    const ws = await connect(job.url(sourcePath(job)))
    let left = job.count
    let bytes = 0
    for await (const batch of ws.batches()) {
      for (const message of batch) bytes += message.length
      left -= batch.length
      if (left === 0) break
    }
    check(bytes, job.size * job.count)
    ws.abort()
  }
}

/** The one interface that ws and undici share. */
interface StandardSocket {
  binaryType: string
  readonly bufferedAmount: number
  onopen: unknown
  onmessage: unknown
  send(message: string | Buffer): void
  close(): void
}

function standardSend(open: (url: string) => StandardSocket): Peer {
  return async (job) => {
    const message = messageOf(job)
    return async () => {
      const ws = open(job.url(sinkPath(job)))
      const done = new Promise((resolve) => Object.assign(ws, { onmessage: resolve }))
      await new Promise((resolve) => Object.assign(ws, { onopen: resolve }))
      for (let sent = 0; sent < job.count; ) {
        for (let i = 0; i < BURST && sent < job.count; i++, sent++) ws.send(message)
        while (ws.bufferedAmount > 262144) await new Promise(setImmediate)
      }
      await done
      ws.close()
    }
  }
}

function standardReceive(open: (url: string) => StandardSocket): Peer {
  return async (job) => () =>
    new Promise((resolve) => {
      const ws = open(job.url(sourcePath(job)))
      ws.binaryType = 'arraybuffer'
      let left = job.count
      let bytes = 0
      ws.onmessage = ({ data }: { data: string | ArrayBuffer }) => {
        bytes += typeof data === 'string' ? data.length : data.byteLength
        if (--left > 0) return
        check(bytes, job.size * job.count)
        ws.close()
        resolve()
      }
    })
}

function upgrade(url: string, onread?: OnReadOpts): Socket {
  const { port, pathname, search } = new URL(url)
  const socket = connectTcp({ port: Number(port), host: '127.0.0.1', noDelay: true, ...(onread && { onread }) })
  socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Key: x\r\n\r\n`)
  return socket
}

const rawSend: Peer = async (job) => {
  const { bytes, messages } = block(job.kind, job.size, true)
  return async () => {
    const socket = upgrade(job.url(sinkPath(job)))
    await once(socket, 'data')
    for (let left = job.count; left > 0; left -= messages) {
      const chunk = left >= messages ? bytes : bytes.subarray(0, (bytes.length / messages) * left)
      if (!socket.write(chunk)) await once(socket, 'drain')
    }
    await once(socket, 'data')
    socket.destroy()
  }
}

const rawReceive: Peer = async (job) => () =>
  new Promise((resolve) => {
    const buffer = Buffer.alloc(65536)
    let left = frame(job.kind, job.size, false).length * job.count
    let inHead = true
    const callback = (length: number) => {
      left -= inHead ? length - buffer.indexOf('\r\n\r\n') - 4 : length
      inHead = false
      if (left === 0) resolve()
      return left > 0
    }
    upgrade(job.url(sourcePath(job)), { buffer, callback })
  })

const ws = (url: string) => new WsWebSocket(url, { perMessageDeflate: false }) as unknown as StandardSocket
const undici = (url: string) => new UndiciWebSocket(url) as unknown as StandardSocket

const PEERS: Readonly<Record<string, Readonly<Record<string, Peer>>>> = {
  hawser: { send: hawserSend, receive: hawserReceive },
  ws: { send: standardSend(ws), receive: standardReceive(ws) },
  undici: { send: standardSend(undici), receive: standardReceive(undici) },
  raw: { send: rawSend, receive: rawReceive },
}
const WARM_UPS = 2

const [peer, work, kind, size, count, port] = process.argv.slice(2)
const job: Job = {
  kind: kind as Kind,
  size: Number(size),
  count: Number(count),
  url: (path) => `ws://127.0.0.1:${port}${path}`,
}
const run = await PEERS[peer!]![work!]!(job)
for (let i = 0; i < WARM_UPS; i++) await run()
const start = performance.now()
await run()
console.log(performance.now() - start)
process.exit()
