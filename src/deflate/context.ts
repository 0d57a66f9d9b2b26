import { History } from './history.ts'
import type { StreamHolder, StreamPool } from './stream-pool.ts'
import type { CreateRawStream, RawStream } from './zlib.ts'

/** What a direction of a connection agreed on (RFC 7692 §7.1). */
export interface Direction {
  /** 8 to 15: the base-2 logarithm of the window's size. */
  readonly windowBits: number
  /** Whether a message may refer to those before it. */
  readonly takeover: boolean
}

/**
 * The stream of zlib of one direction: made when it is needed, given up under pressure, and made again from the
 * history. Without context takeover it goes back to the pool after each message.
 */
export class Context implements StreamHolder {
  isBusy = false
  readonly #pool: StreamPool
  readonly #create: CreateRawStream
  readonly #windowBits: number
  readonly #takeover: boolean
  readonly #history: History
  #stream: RawStream | undefined
  /** Whether the stream began with a history: a reset would begin with it once more. */
  #hasHistory = false

  constructor(pool: StreamPool, create: CreateRawStream, { windowBits, takeover }: Direction) {
    this.#pool = pool
    this.#create = create
    // zlib knows no window of 256 bytes; a larger one reads the same.
    this.#windowBits = Math.max(9, windowBits)
    this.#takeover = takeover
    this.#history = new History(this.#windowBits)
  }

  /** The stream, for a message that begins or goes on. */
  get stream(): RawStream {
    this.isBusy = true
    if (this.#stream === undefined) {
      const spare = this.#takeover ? undefined : this.#pool.takeSpare(this.#windowBits)
      this.#stream = spare ?? this.#make()
      if (spare) this.#hasHistory = false
    }
    this.#pool.touch(this)
    return this.#stream
  }

  /** Notes plain bytes that went through. */
  remember(bytes: Uint8Array, from: number, to: number): void {
    this.#history.add(bytes, from, to)
  }

  /** The message is complete. */
  endMessage(): void {
    this.isBusy = false
    if (this.#stream === undefined) return
    if (this.#takeover) {
      this.#pool.rest()
      return
    }
    this.#history.clear()
    this.#pool.remove(this)
    if (this.#hasHistory) this.#stream.close()
    else this.#pool.giveSpare(this.#windowBits, this.#stream)
    this.#stream = undefined
  }

  /** Begins another stream where this one, in the middle of a message, has ended. */
  renew(): void {
    this.letGo()
    this.#stream = this.#make()
  }

  letGo(): void {
    this.#stream?.close()
    this.#stream = undefined
  }

  /** The connection is over. */
  close(): void {
    this.letGo()
    this.#pool.remove(this)
  }

  #make(): RawStream {
    const history = this.#history.bytes()
    this.#hasHistory = history.length > 0
    return this.#create(this.#windowBits, history)
  }
}
