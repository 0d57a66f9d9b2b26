/**
 * The codec in plain JavaScript: the oracle of the core in tests, its baseline in benchmarks, and its stand-in where
 * WebAssembly is not to be had. Same memory map, same rows, same verdicts.
 */
import { isValidCloseCode } from './close-code.ts'
import { type Codec, type Decoder, headerLength } from './codec.ts'
import {
  ASCII,
  BLOCK_BYTES,
  COMPRESSED,
  CONTINUATION,
  ENDS,
  FIN,
  OPCODE,
  ROW_WORDS,
  SLABS,
  STARTS,
  TABLE,
  TABLE_ROWS,
} from './layout.ts'
import { Opcode, RSV1 } from './opcode.ts'
import { memoryView } from './text.ts'
import { isAscii, REJECT, validate } from './utf8.ts'
import {
  EXPECTED_CONTINUATION,
  FRAGMENTED_CONTROL,
  INVALID_UTF8,
  LENGTH_NOT_MINIMAL,
  LENGTH_TOO_LARGE,
  LONG_CONTROL,
  MASKED,
  RESERVED_BITS,
  RESERVED_OPCODE,
  SHORT_CLOSE,
  UNEXPECTED_CONTINUATION,
} from './violations.ts'

const MASK_BIT = 0x80
const RSV = 0x70

export class TwinCodec implements Codec {
  readonly name = 'js'
  readonly memory: Uint8Array
  readonly buffer: Uint8Array
  readonly table: Uint32Array
  readonly #view: DataView

  constructor(slabs: number) {
    const memory = new ArrayBuffer(SLABS + slabs * BLOCK_BYTES)
    this.memory = new Uint8Array(memory)
    this.buffer = memoryView(memory)
    this.table = new Uint32Array(memory, TABLE, TABLE_ROWS * ROW_WORDS)
    this.#view = new DataView(memory)
  }

  createDecoder(withDeflate = false): Decoder {
    return new TwinDecoder(this.memory, this.table, withDeflate)
  }

  frame(payload: number, length: number, firstByte: number, key: number): number {
    const start = payload - headerLength(length)
    this.header(start, firstByte, length, key)
    this.mask(payload, length, key)
    return start
  }

  header(address: number, firstByte: number, length: number, key: number): number {
    const view = this.#view
    const behind = address + headerLength(length)
    view.setUint8(address, firstByte)
    if (length < 126) {
      view.setUint8(address + 1, MASK_BIT | length)
    } else if (length < 65536) {
      view.setUint8(address + 1, MASK_BIT | 126)
      view.setUint16(address + 2, length)
    } else {
      view.setUint8(address + 1, MASK_BIT | 127)
      view.setUint32(address + 2, Math.floor(length / 2 ** 32))
      view.setUint32(address + 6, length)
    }
    view.setInt32(behind - 4, key, true)
    return behind
  }

  mask(address: number, length: number, key: number): void {
    const { memory } = this
    for (let i = 0; i < length; i++) memory[address + i]! ^= (key >>> ((i & 3) * 8)) & 0xff
  }

  validateUtf8(address: number, length: number, state: number): number {
    return validate(this.memory, address, address + length, state)
  }

  isValidCloseCode(code: number): boolean {
    return isValidCloseCode(code)
  }
}

/** See `assembly/decoder.ts`: the same steps, the state in fields. */
class TwinDecoder implements Decoder {
  consumed = 0
  violation = 0
  readonly #memory: Uint8Array
  readonly #table: Uint32Array
  readonly #withDeflate: boolean
  /** Bytes of an unfinished header. */
  #header: number[] = []
  #inPayload = false
  /** Payload bytes of the current frame still to come. */
  #remaining = 0
  /** The flags that all rows of the current frame share. */
  #frame = 0
  /** Opcode and COMPRESSED of the fragmented message under way, 0 if none. */
  #message = 0
  /** State of its text; 0 between texts. */
  #utf8 = 0

  constructor(memory: Uint8Array, table: Uint32Array, withDeflate: boolean) {
    this.#memory = memory
    this.#table = table
    this.#withDeflate = withDeflate
  }

