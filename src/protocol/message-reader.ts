import type { Codec, Decoder } from '../codec/codec.ts'
import { ASCII, BLOCK_BYTES, CONTINUATION, ENDS, FIN, INPUT, OPCODE, ROW_WORDS, STARTS } from '../codec/layout.ts'
import { Opcode } from '../codec/opcode.ts'
import { memoryText, memoryView } from '../codec/text.ts'
import { VIOLATIONS } from '../codec/violations.ts'
import { type HawserError, MessageTooBigError, ProtocolError } from '../errors.ts'

/** A received message: a string is text, bytes are binary. */
export type Message = string | Uint8Array

/** What the reader finds, in the order of the wire. */
export interface MessageSink {
  onMessage(message: Message): void
  /** Ping, Pong or Close, complete. Nothing is read after a Close frame. */
  onControl(opcode: number, payload: Uint8Array): void
}

export interface MessageLimits {
  readonly maxMessageSize: number
  readonly maxFragments: number
}

/** A frame that is a whole message and lies in one piece in the chunk. */
const WHOLE = FIN | STARTS | ENDS
const WHOLE_MASK = WHOLE | CONTINUATION
const MAX_CONTROL = 125
/** The first buffer for a message that comes in pieces is at most this large, whatever its header announces. */
const FIRST_BUFFER = 1 << 16
const NOTHING = memoryView(new ArrayBuffer(0))

/** Puts messages together from the frames in chunks of bytes. */
export class MessageReader {
  readonly #codec: Codec
  readonly #decoder: Decoder
  readonly #limits: MessageLimits
  readonly #sink: MessageSink
  /** The message that is coming in pieces: as much of `#parts` as `#size` says. */
  #parts = NOTHING
  #size = 0
  #ascii = true
  #fragments = 0
  readonly #control = new Uint8Array(MAX_CONTROL)
  #controlSize = 0
  #closed = false

  constructor(codec: Codec, limits: MessageLimits, sink: MessageSink) {
    this.#codec = codec
    this.#decoder = codec.createDecoder()
    this.#limits = limits
    this.#sink = sink
  }

  /** Bytes of a message that is not complete yet. */
  get pending(): number {
    return this.#size
  }

  /** Takes bytes, and tells the sink what they complete. Returns why the connection has to fail, if it has to. */
  push(bytes: Uint8Array): HawserError | undefined {
    const { memory } = this.#codec
    if (bytes.buffer === memory.buffer) return this.#read(bytes.byteOffset - memory.byteOffset, bytes.length)
    for (let from = 0; from < bytes.length; from += BLOCK_BYTES) {
      const piece = bytes.subarray(from, from + BLOCK_BYTES)
      memory.set(piece, INPUT)
      const failure = this.#read(INPUT, piece.length)
      if (failure) return failure
    }
    return undefined
  }

  /** Frees what an unfinished message holds. */
  clear(): void {
    this.#parts = NOTHING
    this.#size = 0
    this.#closed = true
  }

  #read(address: number, length: number): HawserError | undefined {
    let at = address
    const end = address + length
    while (at < end && !this.#closed) {
      const rows = this.#decoder.decode(at, end - at)
      at += this.#decoder.consumed
      const failure = this.#takeRows(rows)
      if (failure) return failure
      const { violation } = this.#decoder
      if (violation !== 0 && !this.#closed) return protocolError(violation)
    }
    return undefined
  }

