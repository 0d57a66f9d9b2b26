interface Entry {
  readonly key: string
  readonly sentAt: number
  readonly resolve: (roundTrip: number) => void
  readonly reject: (reason: unknown) => void
}

/** The Pings that wait for their Pong, the oldest first. */
export class PingLedger {
  #entries: Entry[] = []

  /** Notes a Ping that is being sent; resolves to its round-trip time in milliseconds. */
  add(payload: Uint8Array, signal: AbortSignal | undefined): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const entry = { key: keyOf(payload), sentAt: performance.now(), resolve, reject }
    this.#entries.push(entry)
    // Whoever pings without waiting for the answer does not want to hear of its failure.
    promise.catch(() => {})
    if (signal) {
      const withdraw = () => {
        this.#entries = this.#entries.filter((other) => other !== entry)
        reject(signal.reason)
      }
      const settled = () => signal.removeEventListener('abort', withdraw)
      signal.addEventListener('abort', withdraw, { once: true })
      promise.then(settled, settled)
    }
    return promise
  }

  /** RFC 6455 §5.5.3: a Pong may answer several Pings; it then echoes the last of them. A Pong of no Ping is ignored. */
  answer(payload: Uint8Array): void {
    const key = keyOf(payload)
    const index = this.#entries.findIndex((entry) => entry.key === key)
    const now = performance.now()
    for (const entry of this.#entries.splice(0, index + 1)) entry.resolve(now - entry.sentAt)
  }

  /** No Pong will come any more. */
  fail(reason: unknown): void {
    for (const entry of this.#entries.splice(0)) entry.reject(reason)
  }
}

function keyOf(payload: Uint8Array): string {
  return String.fromCharCode(...payload)
}
