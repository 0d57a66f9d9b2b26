import { onAbort } from '../abortable.ts'

interface Entry {
  readonly key: string
  readonly sentAt: number
  readonly resolve: (roundTrip: number) => void
  readonly reject: (reason: unknown) => void
}

/** The Pings that wait for their Pong, the oldest first. */
export class PingLedger {
  readonly #entries = new Set<Entry>()

  /** Notes a Ping that is being sent; resolves to its round-trip time in milliseconds. */
  add(payload: Uint8Array, signal: AbortSignal | undefined): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const entry = { key: keyOf(payload), sentAt: performance.now(), resolve, reject }
    this.#entries.add(entry)
    // Whoever pings without waiting for the answer does not want to hear of its failure.
    promise.catch(() => {})
    if (signal) {
      onAbort(signal, promise, () => {
        this.#entries.delete(entry)
        reject(signal.reason)
      })
    }
    return promise
  }

  /**
   * RFC 6455 §5.5.3: a Pong may answer several Pings; it then echoes the last of them. A Pong of no Ping is ignored.
   */
  answer(payload: Uint8Array): void {
    const key = keyOf(payload)
    const waiting = [...this.#entries]
    const index = waiting.findIndex((entry) => entry.key === key)
    const now = performance.now()
    for (const entry of waiting.slice(0, index + 1)) {
      this.#entries.delete(entry)
      entry.resolve(now - entry.sentAt)
    }
  }

  /** No Pong will come any more. */
  fail(reason: unknown): void {
    for (const entry of this.#entries) entry.reject(reason)
    this.#entries.clear()
  }
}

function keyOf(payload: Uint8Array): string {
  return String.fromCharCode(...payload)
}
