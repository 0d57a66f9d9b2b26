import type { Codec, Decoder } from '../codec/codec.ts'
import {
  BLOCK_BYTES,
  COMPRESSED,
  CONTINUATION,
  ENDS,
  FIN,
  INPUT,
  OPCODE,
  ROW_WORDS,
  SCRATCH,
  STARTS,
} from '../codec/layout.ts'
import { Opcode } from '../codec/opcode.ts'
import { INVALID_DEFLATE, INVALID_UTF8, VIOLATIONS } from '../codec/violations.ts'
import { type HawserError, MessageTooBigError, ProtocolError } from '../errors.ts'
import { MessageCopies } from './message-copies.ts'
import { type Message, MessageParts } from './message-parts.ts'

/** Where a message goes that somebody reads while it comes. */
export interface PartSink {
  /** Whether no more should be inflated for now. */
  readonly isFull: boolean
  /** A piece of memory, which is valid only during the call. */
  write(memory: Uint8Array, from: number, to: number): void
  /** The message is complete. */
  end(): void
}

/** What the reader finds, in the order of the wire. */
export interface MessageSink {
  /** Whether there are more messages than anybody wants for now. */
  readonly isFull: boolean
  /**
   * Whether a whole message is wanted, so that one that is too big is an error. Otherwise it may yet be wanted as a
   * stream.
   */
  readonly isAwaited: boolean
  onMessage(message: Message): void
  /** Where the message that comes is wanted piece by piece; undefined if it is not. */
  takeStream(isText: boolean): PartSink | undefined
  /** Ping, Pong or Close, complete. Nothing is read after a Close frame. */
  onControl(opcode: number, payload: Uint8Array): void
}

export interface MessageLimits {
  readonly maxMessageSize: number
  readonly maxFragments: number
}

/** Undoes the compression of messages (RFC 7692), as `deflate/inflater.ts` does, and documents. */
export interface MessageInflater {
  readonly consumed: number
  readonly produced: number
  inflate(input: Uint8Array, from: number, length: number, output: Uint8Array, at: number, room: number): boolean
  finish(output: Uint8Array, at: number, room: number): boolean
}

/** A row of the table that cannot be read yet, with its bytes. */
interface HeldRow {
  readonly flags: number
  readonly bytes: Uint8Array
  readonly left: number
}

/** A frame that is a whole message and lies in one piece in the chunk. */
const WHOLE = FIN | STARTS | ENDS
/** The opcodes of control frames have the bit of Close. */
const WHOLE_MASK = WHOLE | CONTINUATION | COMPRESSED | Opcode.close
const MAX_CONTROL = 125
/** So much is inflated before others have their turn. */
const TURN_BYTES = 1 << 20
/** What it costs to go on with a new stream of zlib, as so many bytes. */
const NEW_STREAM_BYTES = 1 << 12

/**
 * Puts messages together from the frames in chunks of bytes. When there is no room for more it holds what is left of a
 * chunk until `resume`.
 */
export class MessageReader {
  /** Whether something is held that waits for `resume`. */
  isHolding = false
  /** Whether what is held is too big for a message, and waits until somebody says how it is wanted. */
  needsReceiver = false
  readonly #codec: Codec
  readonly #decoder: Decoder
  readonly #copies: MessageCopies
  readonly #inflater: MessageInflater | undefined
  readonly #limits: MessageLimits
  readonly #sink: MessageSink
  #held: HeldRow[] | undefined
  /** The rule that the bytes behind those that are held break. */
  #violation = 0
  /** The message that comes in pieces. */
  readonly #parts = new MessageParts()
  #stream: PartSink | undefined
  /** Its opcode; 0 while there is none. */
  #opcode = 0
  #fragments = 0
  /** The state of a compressed text's validation; 0 between characters. */
  #utf8 = 0
  /** Inflated bytes of this turn. */
  #inflated = 0
  /** The payload of a control frame that comes in pieces. */
  #control: Uint8Array | undefined
  #controlSize = 0
  #closed = false

  constructor(codec: Codec, limits: MessageLimits, sink: MessageSink, inflater?: MessageInflater) {
    this.#codec = codec
    this.#copies = new MessageCopies(codec)
    this.#decoder = codec.createDecoder(inflater !== undefined)
    this.#inflater = inflater
    this.#limits = limits
    this.#sink = sink
  }

  /** Bytes of a message that is not complete yet. */
  get pending(): number {
    return this.#parts.size
  }

  /** Takes bytes, and tells the sink what they complete. Returns why the connection has to fail, if it has to. */
  push(bytes: Uint8Array): HawserError | undefined {
    const { memory } = this.#codec
    this.#inflated = 0
    if (bytes.buffer === memory.buffer) return this.#read(bytes.byteOffset, bytes.length)
    for (let from = 0; from < bytes.length; from += BLOCK_BYTES) {
      const piece = bytes.subarray(from, from + BLOCK_BYTES)
      memory.set(piece, INPUT)
      const failure = this.#read(INPUT, piece.length)
      if (failure) return failure
    }
    return undefined
  }

