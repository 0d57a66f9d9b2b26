import type { Codec } from '../codec/codec.ts'
import { ASCII, OPCODE } from '../codec/layout.ts'
import { Opcode } from '../codec/opcode.ts'
import { memoryText } from '../codec/text.ts'
import type { Message } from './message-parts.ts'

/**
 * Texts up to so many bytes are cut out of one string, if ASCII stays where it is in it. From 512 on there is nothing
 * left to gain.
 */
const SHORT_TEXT = memoryText.isBytewise ? 128 : -1
/** What is cut out of a string keeps all of it alive: it is not longer than this. */
const TEXT_RUN = 1024
/** Bytes up to these live in V8's own heap, where nothing is cheaper than an array of their own. */
const TINY_BYTES = 64
/** Larger ones are worth an ArrayBuffer of their own. */
const SHORT_BYTES = 2048
/** A message that is kept keeps no more alive than this. */
const SHARED_BYTES = 16384
/** Nor more than so many times its own length: a server must not make much of little. */
const SHARED_BY = 16
const NONE = new ArrayBuffer(0)

/**
 * Copies messages out of memory. What costs is not to copy but to make a string or an ArrayBuffer, so that short
 * messages of one chunk share them: 16 bytes of text take a third of the time then, and 125 bytes of binary a quarter.
 *
 * What is kept alive by a message that is kept is bounded by what came with it, and by the limits above. A message that
 * came alone shares nothing.
 */
export class MessageCopies {
  readonly #codec: Codec
  /** Where the chunk ends. */
  #end = 0
  /** What is decoded, and the addresses that it was decoded from. */
  #text = ''
  #textFrom = 0
  #textTo = 0
  #shared = NONE
  #used = 0

  constructor(codec: Codec) {
    this.#codec = codec
  }

  /** Messages of the bytes up to `end` follow. Nothing is shared with those before, and nothing is kept of them. */
  begin(end: number): void {
    this.#end = end
    this.#text = ''
    this.#textTo = 0
    this.#shared = NONE
    this.#used = 0
  }

  copy(flags: number, from: number, to: number): Message {
    const length = to - from
    if ((flags & OPCODE) === Opcode.binary) {
      if (length > TINY_BYTES && length <= SHORT_BYTES) return this.#sharing(from, length)
    } else if (flags & ASCII && length <= SHORT_TEXT) {
      return this.#cut(from, to)
    }
    return this.copyAlone(flags, from, to)
  }

  /** A message that may lie anywhere, and shares nothing. */
  copyAlone(flags: number, from: number, to: number): Message {
    const { memory, buffer } = this.#codec
    if ((flags & OPCODE) === Opcode.binary) return memory.slice(from, to)
    return flags & ASCII ? memoryText.fromAscii(buffer, from, to) : memoryText.fromUtf8(buffer, from, to)
  }

  #cut(from: number, to: number): string {
    if (to > this.#textTo) {
      this.#textFrom = from
      this.#textTo = Math.min(from + TEXT_RUN, this.#end)
      this.#text = memoryText.fromAscii(this.#codec.buffer, from, this.#textTo)
    }
    return this.#text.substring(from - this.#textFrom, to - this.#textFrom)
  }

  #sharing(from: number, length: number): Uint8Array {
    const { byteLength } = this.#shared
    if (this.#used + length > byteLength) {
      this.#shared = new ArrayBuffer(Math.min(SHARED_BYTES, SHARED_BY * length, this.#end - from))
      this.#used = 0
    } else if (byteLength > SHARED_BY * length) {
      return this.#codec.memory.slice(from, from + length)
    }
    const bytes = new Uint8Array(this.#shared, this.#used, length)
    bytes.set(this.#codec.memory.subarray(from, from + length))
    // Whoever reads it as an array of numbers needs them aligned.
    this.#used += (length + 7) & ~7
    return bytes
  }
}
