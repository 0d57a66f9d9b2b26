/** What a peer without a library sends and receives: frames built beforehand, and their bytes counted. */
import type { Writable } from 'node:stream'
import { frame } from '../server/frames.ts'
import { HIGH_WATER_MARK, type Target } from './connection.ts'
import type { Tally } from './tally.ts'

export class RawFrames {
  readonly #tally: Tally
  /** One that comes, and one that goes. */
  readonly #coming: Buffer
  readonly #going: Buffer
  readonly #blocks = new Map<number, Buffer>()
  /** Bytes of a frame that is not complete yet. */
  #rest = 0

  constructor({ kind, size, messages }: Target, tally: Tally) {
    this.#tally = tally
    this.#coming = frame(kind, Buffer.from(tally.expected?.[0] ?? Buffer.alloc(size)), false)
    this.#going = frame(kind, Buffer.from(messages[0]!), true)
  }

  /** Writes so many frames in one piece. */
  burst(stream: Writable, count: number): Promise<void> | undefined {
    const block = this.#blocks.get(count) ?? Buffer.concat(Array<Buffer>(count).fill(this.#going))
    this.#blocks.set(count, block)
    stream.write(block)
    return stream.writableLength > HIGH_WATER_MARK ? drained(stream) : undefined
  }

  /** Bytes have come, all of them frames of the same size. */
  take(bytes: Buffer): void {
    if (this.#tally.expected !== undefined) this.#compare(bytes)
    const all = this.#rest + bytes.length
    this.#rest = all % this.#coming.length
    this.#tally.takeMany((all - this.#rest) / this.#coming.length)
  }

  #compare(bytes: Buffer): void {
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i] !== this.#coming[(this.#rest + i) % this.#coming.length]) throw new Error('Other bytes have come')
    }
  }
}

async function drained(stream: Writable): Promise<void> {
  while (stream.writableLength > HIGH_WATER_MARK) await new Promise(setImmediate)
}
