/** So many bytes of small parts are kept in one piece of memory. */
const JOINED_BYTES = 16384

/**
 * Bytes of a message until they are read. Small parts are joined: a message of many tiny fragments costs no more than
 * its bytes.
 */
export class ReceivedParts {
  /** In bytes. */
  size = 0
  /** The last one may have room behind what it holds. */
  #blocks: Uint8Array[] = []
  /** Bytes that the last one holds. */
  #lastLength = 0

  get isEmpty(): boolean {
    return this.#blocks.length === 0
  }

  /** Adds a copy. */
  add(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.size += bytes.length
    if (!this.isEmpty && this.#lastLength + bytes.length <= JOINED_BYTES) {
      this.#join(bytes)
    } else {
      this.#trimLast()
      this.#blocks.push(new Uint8Array(bytes))
      this.#lastLength = bytes.length
    }
  }

  /** Puts bytes before all others, without a copy. */
  putBack(bytes: Uint8Array): void {
    this.size += bytes.length
    if (this.isEmpty) this.#lastLength = bytes.length
    this.#blocks.unshift(bytes)
  }

  /** The first bytes, in memory of their own; undefined if there are none. */
  take(): Uint8Array | undefined {
    if (this.#blocks.length === 1) this.#trimLast()
    const first = this.#blocks.shift()
    this.size -= first?.length ?? 0
    return first
  }

  clear(): void {
    this.#blocks = []
    this.size = 0
  }

  #join(bytes: Uint8Array): void {
    const length = this.#lastLength + bytes.length
    let last = this.#blocks.pop()!
    if (last.length < length) {
      const grown = new Uint8Array(Math.min(JOINED_BYTES, length * 2))
      grown.set(last)
      last = grown
    }
    last.set(bytes, this.#lastLength)
    this.#blocks.push(last)
    this.#lastLength = length
  }

  /** Frees the room behind what the last one holds. */
  #trimLast(): void {
    const last = this.#blocks.pop()
    if (last !== undefined) this.#blocks.push(last.length > this.#lastLength ? last.slice(0, this.#lastLength) : last)
  }
}
