import { Context, type Direction } from './context.ts'
import type { StreamPool } from './stream-pool.ts'
import { Flush, type RawStreams } from './zlib.ts'

/** What each flushed message ends with, and is sent without (RFC 7692 §7.2.1). */
const TAIL_BYTES = 4
const OUTPUT_BYTES = 65536

/** Of one thread; what is in it is copied out at once. */
let output: Uint8Array | undefined

/** Deflates the messages of a connection, one after the other. */
export class Deflater {
  readonly #context: Context
  readonly #takeover: boolean

  constructor(streams: RawStreams, pool: StreamPool, direction: Direction) {
    this.#context = new Context(pool, streams.deflate, direction)
    this.#takeover = direction.takeover
  }

  /** The most bytes that so many can become: as zlib's deflateBound says for any window, and a flush. */
  bound(length: number): number {
    return length + ((length + 7) >> 3) + ((length + 63) >> 6) + 32
  }

  /** Deflates a whole message to an address of memory, where there is room for its bound; returns its length there. */
  deflateInto(message: Uint8Array, memory: Uint8Array, at: number): number {
    const { stream } = this.#context
    stream.write(Flush.sync, message, 0, message.length, memory, at, this.bound(message.length))
    if (this.#takeover) this.#context.remember(message, 0, message.length)
    this.#context.endMessage()
    return stream.produced - TAIL_BYTES
  }

  /**
   * Deflates a piece of a message. With `flushes` all of it comes out, and ends with the four bytes that the end of a
   * message goes without.
   */
  deflate(piece: Uint8Array, flushes: boolean): Uint8Array[] {
    output ??= new Uint8Array(OUTPUT_BYTES)
    const { stream } = this.#context
    const parts: Uint8Array[] = []
    let from = 0
    do {
      const flush = flushes ? Flush.sync : Flush.none
      stream.write(flush, piece, from, piece.length - from, output, 0, OUTPUT_BYTES)
      from += stream.consumed
      if (stream.produced > 0) parts.push(output.slice(0, stream.produced))
    } while (stream.produced === OUTPUT_BYTES)
    if (this.#takeover) this.#context.remember(piece, 0, piece.length)
    return parts
  }

  /** Ends the message that was deflated in pieces; takes the four bytes off its parts, if there are any. */
  end(parts: readonly Uint8Array[]): Uint8Array[] {
    this.#context.endMessage()
    return withoutTail(parts)
  }

  close(): void {
    this.#context.close()
  }
}

function withoutTail(parts: readonly Uint8Array[]): Uint8Array[] {
  const kept: Uint8Array[] = []
  let surplus = TAIL_BYTES
  for (const part of parts.toReversed()) {
    const length = Math.max(0, part.length - surplus)
    surplus -= part.length - length
    if (length > 0) kept.unshift(part.subarray(0, length))
  }
  return kept
}
