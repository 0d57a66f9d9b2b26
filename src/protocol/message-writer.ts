import { headerLength } from '../codec/codec.ts'
import { BLOCK_BYTES } from '../codec/layout.ts'
import { FINAL, Opcode, RSV1 } from '../codec/opcode.ts'
import { memoryText, UTF8_PER_UNIT } from '../codec/text.ts'
import type { Message } from './message-parts.ts'
import type { Outbox } from './outbox.ts'

/** Compresses messages (RFC 7692), as `deflate/deflater.ts` does. */
export interface MessageDeflater {
  /** The most bytes that so many can become. */
  bound(length: number): number
  /** Deflates a whole message to an address of memory, where there is room for its bound; returns its length there. */
  deflateInto(message: Uint8Array, memory: Uint8Array, at: number): number
  /** Deflates a piece of a message. What is flushed is complete, and ends as no message may. */
  deflate(piece: Uint8Array, flushes: boolean): Uint8Array[]
  /** Ends the message; takes off what no message may end with, if it was flushed. */
  end(parts: readonly Uint8Array[]): Uint8Array[]
}

/** What is done in one step of a large message. */
const STEP_BYTES = 1 << 18
/** An empty block that is not compressed, less the four bytes that no message ends with (RFC 7692 §7.2.3.6). */
const EMPTY_BLOCK = Uint8Array.of(0)
const NOTHING = new Uint8Array(0)

/** Turns messages into frames in the outbox. */
export class MessageWriter {
  readonly #outbox: Outbox
  readonly #deflater: MessageDeflater | undefined
  readonly #threshold: number

  /** Messages of `threshold` bytes and more are compressed, if there is a deflater. */
  constructor(outbox: Outbox, deflater: MessageDeflater | undefined, threshold: number) {
    this.#outbox = outbox
    this.#deflater = deflater
    // Empty messages are never deflated: zlib has nothing to flush.
    this.#threshold = Math.max(threshold, 1)
  }

  /** Whether compressing a message takes so long that it has to be done in steps. */
  isLong(message: Message, compress: boolean): boolean {
    return this.#deflater !== undefined && compress && mostBytes(message) > STEP_BYTES
  }

  /** Adds a message. Most are seen to be too short to be compressed without being encoded. */
  write(message: Message, compress: boolean): void {
    const isText = typeof message === 'string'
    const deflater = this.#deflater
    if (deflater !== undefined && compress && mostBytes(message) >= this.#threshold)
      this.#writeDeflated(isText ? memoryText.encode(message) : message, isText, deflater)
    else if (isText) this.#outbox.pushText(FINAL | Opcode.text, message)
    else this.#outbox.push(FINAL | Opcode.binary, message)
  }

  /** Adds a message of bytes in steps; the frame is there after the last. */
  *writeInSteps(bytes: Uint8Array, isText: boolean, compress: boolean): Generator<void, void> {
    const deflater = compress ? this.#deflater : undefined
    if (deflater === undefined) {
      this.#outbox.push(FINAL | opcodeOf(isText), bytes)
      return
    }
    if (bytes.length < this.#threshold || bytes.length <= STEP_BYTES) {
      this.#writeDeflated(bytes, isText, deflater)
      return
    }
    const parts: Uint8Array[] = []
    for (let from = 0; from < bytes.length; from += STEP_BYTES) {
      const isLast = from + STEP_BYTES >= bytes.length
      parts.push(...deflater.deflate(bytes.subarray(from, from + STEP_BYTES), isLast))
      if (!isLast) yield
    }
    this.#outbox.pushParts(FINAL | RSV1 | opcodeOf(isText), deflater.end(parts))
  }

  /** Begins a message in fragments (RFC 6455 §5.4). */
  fragments(isText: boolean, compress: boolean): FragmentWriter {
    return new FragmentWriter(this.#outbox, opcodeOf(isText), compress ? this.#deflater : undefined)
  }

  /** A message that is too short after all goes out as it is. */
  #writeDeflated(bytes: Uint8Array, isText: boolean, deflater: MessageDeflater): void {
    const opcode = opcodeOf(isText)
    if (bytes.length < this.#threshold) {
      this.#outbox.push(FINAL | opcode, bytes)
      return
    }
    const firstByte = FINAL | RSV1 | opcode
    const most = deflater.bound(bytes.length)
    if (headerLength(most) + most > BLOCK_BYTES) {
      this.#outbox.pushParts(firstByte, deflater.end(deflater.deflate(bytes, true)))
    } else {
      this.#outbox.pushMade(firstByte, most, (memory, at) => deflater.deflateInto(bytes, memory, at))
    }
  }
}

/** A message in fragments. Control frames may go between them, but no other message. */
export class FragmentWriter {
  readonly #outbox: Outbox
  readonly #deflater: MessageDeflater | undefined
  /** The opcode of the next frame. */
  #opcode: number

  constructor(outbox: Outbox, opcode: number, deflater: MessageDeflater | undefined) {
    this.#outbox = outbox
    this.#deflater = deflater
    // RFC 7692 §6.1: the bit stands on the first fragment alone.
    this.#opcode = deflater === undefined ? opcode : opcode | RSV1
  }

  /** Whether a fragment has gone out, so that there is no way back. */
  get hasBegun(): boolean {
    return this.#opcode === Opcode.continuation
  }

  /** Adds a fragment. An empty one is left out. */
  write(piece: Uint8Array): void {
    if (piece.length === 0) return
    if (this.#deflater === undefined) this.#outbox.push(this.#opcode, piece)
    else this.#outbox.pushParts(this.#opcode, this.#deflater.deflate(piece, true))
    this.#opcode = Opcode.continuation
  }

  end(): void {
    this.#outbox.push(FINAL | this.#opcode, this.#deflater === undefined ? NOTHING : EMPTY_BLOCK)
    this.#deflater?.end([])
  }
}

function opcodeOf(isText: boolean): number {
  return isText ? Opcode.text : Opcode.binary
}

/** The most bytes that a message can have, without encoding it. */
function mostBytes(message: Message): number {
  return message.length * (typeof message === 'string' ? UTF8_PER_UNIT : 1)
}
