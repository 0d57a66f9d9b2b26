/** A header field as it travelled: name in the sender's spelling, value without surrounding white space. */
export type HeaderField = readonly [name: string, value: string]

/**
 * The header fields of a response, in the order in which they came, repeated ones kept.
 *
 * Read-only. Names are compared without regard to case, as in a WHATWG `Headers`; unlike there, nothing is sorted,
 * merged or dropped.
 */
export class HttpHeaders implements Iterable<HeaderField> {
  /** Many sockets keep theirs for long, and one string takes the least memory. */
  readonly #json: string

  constructor(fields: Iterable<HeaderField> = []) {
    this.#json = JSON.stringify([...fields])
  }

  /** How many fields there are, each repetition counted. */
  get size(): number {
    return this.toJSON().length
  }

  /** The value of a field, repeated ones joined by `, ` (RFC 9110 §5.3); null if there is none. */
  get(name: string): string | null {
    const values = this.getAll(name)
    return values.length === 0 ? null : values.join(', ')
  }

  /** Every value of a field, in order. */
  getAll(name: string): string[] {
    const wanted = name.toLowerCase()
    return this.toJSON()
      .filter(([field]) => field.toLowerCase() === wanted)
      .map(([, value]) => value)
  }

  /** The cookies, one string each. */
  getSetCookie(): string[] {
    return this.getAll('set-cookie')
  }

  has(name: string): boolean {
    return this.getAll(name).length > 0
  }

  [Symbol.iterator](): Iterator<HeaderField> {
    return this.toJSON().values()
  }

  /** The fields as pairs, since an object would lose order and repetition. */
  toJSON(): HeaderField[] {
    return JSON.parse(this.#json)
  }

  /** How `console.log` of Node, Deno and Bun shows them. */
  [Symbol.for('nodejs.util.inspect.custom')](): HeaderField[] {
    return this.toJSON()
  }
}