  #takeRows(rows: number): HawserError | undefined {
    const { table } = this.#codec
    // RFC 6455 §5.5.1: nothing follows a Close frame.
    for (let row = 0; row < rows * ROW_WORDS && !this.#closed; row += ROW_WORDS) {
      const flags = table[row]!
      const from = table[row + 1]!
      const to = from + table[row + 2]!
      if ((flags & OPCODE) >= Opcode.close) {
        this.#takeControl(flags, from, to)
        continue
      }
      const failure = flags & STARTS ? this.#judgeFrame(flags, table[row + 3]!) : undefined
      if (failure) return failure
      if ((flags & WHOLE_MASK) === WHOLE) this.#sink.onMessage(this.#extract(flags, from, to))
      else this.#takePart(flags, from, to, table[row + 3]!)
    }
    return undefined
  }

  /** Refuses a frame that makes its message too big, before its payload has come. */
  #judgeFrame(flags: number, announced: number): HawserError | undefined {
    const { maxMessageSize, maxFragments } = this.#limits
    if (this.#size + announced > maxMessageSize) {
      const message = `A message of the server is larger than maxMessageSize (${maxMessageSize} bytes).`
      return new MessageTooBigError(message, maxMessageSize)
    }
    if ((flags & CONTINUATION) === 0) this.#fragments = 0
    if (++this.#fragments > maxFragments) {
      const message = `A message of the server has more fragments than maxFragments (${maxFragments}).`
      return new MessageTooBigError(message, maxFragments)
    }
    return undefined
  }

  /** Adds a segment to the message that comes in pieces. `left` is what its frame still holds, this segment included. */
  #takePart(flags: number, from: number, to: number, left: number): void {
    this.#makeRoom(to - from, flags, left)
    this.#parts.set(this.#codec.memory.subarray(from, to), this.#size)
    this.#size += to - from
    if ((flags & ASCII) === 0) this.#ascii = false
    if ((flags & (FIN | ENDS)) !== (FIN | ENDS)) return
    const message = this.#assemble(flags)
    this.#parts = NOTHING
    this.#size = 0
    this.#ascii = true
    this.#sink.onMessage(message)
  }

  /** Grows by what has come, not by what is announced: a header alone costs no memory. */
  #makeRoom(count: number, flags: number, left: number): void {
    const needed = this.#size + count
    const capacity = this.#parts.length
    if (needed <= capacity) return
    const doubled = Math.max(needed, capacity * 2, FIRST_BUFFER)
    // In the last frame it is known how much there will be.
    const parts = memoryView(new ArrayBuffer(flags & FIN ? Math.min(doubled, this.#size + left) : doubled))
    parts.set(this.#parts.subarray(0, this.#size))
    this.#parts = parts
  }

  /** A message that lies in the chunk, copied out of it. */
  #extract(flags: number, from: number, to: number): Message {
    const { memory, buffer } = this.#codec
    if ((flags & OPCODE) === Opcode.binary) return memory.slice(from, to)
    return flags & ASCII ? memoryText.fromAscii(buffer, from, to) : memoryText.fromUtf8(buffer, from, to)
  }

  /** The message that came in pieces. */
  #assemble(flags: number): Message {
    const parts = this.#parts
    const size = this.#size
    if ((flags & OPCODE) === Opcode.text) {
      return this.#ascii ? memoryText.fromAscii(parts, 0, size) : memoryText.fromUtf8(parts, 0, size)
    }
    const bytes = new Uint8Array(parts.buffer as ArrayBuffer, 0, size)
    // NOTHING is everyone's: a caller who transfers it would take it from all readers.
    return size === parts.length && size > 0 ? bytes : bytes.slice()
  }

  #takeControl(flags: number, from: number, to: number): void {
    this.#control.set(this.#codec.memory.subarray(from, to), this.#controlSize)
    this.#controlSize += to - from
    if ((flags & ENDS) === 0) return
    const payload = this.#control.slice(0, this.#controlSize)
    this.#controlSize = 0
    const opcode = flags & OPCODE
    if (opcode === Opcode.close) this.#closed = true
    this.#sink.onControl(opcode, payload)
  }
}

/** The error for a broken rule, by its number. */
export function protocolError(violation: number): ProtocolError {
  const { name, closeCode, message } = VIOLATIONS[violation]!
  return new ProtocolError(name, closeCode, message)
}
