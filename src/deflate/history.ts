const FIRST_BYTES = 1024
const NOTHING = new Uint8Array(0)

/**
 * The last bytes that went through one direction, as many as its window holds: enough to begin anew where a stream has
 * left off.
 */
export class History {
  readonly #size: number
  /** Grows up to the window's size; from then on what is oldest is written over. */
  #ring = NOTHING
  /** Where the next byte goes. */
  #next = 0
  #isFull = false

  constructor(windowBits: number) {
    this.#size = 2 ** windowBits
  }

  add(bytes: Uint8Array, from: number, to: number): void {
    let at = Math.max(from, to - this.#size)
    this.#makeRoom(to - at)
    while (at < to) {
      const count = Math.min(to - at, this.#ring.length - this.#next)
      this.#ring.set(bytes.subarray(at, at + count), this.#next)
      at += count
      this.#next += count
      if (this.#next < this.#size) continue
      this.#next = 0
      this.#isFull = true
    }
  }

  /** What there is, the oldest byte first. */
  bytes(): Uint8Array {
    const recent = this.#ring.slice(0, this.#next)
    if (!this.#isFull) return recent
    const all = new Uint8Array(this.#size)
    all.set(this.#ring.subarray(this.#next))
    all.set(recent, this.#size - this.#next)
    return all
  }

  /** Forgets it, and frees its memory. */
  clear(): void {
    this.#ring = NOTHING
    this.#next = 0
    this.#isFull = false
  }

  #makeRoom(count: number): void {
    const needed = Math.min(this.#size, this.#next + count)
    if (this.#ring.length >= needed) return
    const grown = new Uint8Array(Math.min(this.#size, Math.max(needed, this.#ring.length * 2, FIRST_BYTES)))
    grown.set(this.#ring.subarray(0, this.#next))
    this.#ring = grown
  }
}
