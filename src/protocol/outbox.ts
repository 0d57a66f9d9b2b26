import type { Arena } from '../codec/arena.ts'
import { type Codec, headerLength, rotateKey } from '../codec/codec.ts'
import { BLOCK_BYTES, SCRATCH } from '../codec/layout.ts'
import { memoryText, UTF8_PER_UNIT } from '../codec/text.ts'

/** From this many bytes on it is cheaper to lend a slab than to copy out of it. */
const LEND_FROM = 8192
/** The most slabs that one connection may have lent: 4 MiB. */
const LENT_MAX = 64
/** While fewer slabs than this are free, nothing is lent. */
const FREE_MIN = 32
const NOTHING: readonly Uint8Array[] = []

/**
 * Builds frames, one behind the other, straight into slabs of linear memory, and hands them out as few chunks.
 *
 * A payload is copied when it is pushed: the caller may change it at once. What finds no slab goes over the scratch
 * block to the heap.
 */
export class Outbox {
  /** Bytes that were pushed and not yet released. */
  buffered = 0
  readonly #codec: Codec
  readonly #arena: Arena
  readonly #nextKey: () => number
  #sealed: Uint8Array[] | undefined
  /** The address of the slab that is being filled, and where what is in it ends; both are 0 while there is none. */
  #slab = 0
  #end = 0
  #lent = 0
  #inFlight = 0

  constructor(codec: Codec, arena: Arena, nextKey: () => number) {
    this.#codec = codec
    this.#arena = arena
    this.#nextKey = nextKey
  }

  /** Whether there is something to take. */
  get isEmpty(): boolean {
    return this.#sealed === undefined && this.#end === this.#slab
  }

  /** Bytes that were pushed and not yet taken. */
  get waiting(): number {
    return this.buffered - this.#inFlight
  }

  /** Adds a frame. `firstByte` is FIN and opcode. */
  push(firstByte: number, payload: Uint8Array): void {
    const length = payload.length
    const size = headerLength(length) + length
    if (size > BLOCK_BYTES) {
      this.pushParts(firstByte, [payload])
      return
    }
    const at = this.#reserve(size) + size - length
    this.#codec.memory.set(payload, at)
    this.#codec.frame(at, length, firstByte, this.#nextKey())
    this.#advance(size)
  }

  /** Adds a frame of text, encoded where it will be sent from. */
  pushText(firstByte: number, text: string): void {
    const most = text.length * UTF8_PER_UNIT
    if (headerLength(most) + most <= BLOCK_BYTES) this.#pushShortText(firstByte, text, most)
    else this.push(firstByte, memoryText.encodeBriefly(text))
  }

  #pushShortText(firstByte: number, text: string, most: number): void {
    const { buffer } = this.#codec
    const start = this.#reserve(headerLength(most) + most)
    // As if it were ASCII; only a header that turns out longer than that moves the text.
    const guess = headerLength(text.length)
    const length = memoryText.write(text, buffer, start + guess, most)
    const header = headerLength(length)
    if (header !== guess) buffer.copyWithin(start + header, start + guess, start + guess + length)
    this.#codec.frame(start + header, length, firstByte, this.#nextKey())
    this.#advance(header + length)
  }

  /** Adds a frame whose payload lies in parts. */
  pushParts(firstByte: number, parts: readonly Uint8Array[]): void {
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    const key = this.#pushHeader(firstByte, length)
    let done = 0
    for (const part of parts) {
      this.#fill(part, rotateKey(key, done))
      done += part.length
    }
  }

  /** Adds the header of a frame; returns its masking key. */
  #pushHeader(firstByte: number, length: number): number {
    const key = this.#nextKey()
    const size = headerLength(length)
    this.#codec.header(this.#reserve(size), firstByte, length, key)
    this.#advance(size)
    return key
  }

  /**
   * Adds a frame whose payload is made in place: at most `most` bytes at an address of memory, as many as `make`
   * returns.
   */
  pushMade(firstByte: number, most: number, make: (memory: Uint8Array, at: number) => number): void {
    const { memory } = this.#codec
    const start = this.#reserve(headerLength(most) + most)
    const guess = headerLength(most)
    const length = make(memory, start + guess)
    const header = headerLength(length)
    if (header !== guess) memory.copyWithin(start + header, start + guess, start + guess + length)
    this.#codec.frame(start + header, length, firstByte, this.#nextKey())
    this.#advance(header + length)
  }

  /** Adds bytes, masked, as many at a time as there is room for. */
  #fill(bytes: Uint8Array, key: number): void {
    for (let from = 0; from < bytes.length; ) {
      const at = this.#reserve(1)
      const count = Math.min(this.#room(), bytes.length - from)
      this.#codec.memory.set(bytes.subarray(from, from + count), at)
      this.#codec.mask(at, count, rotateKey(key, from))
      this.#advance(count)
      from += count
    }
  }

  /** An address with room for `size` bytes, which must be filled and advanced over before anything else happens. */
  #reserve(size: number): number {
    if (this.#slab !== 0 && this.#room() >= size) return this.#end
    this.#seal()
    this.#slab = this.#arena.acquire() ?? SCRATCH
    this.#end = this.#slab
    return this.#slab
  }

  #room(): number {
    return this.#slab + BLOCK_BYTES - this.#end
  }

  #advance(size: number): void {
    this.#end += size
    this.buffered += size
    // The scratch block is everyone's.
    if (this.#slab === SCRATCH) this.#seal()
  }

  /** Makes a chunk of what is in the slab: lends the slab, or copies out of it and gives it back. */
  #seal(): void {
    const slab = this.#slab
    if (slab === 0) return
    const size = this.#end - slab
    const { memory, buffer } = this.#codec
    const lends = slab !== SCRATCH && this.#mayLend(size)
    const chunk = lends ? buffer.subarray(slab, this.#end) : memory.slice(slab, this.#end)
    if (this.#sealed === undefined) this.#sealed = [chunk]
    else this.#sealed.push(chunk)
    if (lends) this.#lent++
    else if (slab !== SCRATCH) this.#arena.release(slab)
    this.#slab = 0
    this.#end = 0
  }

  /**
   * Little is lent only when nothing is under way, since then the socket most likely takes it at once: a slow peer
   * could otherwise hold a whole slab for each small write.
   */
  #mayLend(size: number): boolean {
    if (this.#lent === LENT_MAX || this.#arena.free < FREE_MIN) return false
    return size >= LEND_FROM || this.#inFlight === 0
  }

  /** Takes all there is. `release` is owed for the chunks, in one call: until then their bytes must not be reused. */
  take(): readonly Uint8Array[] {
    this.#seal()
    const chunks = this.#sealed ?? NOTHING
    this.#sealed = undefined
    this.#inFlight = this.buffered
    return chunks
  }

  /** The socket has let go of chunks that were taken together. */
  release(chunks: readonly Uint8Array[]): void {
    for (const { length, byteOffset } of chunks) {
      this.buffered -= length
      this.#inFlight -= length
      // Where a slab lies in memory; what was copied begins at 0 of its own.
      if (byteOffset === 0) continue
      this.#lent--
      this.#arena.release(byteOffset)
    }
  }

  /** Drops what was not taken; the connection is over. */
  clear(): void {
    this.release(this.take())
  }
}
