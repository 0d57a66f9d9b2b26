import { Context, type Direction } from './context.ts'
import type { StreamPool } from './stream-pool.ts'
import { Flush, type RawStreams } from './zlib.ts'

/**
 * What a compressed message lacks at its end (RFC 7692 §7.2.2), and one byte more: where the message ends, a block
 * ends, and the byte is left over.
 */
const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff, 0x00)
const TAIL_BYTES = 4

/** Inflates the messages of a connection, as much at a time as there is room for. */
export class Inflater {
  /** Bytes of input and output of the last call. */
  consumed = 0
  produced = 0
  readonly #context: Context

  constructor(streams: RawStreams, pool: StreamPool, direction: Direction) {
    this.#context = new Context(pool, streams.inflate, direction)
  }

  /**
   * Takes a piece of a message, until it is used up or there is no more room; in the latter case there may be more
   * output, even if no input is left. It also stops where a stream of zlib ends within the message: then the next call
   * goes on with a new one. False if the data are corrupt.
   */
  inflate(input: Uint8Array, from: number, length: number, output: Uint8Array, at: number, room: number): boolean {
    return this.#write(Flush.sync, input, from, length, output, at, room)
  }

  /** After the last piece: checks that the message is complete. False if it is not. */
  finish(output: Uint8Array, at: number, room: number): boolean {
    // Whatever this produces is no part of a message that was complete.
    if (!this.#write(Flush.block, TAIL, 0, TAIL.length, output, at, room)) return false
    const isComplete = this.consumed === TAIL_BYTES && this.produced === 0
    this.#context.endMessage()
    return isComplete
  }

  close(): void {
    this.#context.close()
  }

  #write(
    flush: number,
    input: Uint8Array,
    from: number,
    length: number,
    output: Uint8Array,
    at: number,
    room: number,
  ): boolean {
    const { stream } = this.#context
    stream.write(flush, input, from, length, output, at, room)
    this.consumed = stream.consumed
    this.produced = stream.produced
    if (stream.failed) return false
    this.#context.remember(output, at, at + stream.produced)
    // RFC 7692 §7.2.3.4: a block that says it is the last ends the stream, but not the message.
    const hasEnded = stream.consumed < length && stream.produced < room
    if (hasEnded && flush !== Flush.block) this.#context.renew()
    return true
  }
}