  /** Goes on with what is held. Not to be called from within `push`: both use the same memory. */
  resume(): HawserError | undefined {
    const held = this.#held ?? []
    this.#held = undefined
    this.isHolding = false
    this.needsReceiver = false
    this.#inflated = 0
    for (const row of held) {
      if (this.#closed) break
      this.#codec.memory.set(row.bytes, INPUT)
      this.#copies.begin(INPUT + row.bytes.length)
      const failure = this.#takeRow(row.flags, INPUT, INPUT + row.bytes.length, row.left)
      if (failure) return failure
    }
    return this.#endTurn()
  }

  /** Somebody begins to want messages piece by piece. */
  offerStream(): void {
    if (this.#opcode !== 0 && this.#stream === undefined) this.#offerStream(this.#opcode)
  }

  /** What has come of the message goes ahead, if it is wanted. */
  #offerStream(opcode: number): void {
    this.#stream = this.#sink.takeStream(opcode === Opcode.text)
    if (this.#stream === undefined) return
    this.needsReceiver = false
    this.#stream.write(this.#parts.bytes, 0, this.#parts.size)
    this.#parts.clear()
  }

  /** Frees what an unfinished message holds. */
  clear(): void {
    this.#parts.clear()
    this.#copies.begin(0)
    this.#held = undefined
    this.isHolding = false
    this.#closed = true
  }

  #read(address: number, length: number): HawserError | undefined {
    let at = address
    const end = address + length
    this.#copies.begin(end)
    while (at < end && !this.#closed && this.#violation === 0) {
      const rows = this.#decoder.decode(at, end - at)
      at += this.#decoder.consumed
      const failure = this.#takeRows(rows)
      if (failure) return failure
      this.#violation = this.#decoder.violation
    }
    return this.#endTurn()
  }

  #endTurn(): HawserError | undefined {
    this.#copies.begin(0)
    return this.isHolding || this.#violation === 0 || this.#closed ? undefined : protocolError(this.#violation)
  }

