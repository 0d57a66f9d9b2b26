import type { RawStream } from './zlib.ts'

/** One direction of a connection, which holds a stream of zlib while it needs one. */
export interface StreamHolder {
  /** Whether it is in the middle of a message, and cannot do without its stream. */
  readonly isBusy: boolean
  /** Gives its stream up; it can make another that goes on from its history. */
  letGo(): void
}

/** Streams of a window size that were used by directions without context takeover, for the next one. */
const MAX_SPARE = 4

/**
 * Bounds the memory of zlib in a thread: of more than `limit` streams those that were used the longest time ago are
 * given up, but for those that are in the middle of a message. So a thousand idle connections cost no more than a few.
 */
export class StreamPool {
  readonly #limit: number
  /** Those that hold a stream, the one that used it the longest time ago first. */
  readonly #holders = new Set<StreamHolder>()
  readonly #spare = new Map<number, RawStream[]>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The holder uses its stream. */
  touch(holder: StreamHolder): void {
    this.#holders.delete(holder)
    this.#holders.add(holder)
    this.#shrink(holder)
  }

  /** The holder's message is complete: its stream may be given up. */
  rest(): void {
    this.#shrink()
  }

  /** The holder has no stream any more. */
  remove(holder: StreamHolder): void {
    this.#holders.delete(holder)
  }

  takeSpare(windowBits: number): RawStream | undefined {
    return this.#spare.get(windowBits)?.pop()
  }

  /** Takes a stream that nobody needs. */
  giveSpare(windowBits: number, stream: RawStream): void {
    const spare = this.#spare.get(windowBits) ?? []
    this.#spare.set(windowBits, spare)
    if (spare.length === MAX_SPARE) {
      stream.close()
      return
    }
    stream.reset()
    spare.push(stream)
  }

  #shrink(except?: StreamHolder): void {
    if (this.#holders.size <= this.#limit) return
    for (const holder of this.#holders) {
      if (holder === except || holder.isBusy) continue
      this.#holders.delete(holder)
      holder.letGo()
      if (this.#holders.size === this.#limit) return
    }
  }
}
