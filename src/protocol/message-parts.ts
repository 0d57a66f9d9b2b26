import { ASCII, OPCODE } from '../codec/layout.ts'
import { Opcode } from '../codec/opcode.ts'
import { memoryText, memoryView } from '../codec/text.ts'

/**
 * A received message: a string is text, bytes are binary. Binary messages of 65 to 2048 bytes that came together may be
 * views of one ArrayBuffer, of 16 KiB at most: before it is transferred or read as a whole, `slice` gives a message its
 * own. `byteOffset` is a multiple of 8.
 */
export type Message = string | Uint8Array

/** The first buffer is at most this large, whatever a header announces. */
const FIRST_BUFFER = 1 << 16
/** How much room there is next, as a multiple of what has come, when the header says that so much will come. */
const ANNOUNCED_GROWTH = 16
const NOTHING = memoryView(new ArrayBuffer(0))
/**
 * Text is copied into a string, so that what it was collected in serves again, up to so many bytes for each thread: not
 * for a text that needs much less, which may never end.
 */
const SPARE_MAX = 1 << 20
let spare = NOTHING

/** What has come of a message that comes in pieces. */
export class MessageParts {
  /** Bytes. */
  size = 0
  /** As much of it as `size` says. */
  #bytes = NOTHING
  #isAscii = true

  /** Adds a piece of memory. `total` is how long the message will be, if that is known. */
  add(memory: Uint8Array, from: number, to: number, flags: number, total: number | undefined): void {
    this.#makeRoom(this.size + to - from, total, (flags & OPCODE) === Opcode.text)
    this.#bytes.set(memory.subarray(from, to), this.size)
    this.size += to - from
    this.#isAscii &&= (flags & ASCII) !== 0
  }

  /** What has come, as a view of what is held here. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.size)
  }

  /** The message, which is complete. */
  take(isText: boolean): Message {
    const message = isText ? this.#text() : this.#binary()
    const { length } = this.#bytes
    if (isText && length <= SPARE_MAX && length > spare.length) spare = this.#bytes
    this.clear()
    return message
  }

  clear(): void {
    this.#bytes = NOTHING
    this.size = 0
    this.#isAscii = true
  }

  #text(): string {
    const decode = this.#isAscii ? memoryText.fromAscii : memoryText.fromUtf8
    return decode(this.#bytes, 0, this.size)
  }

  #binary(): Uint8Array {
    const bytes = new Uint8Array(this.#bytes.buffer as ArrayBuffer, 0, this.size)
    // NOTHING is everyone's: a caller who transfers it would take it from all.
    return this.size === this.#bytes.length && this.size > 0 ? bytes : bytes.slice()
  }

  /**
   * Grows by what has come, not by what is announced: a header alone costs no memory. But what is announced is worth
   * more room at a time, since a large message is copied less often then.
   */
  #makeRoom(needed: number, total: number | undefined, isText: boolean): void {
    const capacity = this.#bytes.length
    if (needed <= capacity) return
    const growth = total === undefined ? 2 : ANNOUNCED_GROWTH
    const most = Math.max(needed, capacity * growth, FIRST_BUFFER)
    const room = total === undefined ? most : Math.min(most, total)
    const grown = isText && spare.length >= room && spare.length <= room * 4 ? spare : memoryView(new ArrayBuffer(room))
    if (grown === spare) spare = NOTHING
    grown.set(this.#bytes.subarray(0, this.size))
    this.#bytes = grown
  }
}