  decode(address: number, length: number): number {
    const end = address + length
    let at = address
    let row = 0
    this.violation = 0
    while (at < end && row < TABLE_ROWS) {
      let starts = 0
      if (!this.#inPayload) {
        this.violation = this.#takeHeaderByte(this.#memory[at++]!)
        if (this.violation) break
        if (!this.#inPayload) continue
        starts = STARTS
      }
      const here = Math.min(this.#remaining, end - at)
      if (!this.#takeSegment(row, starts, at, here)) break
      row++
      at += here
    }
    this.consumed = at - address
    return row
  }

  /** Takes a byte of a header; returns the rule it breaks. */
  #takeHeaderByte(byte: number): number {
    const header = this.#header
    header.push(byte)
    if (header.length === 1) return this.#judgeFirst(byte)
    const second = header[1]!
    if (header.length === 2) {
      const violation = judgeSecond(header[0]!, second)
      if (violation) return violation
    }
    const size = second < 126 ? 2 : second === 126 ? 4 : 10
    return header.length === size ? this.#enterFrame() : 0
  }

  #judgeFirst(byte: number): number {
    const opcode = byte & OPCODE
    if ((byte & RSV) !== 0 && !this.#isCompressed(byte)) return RESERVED_BITS
    if (opcode > Opcode.pong || (opcode > Opcode.binary && opcode < Opcode.close)) return RESERVED_OPCODE
    if (opcode >= Opcode.close) return (byte & 0x80) === 0 ? FRAGMENTED_CONTROL : 0
    const within = this.#message !== 0
    if (opcode === Opcode.continuation) return within ? 0 : UNEXPECTED_CONTINUATION
    return within ? EXPECTED_CONTINUATION : 0
  }

  /** RFC 7692 §6: RSV1, and no other reserved bit, on the first frame of a message. */
  #isCompressed(byte: number): boolean {
    const opcode = byte & OPCODE
    return this.#withDeflate && (byte & RSV) === RSV1 && (opcode === Opcode.text || opcode === Opcode.binary)
  }

  /** Goes from a complete header to its payload; returns the rule it breaks. */
  #enterFrame(): number {
    const header = this.#header
    const short = header[1]!
    let length = short
    if (short >= 126) {
      length = header.slice(2).reduce((sum, byte) => sum * 256 + byte, 0)
      if (short === 127 && header[2]! >= 0x80) return LENGTH_TOO_LARGE
      if (length < (short === 126 ? 126 : 65536)) return LENGTH_NOT_MINIMAL
    }
    this.#frame = this.#frameFlags(header[0]!)
    this.#remaining = length
    this.#inPayload = true
    this.#header = []
    return 0
  }

  /** The flags that all rows of a frame share; notes the message that it begins. */
  #frameFlags(first: number): number {
    const opcode = first & OPCODE
    const fin = first & 0x80 ? FIN : 0
    if (opcode >= Opcode.close) return opcode | fin
    if (opcode === Opcode.continuation) return this.#message | fin | CONTINUATION
    this.#message = first & RSV1 ? opcode | COMPRESSED : opcode
    return this.#message | fin
  }

  /** Writes the row of a segment and moves past it; false if its text is invalid. */
  #takeSegment(row: number, starts: number, at: number, here: number): boolean {
    const ends = here === this.#remaining
    const frame = this.#frame
    let flags = frame | starts | (ends ? ENDS : 0)
    if ((frame & (COMPRESSED | OPCODE)) === Opcode.text) {
      flags |= this.#checkText(at, here, ends && (frame & FIN) !== 0)
      if (this.violation) return false
    }
    this.#table.set([flags, at, here, Math.min(this.#remaining, 0xffffffff)], row * ROW_WORDS)
    this.#remaining -= here
    if (ends) {
      this.#inPayload = false
      if ((frame & FIN) !== 0 && (frame & OPCODE) < Opcode.close) this.#message = 0
    }
    return true
  }

  /** Checks a segment of text; returns ASCII if it is nothing else. */
  #checkText(at: number, here: number, ends: boolean): number {
    if (this.#utf8 === 0 && isAscii(this.#memory, at, at + here)) return ASCII
    this.#utf8 = validate(this.#memory, at, at + here, this.#utf8)
    if (this.#utf8 === REJECT || (ends && this.#utf8 !== 0)) this.violation = INVALID_UTF8
    return 0
  }
}

function judgeSecond(first: number, byte: number): number {
  if (byte & MASK_BIT) return MASKED
  const opcode = first & OPCODE
  if (opcode < Opcode.close) return 0
  if (byte > 125) return LONG_CONTROL
  return opcode === Opcode.close && byte === 1 ? SHORT_CLOSE : 0
}
