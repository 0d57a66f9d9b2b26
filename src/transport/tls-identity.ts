import { createHash } from 'node:crypto'
import type { TlsOptions } from '../options.ts'

/**
 * Tells TLS options apart: two that would make the same connection have the same identity, all others have not.
 *
 * Certificates and keys count by their contents, functions and other objects by what they are. The identity is a
 * digest, so that no key is kept for its sake.
 */
export class TlsIdentities {
  readonly #numbers = new WeakMap<object, number>()
  #next = 0

  of(tls: TlsOptions): string {
    const entries = Object.entries(tls)
      .filter(([, value]) => value !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => [name, this.#describe(value)])
    // Most have none, and a digest would be a good part of opening a socket.
    if (entries.length === 0) return ''
    return createHash('sha256').update(JSON.stringify(entries)).digest('base64')
  }

  #describe(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((each) => this.#describe(each))
    if (typeof value === 'string') return `bytes ${Buffer.from(value).toString('base64')}`
    if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('base64')}`
    if (typeof value === 'function' || (typeof value === 'object' && value !== null)) return this.#numberOf(value)
    return `${typeof value} ${String(value)}`
  }

  #numberOf(value: object): number {
    const known = this.#numbers.get(value)
    if (known !== undefined) return known
    this.#numbers.set(value, ++this.#next)
    return this.#next
  }
}
