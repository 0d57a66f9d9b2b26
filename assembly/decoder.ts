/**
 * From bytes to a table of frames (RFC 6455 §5.2), for a client: frames from a server are not masked.
 *
 * A frame is told in segments: one row for each piece of it that a chunk holds, at least one when its header is
 * complete. Everything that one frame after another can do wrong is found here; what a message may be is the protocol's
 * business.
 */
import { ROW_BYTES, STATE, TABLE, TABLE_ROWS } from './memory'
import { isAscii, REJECT, validate } from './utf8'

// The state between two chunks. 44 bytes: `WasmDecoder` copies them.
const HELD: usize = STATE // u32: bytes of an unfinished header that are held
const IN_PAYLOAD: usize = STATE + 4 // u32: 1 between a header and the end of its payload
const REMAINING: usize = STATE + 8 // u64: payload bytes of this frame still to come
const FRAME: usize = STATE + 16 // u32: flags of this frame, as in a row
const MESSAGE: usize = STATE + 20 // u32: opcode and COMPRESSED of the fragmented message under way, 0 if none
const UTF8: usize = STATE + 24 // i32: state of its text; 0 between texts
const HEADER: usize = STATE + 28 // 10 bytes, room for 12
const DEFLATE: usize = STATE + 40 // u32: 1 if permessage-deflate was agreed, so that RSV1 has a meaning
// The results of the last call.
const CONSUMED: usize = STATE + 44 // u32
const VIOLATION: usize = STATE + 48 // u32: 0, or which rule was broken

// Flags of a row, above the opcode of the message in bits 0–3.
const FIN: u32 = 0x10
const STARTS: u32 = 0x20
const ENDS: u32 = 0x40
const ASCII: u32 = 0x80
const CONTINUATION: u32 = 0x100
const COMPRESSED: u32 = 0x200

// The rules, by the numbers that src/codec/violations.ts names.
const RESERVED_BITS: u32 = 1
const RESERVED_OPCODE: u32 = 2
const FRAGMENTED_CONTROL: u32 = 3
const LONG_CONTROL: u32 = 4
const UNEXPECTED_CONTINUATION: u32 = 5
const EXPECTED_CONTINUATION: u32 = 6
const MASKED: u32 = 7
const LENGTH_NOT_MINIMAL: u32 = 8
const LENGTH_TOO_LARGE: u32 = 9
const INVALID_UTF8: u32 = 10
const SHORT_CLOSE: u32 = 11

const TEXT: u32 = 1
const BINARY: u32 = 2
const CLOSE: u32 = 8
const RSV1: u32 = 0x40

/** RFC 7692 §6: RSV1, and no other reserved bit, on the first frame of a message. */
function isCompressed(byte: u32): bool {
  const opcode = byte & 0x0f
  return (byte & 0x70) === RSV1 && (opcode === 1 || opcode === 2) && load<u32>(DEFLATE) !== 0
}

/** What is wrong with the first byte of a header; 0 if nothing is. */
function judgeFirst(byte: u32): u32 {
  const opcode = byte & 0x0f
  if (byte & 0x70 && !isCompressed(byte)) return RESERVED_BITS
  if (opcode > 10 || (opcode > 2 && opcode < 8)) return RESERVED_OPCODE
  if (opcode >= 8) return (byte & 0x80) === 0 ? FRAGMENTED_CONTROL : 0
  const within = load<u32>(MESSAGE) !== 0
  if (opcode === 0) return within ? 0 : UNEXPECTED_CONTINUATION
  return within ? EXPECTED_CONTINUATION : 0
}

/** What is wrong with the second byte, given the first; 0 if nothing is. */
function judgeSecond(first: u32, byte: u32): u32 {
  if (byte & 0x80) return MASKED
  if ((first & 0x0f) < 8) return 0
  if (byte > 125) return LONG_CONTROL
  return (first & 0x0f) === CLOSE && byte === 1 ? SHORT_CLOSE : 0
}

function headerSize(second: u32): u32 {
  return second < 126 ? 2 : second === 126 ? 4 : 10
}

/** Reads a complete header whose two first bytes are judged, and enters its payload; returns what is wrong with it. */
function enterFrame(header: usize): u32 {
  const first: u32 = load<u8>(header)
  let length: u64 = load<u8>(header, 1)
  if (length === 126) {
    length = bswap<u16>(load<u16>(header, 2))
    if (length < 126) return LENGTH_NOT_MINIMAL
  } else if (length === 127) {
    length = bswap<u64>(load<u64>(header, 2))
    if (length >> 63) return LENGTH_TOO_LARGE
    if (length < 65536) return LENGTH_NOT_MINIMAL
  }
  store<u64>(REMAINING, length)
  store<u32>(IN_PAYLOAD, 1)
  store<u32>(HELD, 0)
  store<u32>(FRAME, frameFlags(first))
  return 0
}

/** The flags that all rows of a frame share; notes the message that it begins. */
function frameFlags(first: u32): u32 {
  const opcode = first & 0x0f
  const fin = first & 0x80 ? FIN : 0
  if (opcode >= 8) return opcode | fin
  if (opcode === 0) return load<u32>(MESSAGE) | fin | CONTINUATION
  const message = first & RSV1 ? opcode | COMPRESSED : opcode
  store<u32>(MESSAGE, message)
  return message | fin
}

