import type { RawStream } from './zlib.ts'

/** One direction of a connection, which holds a stream of zlib while it needs one. */
export interface StreamHolder {
  /** Whether it is in the middle of a message, and cannot do without its stream. */
  readonly isBusy: boolean
  /** Gives its stream up; it can make another that goes on from its history. */
  letGo(): void
}

/** Streams that were used by directions without context takeover, for the next one. */
const MAX_SPARE = 4

/**
 * Bounds the memory of zlib in a thread: of more than `limit` streams (256 KiB each to deflate, 40 KiB to inflate) the one that was
 * used the longest time ago is given up. So a thousand idle connections cost no more than a few.
 */
export class StreamPool {
  readonly #limit: number
  /** Those that hold a stream, the one that used it the longest time ago first. */
  readonly #holders = new Set<StreamHolder>()
  readonly #spare = new Map<string, RawStream[]>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The holder uses its stream. */
  touch(holder: StreamHolder): void {
    this.#holders.delete(holder)
    this.#holders.add(holder)
    if (this.#holders.size > this.#limit) this.#giveUpOne(holder)
  }

  /** The holder has no stream any more. */
  remove(holder: StreamHolder): void {
    this.#holders.delete(holder)
  }

  takeSpare(kind: string): RawStream | undefined {
    return this.#spare.get(kind)?.pop()
  }

  /** Takes a stream that nobody needs. */
  giveSpare(kind: string, stream: RawStream): void {
    const spare = this.#spare.get(kind) ?? []
    this.#spare.set(kind, spare)
    if (spare.length === MAX_SPARE) {
      stream.close()
      return
    }
    stream.reset()
    spare.push(stream)
  }

  #giveUpOne(except: StreamHolder): void {
    for (const holder of this.#holders) {
      if (holder === except || holder.isBusy) continue
      this.#holders.delete(holder)
      holder.letGo()
      return
    }
  }
}
