/**
 * Hosts of which is known that they have no HTTP/2, or no extended CONNECT over it, so that they need not be asked each
 * time. It forgets after a while, and the oldest of too many.
 */
export class HostMemory {
  readonly #lifetime: number
  readonly #size: number
  /** Until when each is remembered, the oldest first. */
  readonly #expiries = new Map<string, number>()

  /** `lifetime` is in milliseconds. */
  constructor(lifetime: number, size: number) {
    this.#lifetime = lifetime
    this.#size = size
  }

  remember(host: string): void {
    this.#expiries.delete(host)
    this.#expiries.set(host, performance.now() + this.#lifetime)
    const [oldest] = this.#expiries.keys()
    if (this.#expiries.size > this.#size && oldest !== undefined) this.#expiries.delete(oldest)
  }

  forget(host: string): void {
    this.#expiries.delete(host)
  }

  has(host: string): boolean {
    const expiry = this.#expiries.get(host)
    if (expiry === undefined) return false
    if (expiry > performance.now()) return true
    this.#expiries.delete(host)
    return false
  }

  clear(): void {
    this.#expiries.clear()
  }
}
