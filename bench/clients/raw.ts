/** The limit: a socket of Node with the same bytes, built beforehand, which looks at nothing that comes. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { frame } from '../server/frames.ts'
import type { Open, Target } from './connection.ts'
import type { Tally } from './tally.ts'

/** One for all sockets: what is read is looked at at once. */
const buffer = Buffer.alloc(64 * 1024)

/** Counts what comes by its bytes, all of them frames of the same size. */
class Counter {
  readonly #tally: Tally
  readonly #frame: Buffer
  /** Bytes of a frame that is not complete yet. */
  #rest = 0
  #head: Buffer | undefined = Buffer.alloc(0)
  readonly upgraded = Promise.withResolvers<void>()

  constructor(target: Target, tally: Tally) {
    const content = tally.expected?.[0] ?? Buffer.alloc(target.size)
    this.#frame = frame(target.kind, Buffer.from(content), false)
    this.#tally = tally
  }

  take(bytes: Buffer): void {
    const content = this.#head === undefined ? bytes : this.#afterHead(this.#head, bytes)
    if (this.#tally.expected !== undefined) this.#compare(content)
    const all = this.#rest + content.length
    this.#rest = all % this.#frame.length
    this.#tally.takeMany((all - this.#rest) / this.#frame.length)
  }

  #afterHead(before: Buffer, bytes: Buffer): Buffer {
    const head = Buffer.concat([before, bytes])
    const end = head.indexOf('\r\n\r\n')
    this.#head = end < 0 ? head : undefined
    if (end < 0) return head.subarray(0, 0)
    this.upgraded.resolve()
    return head.subarray(end + 4)
  }

  #compare(content: Buffer): void {
    for (let i = 0; i < content.length; i++) {
      if (content[i] !== this.#frame[(this.#rest + i) % this.#frame.length]) throw new Error('Other bytes have come')
    }
  }
}

function dial(url: string, take: (bytes: Buffer) => void): Socket {
  const { port, pathname, search } = new URL(url)
  const callback = (length: number) => {
    take(buffer.subarray(0, length))
    return true
  }
  const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true, onread: { buffer, callback } })
  socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Key: x\r\n\r\n`)
  return socket
}

export const open: Open = async (target, tally) => {
  const counter = new Counter(target, tally)
  const socket = dial(target.url, (bytes) => counter.take(bytes))
  await counter.upgraded.promise
  const one = frame(target.kind, Buffer.from(target.messages[0]!), true)
  const blocks = new Map<number, Buffer>()
  const block = (count: number) => {
    const made = blocks.get(count) ?? Buffer.concat(Array<Buffer>(count).fill(one))
    blocks.set(count, made)
    return made
  }
  return {
    burst: (count) => (socket.write(block(count)) ? undefined : once(socket, 'drain')),
    close: () => socket.destroy(),
  }
}
