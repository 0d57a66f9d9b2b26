import type { ByteSink, ByteStream } from '../../../src/transport/contracts.ts'
import { broken } from '../target.ts'

interface Write {
  readonly chunks: readonly Uint8Array[]
  readonly released: (sent: boolean) => void
}

/** A ByteStream in memory that does what its contract allows, when it is told to. */
export class PeerStream implements ByteStream {
  /** Takes what was sent, when it has left. */
  onSent: (bytes: Uint8Array) => void = () => {}
  /** Whether writes wait until they are released. */
  holdsWrites = false
  isClosed = false
  #sink: ByteSink | undefined
  #incoming: Uint8Array[] = []
  #hasPeerEnded = false
  #hasEnded = false
  #isDestroyed = false
  #isPaused = false
  #isEndTold = false
  #held: Write[] = []
  #deferred: (() => void)[] = []

  attach(sink: ByteSink): void {
    this.#sink = sink
  }

  write(chunks: readonly Uint8Array[], released: (sent: boolean) => void): void {
    if (this.#hasEnded || this.#isDestroyed || this.isClosed) {
      released(false)
    } else if (this.holdsWrites || this.#held.length > 0) {
      this.#held.push({ chunks, released })
    } else {
      this.onSent(Buffer.concat(chunks))
      released(true)
    }
  }

  end(): void {
    this.#hasEnded = true
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
  }

  destroy(): void {
    this.#isDestroyed = true
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback)
  }

  /** What the peer sends. */
  push(bytes: Uint8Array): void {
    if (!this.#hasPeerEnded) this.#incoming.push(new Uint8Array(bytes))
  }

  peerEnds(): void {
    this.#hasPeerEnded = true
  }

  /** The system takes so many writes. */
  release(count: number): void {
    if (this.#isDestroyed || this.isClosed) return
    for (const { chunks, released } of this.#held.splice(0, count)) {
      this.onSent(Buffer.concat(chunks))
      released(true)
    }
  }

  /** At most so many bytes arrive, unless nobody reads; then the end, if there is nothing more. */
  deliver(most: number): void {
    if (this.#isPaused || this.#isDestroyed || this.isClosed) return
    const bytes = Buffer.concat(this.#incoming)
    const now = bytes.subarray(0, most)
    this.#incoming = now.length === bytes.length ? [] : [bytes.subarray(now.length)]
    if (now.length > 0) this.#give(now)
    if (this.#incoming.length > 0 || !this.#hasPeerEnded || this.#isEndTold) return
    if (this.#isPaused || this.#isDestroyed) return
    this.#isEndTold = true
    this.#sink!.onEnd()
  }

  /** The turn ends: what was put off to it is done, and a stream that is over says so. */
  endTurn(): void {
    for (const callback of this.#deferred.splice(0)) callback()
    const isOver = this.#hasEnded && this.#isEndTold && this.#held.length === 0
    if (this.#isDestroyed || isOver) this.#close(undefined)
  }

  /** The connection breaks. */
  lose(): void {
    this.#close(this.#isDestroyed ? undefined : new Error('ECONNRESET'))
  }

  #close(error: Error | undefined): void {
    if (this.isClosed) return
    this.isClosed = true
    for (const { released } of this.#held.splice(0)) released(false)
    this.#sink!.onClosed(error)
  }

  /** The bytes are valid only during the call. */
  #give(bytes: Uint8Array): void {
    const lent = new Uint8Array(bytes)
    this.#sink!.onData(lent)
    if (lent.some((byte, i) => byte !== bytes[i])) broken('The driver wrote into what it received')
    lent.fill(0xdd)
  }
}