  #takeRows(rows: number): HawserError | undefined {
    const { table } = this.#codec
    // RFC 6455 §5.5.1: nothing follows a Close frame.
    for (let row = 0; row < rows * ROW_WORDS && !this.#closed; row += ROW_WORDS) {
      const from = table[row + 1]!
      const failure = this.#takeRow(table[row]!, from, from + table[row + 2]!, table[row + 3]!)
      if (failure) return failure
    }
    return undefined
  }

  /** `left` is what the frame still holds, this segment included. */
  #takeRow(flags: number, from: number, to: number, left: number): HawserError | undefined {
    if (this.isHolding) return this.#hold(flags, from, to, left)
    if ((flags & WHOLE_MASK) === WHOLE && left <= this.#limits.maxMessageSize) {
      this.#sink.onMessage(this.#copies.copy(flags, from, to))
      return undefined
    }
    if ((flags & OPCODE) >= Opcode.close) return this.#takeControl(flags, from, to)
    if (flags & STARTS) {
      const failure = this.#judgeFrame(flags, left)
      if (failure) return failure
      if (this.isHolding) return this.#hold(flags, from, to, left)
    }
    this.#opcode = flags & OPCODE
    return flags & COMPRESSED ? this.#inflate(flags, from, to, left) : this.#takeSegment(flags, from, to, left)
  }

  /** Refuses a frame that makes its message too big, before its payload has come. */
  #judgeFrame(flags: number, announced: number): HawserError | undefined {
    const { maxMessageSize, maxFragments } = this.#limits
    const fragments = flags & CONTINUATION ? this.#fragments + 1 : 1
    // What is compressed is judged when it has been inflated.
    const size = flags & COMPRESSED ? 0 : this.#parts.size + announced
    const failure =
      size > maxMessageSize ? tooLarge(maxMessageSize) : fragments > maxFragments ? tooMany(maxFragments) : undefined
    if (failure && !this.#mayExceed(flags)) return this.isHolding ? undefined : failure
    this.#fragments = fragments
    return undefined
  }

  /** Whether the message is wanted as a stream. As long as it is not wanted at all, it is held. */
  #mayExceed(flags: number): boolean {
    if (this.#stream === undefined) this.#offerStream(flags & OPCODE)
    if (this.#stream === undefined && !this.#sink.isAwaited) {
      this.isHolding = true
      this.needsReceiver = true
    }
    return this.#stream !== undefined
  }

  /** Adds a segment to the message that comes in pieces. */
  #takeSegment(flags: number, from: number, to: number, left: number): HawserError | undefined {
    // In the last frame it is known how much there will be.
    const total = flags & FIN ? this.#parts.size + left : undefined
    this.#takePart(flags, from, to, total)
    if ((flags & (FIN | ENDS)) === (FIN | ENDS)) this.#endMessage(flags)
    return undefined
  }

  #takePart(flags: number, from: number, to: number, total?: number): void {
    if (this.#stream === undefined) this.#offerStream(flags & OPCODE)
    if (this.#stream === undefined) {
      this.#parts.add(this.#codec.memory, from, to, flags, total)
      return
    }
    this.#stream.write(this.#codec.memory, from, to)
    // What is not compressed would take as much memory if it were held.
    this.isHolding = (flags & COMPRESSED) !== 0 && this.#stream.isFull
  }

  #endMessage(flags: number): void {
    const stream = this.#stream
    this.#stream = undefined
    this.#opcode = 0
    if (stream) stream.end()
    else this.#sink.onMessage(this.#parts.take((flags & OPCODE) === Opcode.text))
  }

  /** Inflates a segment block by block, and stops when there is no room for more, or when it is the turn of others. */
  #inflate(flags: number, from: number, to: number, left: number): HawserError | undefined {
    const { memory } = this.#codec
    const inflater = this.#inflater!
    for (let at = from; ; ) {
      if (!inflater.inflate(memory, at, to - at, memory, SCRATCH, BLOCK_BYTES)) return protocolError(INVALID_DEFLATE)
      const { produced } = inflater
      at += inflater.consumed
      const isUsedUp = at === to
      const hasRoom = produced < BLOCK_BYTES
      this.#inflated += isUsedUp || !hasRoom ? produced : produced + NEW_STREAM_BYTES
      const failure = this.#judgeInflated(flags, produced)
      if (failure) return failure
      const isLast = (flags & (FIN | ENDS)) === (FIN | ENDS)
      if (isUsedUp && hasRoom && isLast && !this.isHolding) return this.#endInflated(flags, produced)
      this.#takePart(flags, SCRATCH, SCRATCH + produced)
      this.#yieldTurn()
      if (isUsedUp && hasRoom && !isLast && !this.needsReceiver) return undefined
      if (this.isHolding) return this.#hold(flags & ~STARTS, at, to, left)
    }
  }

  /** Holds what follows, if there is no room for more or if others are to have their turn. */
  #yieldTurn(): void {
    this.isHolding ||= this.#inflated >= TURN_BYTES || this.#sink.isFull
  }

  #judgeInflated(flags: number, produced: number): HawserError | undefined {
    const { maxMessageSize } = this.#limits
    if (this.#parts.size + produced > maxMessageSize && !this.#mayExceed(flags) && !this.isHolding) {
      return tooLarge(maxMessageSize)
    }
    if ((flags & OPCODE) !== Opcode.text) return undefined
    this.#utf8 = this.#codec.validateUtf8(SCRATCH, produced, this.#utf8)
    return this.#utf8 < 0 ? protocolError(INVALID_UTF8) : undefined
  }

  /** Ends a compressed message, whose last bytes lie in the scratch block. */
  #endInflated(flags: number, produced: number): HawserError | undefined {
    const { memory } = this.#codec
    const end = SCRATCH + produced
    if (!this.#inflater!.finish(memory, end, BLOCK_BYTES - produced)) return protocolError(INVALID_DEFLATE)
    if (this.#utf8 !== 0) return protocolError(INVALID_UTF8)
    if (this.#stream === undefined && this.#parts.size === 0) {
      this.#opcode = 0
      this.#sink.onMessage(this.#copies.copyAlone(flags, SCRATCH, end))
    } else {
      this.#takePart(flags, SCRATCH, end)
      this.#endMessage(flags)
    }
    this.#yieldTurn()
    return undefined
  }

  #takeControl(flags: number, from: number, to: number): undefined {
    if ((flags & (STARTS | ENDS)) !== (STARTS | ENDS)) return this.#takePieceOfControl(flags, from, to)
    return this.#endControl(flags, this.#codec.memory.slice(from, to))
  }

  #takePieceOfControl(flags: number, from: number, to: number): undefined {
    this.#control ??= new Uint8Array(MAX_CONTROL)
    this.#control.set(this.#codec.memory.subarray(from, to), this.#controlSize)
    this.#controlSize += to - from
    if ((flags & ENDS) === 0) return
    const payload = this.#control.slice(0, this.#controlSize)
    this.#control = undefined
    this.#controlSize = 0
    this.#endControl(flags, payload)
  }

  #endControl(flags: number, payload: Uint8Array): undefined {
    const opcode = flags & OPCODE
    if (opcode === Opcode.close) this.#closed = true
    this.#sink.onControl(opcode, payload)
  }

  #hold(flags: number, from: number, to: number, left: number): undefined {
    this.#held ??= []
    this.#held.push({ flags, bytes: this.#codec.memory.slice(from, to), left })
  }
}

function tooLarge(limit: number): MessageTooBigError {
  const message = `A message of the server is larger than maxMessageSize (${limit} bytes).`
  return new MessageTooBigError(message, limit)
}

function tooMany(limit: number): MessageTooBigError {
  const message = `A message of the server has more fragments than maxFragments (${limit}).`
  return new MessageTooBigError(message, limit)
}

/** The error for a broken rule, by its number. */
export function protocolError(violation: number): ProtocolError {
  const { name, closeCode, message } = VIOLATIONS[violation]!
  return new ProtocolError(name, closeCode, message)
}
