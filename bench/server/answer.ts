/**
 * Reads a client's frames as they come, cut anywhere, and makes the same frames as a server sends them: without a mask.
 */
export class FrameAnswer {
  /** Frames that have ended so far. */
  frames = 0
  /** Whether a Close frame has come. */
  isClosing = false
  readonly #header = new Uint8Array(14)
  #headerLength = 0
  #left = 0
  readonly #key = new Uint8Array(4)
  /** How much of the frame's payload has come. */
  #done = 0

  /** The answer to the next bytes. */
  take(chunk: Uint8Array): Uint8Array {
    // The payload is moved and unmasked by words: the buffer begins on one.
    const out = new Uint8Array(chunk.length + this.#header.length)
    let made = 0
    for (let at = 0; at < chunk.length; ) {
      if (this.#left > 0) {
        const count = Math.min(this.#left, chunk.length - at)
        out.set(chunk.subarray(at, at + count), made)
        this.#unmask(out, made, count)
        at += count
        made += count
        this.#advance(count)
        continue
      }
      this.#header[this.#headerLength++] = chunk[at++]!
      if (this.#headerLength >= 2 && this.#headerLength === this.#headerSize()) made += this.#begin(out, made)
    }
    return out.subarray(0, made)
  }

  #advance(count: number): void {
    this.#done += count
    this.#left -= count
    if (this.#left === 0) this.frames++
  }

  #headerSize(): number {
    const length = this.#header[1]! & 0x7f
    return 6 + (length === 126 ? 2 : length === 127 ? 8 : 0)
  }

  #begin(out: Uint8Array, at: number): number {
    const size = this.#headerSize() - 4
    const header = this.#header
    for (let i = 0; i < 4; i++) this.#key[i] = header[size + i]!
    const length = header[1]! & 0x7f
    this.#left = length < 126 ? length : 0
    for (let i = 2; i < size; i++) this.#left = this.#left * 256 + header[i]!
    out.set(header.subarray(0, size), at)
    out[at + 1] = length
    if ((header[0]! & 15) === 8) this.isClosing = true
    this.#headerLength = 0
    this.#done = 0
    if (this.#left === 0) this.frames++
    return size
  }

  #unmask(out: Uint8Array, from: number, count: number): void {
    const key = this.#key
    const shift = this.#done - from
    const end = from + count
    let at = from
    for (; at < end && (at & 3) !== 0; at++) out[at]! ^= key[(at + shift) & 3]!
    const words = new Int32Array(out.buffer, 0, out.length >> 2)
    const [a, b, c, d] = [0, 1, 2, 3].map((i) => key[(at + shift + i) & 3]!)
    const word = a! | (b! << 8) | (c! << 16) | (d! << 24)
    const last = end >> 2
    for (let i = at >> 2; i < last; i++) words[i]! ^= word
    for (at = Math.max(at, last << 2); at < end; at++) out[at]! ^= key[(at + shift) & 3]!
  }
}
