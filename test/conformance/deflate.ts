/** The server's permessage-deflate (RFC 7692 §7.2), of zlib's plain functions: the window is carried over by hand. */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'

/** What was agreed, as the server's answer says. */
export interface Agreement {
  readonly serverWindowBits: number
  readonly clientWindowBits: number
  readonly serverTakesOver: boolean
  readonly clientTakesOver: boolean
}

/** RFC 7692 §7.2.1: the end of a message that is not sent. */
const TAIL = Buffer.of(0, 0, 0xff, 0xff)
/** zlib makes no raw deflate for a window of 256 bytes; where it matters, the cases say the bytes themselves. */
const MIN_DEFLATE_BITS = 9

/** Reads an answer; undefined without deflate. Only for answers that a client may accept. */
export function agreementOf(answer: string): Agreement | undefined {
  if (!answer.trimStart().startsWith('permessage-deflate')) return undefined
  const bits = (name: string) => Number(new RegExp(`${name}="?(\\d+)`).exec(answer)?.[1] ?? 15)
  return {
    serverWindowBits: bits('server_max_window_bits'),
    clientWindowBits: bits('client_max_window_bits'),
    serverTakesOver: !answer.includes('server_no_context_takeover'),
    clientTakesOver: !answer.includes('client_no_context_takeover'),
  }
}

/** The last bytes of one direction, as far as its window reaches. */
class Window {
  readonly #size: number
  #bytes = Buffer.alloc(0)

  constructor(bits: number) {
    this.#size = 2 ** bits
  }

  /** As an option of zlib, which takes no empty dictionary. */
  get dictionary(): { dictionary?: Buffer } {
    return this.#bytes.length === 0 ? {} : { dictionary: this.#bytes }
  }

  slide(bytes: Uint8Array): void {
    const all = Buffer.concat([this.#bytes, bytes.subarray(-this.#size)])
    this.#bytes = Buffer.from(all.subarray(-this.#size))
  }

  clear(): void {
    this.#bytes = Buffer.alloc(0)
  }
}

export class Deflater {
  readonly #bits: number
  readonly #takesOver: boolean
  readonly #window: Window

  constructor({ serverWindowBits, serverTakesOver }: Agreement) {
    this.#bits = Math.max(MIN_DEFLATE_BITS, serverWindowBits)
    this.#takesOver = serverTakesOver
    this.#window = new Window(serverWindowBits)
  }

  /** Deflates a part of a message, flushed so that the receiver can have all of it; the last without its end. */
  deflate(bytes: Uint8Array, isLast: boolean): Buffer {
    const options = { windowBits: this.#bits, finishFlush: constants.Z_SYNC_FLUSH, ...this.#window.dictionary }
    const deflated = deflateRawSync(bytes, options)
    this.#window.slide(bytes)
    if (!isLast) return deflated
    if (!this.#takesOver) this.#window.clear()
    return deflated.subarray(0, -TAIL.length)
  }
}

export class Inflater {
  readonly #bits: number
  readonly #takesOver: boolean
  readonly #window: Window

  constructor({ clientWindowBits, clientTakesOver }: Agreement) {
    this.#bits = clientWindowBits
    this.#takesOver = clientTakesOver
    this.#window = new Window(clientWindowBits)
  }

  /** Inflates a message. Fails when it reaches back further than was agreed. */
  inflate(payload: Uint8Array): Buffer {
    const options = { windowBits: this.#bits, finishFlush: constants.Z_SYNC_FLUSH, ...this.#window.dictionary }
    const bytes = inflateRawSync(Buffer.concat([payload, TAIL]), options)
    if (this.#takesOver) this.#window.slide(bytes)
    return bytes
  }
}
