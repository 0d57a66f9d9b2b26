import type { ByteSink, ByteStream } from '../../src/transport/contracts.ts'

/** A ByteStream in memory, on which a test does what no real connection does on demand. */
export class MemoryStream implements ByteStream {
  /** What was written, by write; the bytes themselves, so that a test sees when they are overwritten. */
  readonly writes: (readonly Uint8Array[])[] = []
  /** The calls that are no writes, in order. */
  readonly calls: string[] = []
  /** Whether writes are held until they are released. */
  holdsWrites = false
  readonly #held: ((sent: boolean) => void)[] = []
  readonly #deferred: (() => void)[] = []
  #sink: ByteSink | undefined

  attach(sink: ByteSink): void {
    this.#sink = sink
  }

  get sink(): ByteSink {
    return this.#sink!
  }

  write(chunks: readonly Uint8Array[], released: (sent: boolean) => void): void {
    this.writes.push(chunks)
    if (this.holdsWrites) this.#held.push(released)
    else released(true)
  }

  end(): void {
    this.calls.push('end')
  }

  pause(): void {
    this.calls.push('pause')
  }

  resume(): void {
    this.calls.push('resume')
  }

  destroy(): void {
    this.calls.push('destroy')
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback)
  }

  /** Does what was put off to the end of the turn. */
  endTurn(): void {
    for (const callback of this.#deferred.splice(0)) callback()
  }

  /** Lets go of everything that was written, or of so many writes: it was sent, or else it is lost. */
  release(sent = true, writes = this.#held.length): void {
    for (const released of this.#held.splice(0, writes)) released(sent)
  }

  /** What was written since the last call, as one. */
  taken(): Buffer {
    return Buffer.concat(this.writes.splice(0).flat())
  }
}