/** Takes one more byte of a header that did not come in one piece; returns what is wrong with it. */
function holdByte(byte: u32): u32 {
  const held = load<u32>(HELD)
  store<u8>(HEADER + held, <u8>byte)
  store<u32>(HELD, held + 1)
  if (held === 0) return judgeFirst(byte)
  if (held === 1) {
    const violation = judgeSecond(load<u8>(HEADER), byte)
    if (violation) return violation
  }
  return held + 1 === headerSize(load<u8>(HEADER, 1)) ? enterFrame(HEADER) : 0
}

/**
 * Reads a header from a chunk: all of it if it is there and its two first bytes are right, else one byte. Returns the
 * bytes it took; a rule it breaks goes to VIOLATION.
 */
function readHeader(at: usize, available: usize): usize {
  if (load<u32>(HELD) === 0 && available >= 2) {
    const first: u32 = load<u8>(at)
    const second: u32 = load<u8>(at, 1)
    const size: usize = headerSize(second)
    if (available >= size && !judgeFirst(first) && !judgeSecond(first, second)) {
      store<u32>(VIOLATION, enterFrame(at))
      return size
    }
  }
  store<u32>(VIOLATION, holdByte(load<u8>(at)))
  return 1
}

/** Checks a segment of text; returns ASCII if it is nothing else. A rule it breaks goes to VIOLATION. */
function checkText(at: usize, length: u32, ends: bool): u32 {
  const state = load<i32>(UTF8)
  if (state === 0 && isAscii(at, length)) return ASCII
  const next = validate(at, length, state)
  store<i32>(UTF8, next)
  if (next === REJECT || (ends && next !== 0)) store<u32>(VIOLATION, INVALID_UTF8)
  return 0
}

/**
 * Writes the rows of short messages that lie here whole, one behind the other, text of nothing but ASCII: what most
 * servers send most of the time. They leave no state behind. Returns the address behind the last row; whatever else
 * follows has to be looked at closely.
 */
function takeShortMessages(address: usize, end: usize, firstRow: usize): usize {
  if (load<u32>(HELD) || load<u32>(MESSAGE)) return firstRow
  const tableEnd = TABLE + <usize>TABLE_ROWS * ROW_BYTES
  let at = address
  let row = firstRow
  while (row < tableEnd && at + 2 <= end) {
    const opcode: u32 = <u32>load<u8>(at) ^ 0x80
    const length: u32 = load<u8>(at, 1)
    if ((opcode !== TEXT && opcode !== BINARY) || length > 125 || at + 2 + length > end) break
    if (opcode === TEXT && !isAscii(at + 2, length)) break
    store<u32>(row, opcode | FIN | STARTS | ENDS | (opcode === TEXT ? ASCII : 0))
    store<u32>(row, <u32>at + 2, 4)
    store<u32>(row, length, 8)
    store<u32>(row, length, 12)
    row += ROW_BYTES
    at += 2 + length
  }
  return row
}

/** The address behind the bytes that a row tells of. */
function behindRow(row: usize): usize {
  return load<u32>(row, 4) + load<u32>(row, 8)
}

/**
 * Decodes `length` bytes at `address`. Returns the number of rows. CONSUMED is less than `length` when the table is
 * full, or when a rule was broken; the rows before that are good.
 */
export function decode(address: usize, length: u32): u32 {
  let at = address
  const end = address + length
  let row = TABLE
  const tableEnd = TABLE + <usize>TABLE_ROWS * ROW_BYTES
  store<u32>(VIOLATION, 0)
  while (at < end && row < tableEnd) {
    let starts: u32 = 0
    if (!load<u32>(IN_PAYLOAD)) {
      const next = takeShortMessages(at, end, row)
      if (next !== row) {
        row = next
        at = behindRow(row - ROW_BYTES)
        continue
      }
      at += readHeader(at, end - at)
      if (load<u32>(VIOLATION)) break
      if (!load<u32>(IN_PAYLOAD)) continue
      starts = STARTS
    }
    const remaining = load<u64>(REMAINING)
    const here = <u32>min<u64>(remaining, end - at)
    const ends = here === remaining
    const frame = load<u32>(FRAME)
    let flags = frame | starts | (ends ? ENDS : 0)
    if ((frame & (COMPRESSED | 0x0f)) === TEXT) {
      flags |= checkText(at, here, ends && (frame & FIN) !== 0)
      if (load<u32>(VIOLATION)) break
    }
    store<u32>(row, flags)
    store<u32>(row, <u32>at, 4)
    store<u32>(row, here, 8)
    store<u32>(row, <u32>min<u64>(remaining, u32.MAX_VALUE), 12)
    row += ROW_BYTES
    at += here
    store<u64>(REMAINING, remaining - here)
    if (ends) {
      store<u32>(IN_PAYLOAD, 0)
      if ((frame & FIN) !== 0 && (frame & 0x08) === 0) store<u32>(MESSAGE, 0)
    }
  }
  store<u32>(CONSUMED, <u32>(at - address))
  return <u32>((row - TABLE) / ROW_BYTES)
}
