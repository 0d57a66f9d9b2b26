import { describe, expect, test } from 'vitest'
import type { Decoder } from '../../src/codec/codec.ts'
import { ASCII, ENDS, FIN, INPUT, ROW_WORDS, STARTS, TABLE_ROWS } from '../../src/codec/layout.ts'
import * as violations from '../../src/codec/violations.ts'
import {
  CODECS,
  characters,
  concat,
  decodeChunks,
  decodeThreeWays,
  type Frame,
  oneByOne,
  pattern,
  serverFrame,
  serverHeader,
  wire,
} from './support.ts'

/**
 * A frame in short: opcode, `z` if it is compressed, `+` if it continues a message, `.` if it is the last, and its
 * payload.
 */
function short({ opcode, fin, continuation, compressed, payload, isComplete }: Frame): string {
  return `${opcode}${compressed ? 'z' : ''}${continuation ? '+' : ''}${fin ? '.' : ''}${isComplete ? '' : '…'} ${payload}`
}

const VALID: readonly (readonly [what: string, bytes: string, frames: readonly string[]])[] = [
  ['an empty text', '81 00', ['1. ']],
  ['a short text', "81 05 'Hello'", ['1. Hello']],
  ['an empty binary message', '82 00', ['2. ']],
  ['a binary message', '82 03 00 7f ff', ['2. \0\x7f\xff']],
  ['a Ping without payload', '89 00', ['9. ']],
  ['a Ping', "89 05 'Hello'", ['9. Hello']],
  ['a Pong', "8a 02 'ho'", ['10. ho']],
  ['an empty Close frame', '88 00', ['8. ']],
  ['a Close frame with a code', '88 02 03e8', ['8. \x03\xe8']],
  ['a Close frame with a reason', "88 05 03e8 'bye'", ['8. \x03\xe8bye']],
  ['a text in three fragments', "01 03 'Hel' 00 01 'l' 80 01 'o'", ['1 Hel', '1+ l', '1+. o']],
  ['a binary message in two fragments', '02 01 ff 80 01 fe', ['2 \xff', '2+. \xfe']],
  ['empty fragments', '01 00 00 00 80 00', ['1 ', '1+ ', '1+. ']],
  [
    'control frames between fragments',
    "02 01 'a' 89 01 'b' 00 01 'c' 8a 01 'd' 89 00 80 01 'e'",
    ['2 a', '9. b', '2+ c', '10. d', '9. ', '2+. e'],
  ],
  ['a message after a fragmented one', "01 01 'a' 80 01 'b' 82 01 'c'", ['1 a', '1+. b', '2. c']],
  ['a character cut by a fragment', '01 01 e2 00 01 82 80 01 ac', ['1 \xe2', '1+ \x82', '1+. \xac']],
  [
    'a character cut by a fragment with a Ping that is no UTF-8 between',
    '01 01 c3 89 01 ff 80 01 a9',
    ['1 \xc3', '9. \xff', '1+. \xa9'],
  ],
  ['binary bytes that are no UTF-8', '82 04 c0 80 ed a0', ['2. \xc0\x80\xed\xa0']],
  ['a Close frame within a fragmented message', "01 01 'a' 88 00 80 00", ['1 a', '8. ', '1+. ']],
]

const { RESERVED_BITS, RESERVED_OPCODE, FRAGMENTED_CONTROL, LONG_CONTROL, UNEXPECTED_CONTINUATION } = violations
const { EXPECTED_CONTINUATION, MASKED, LENGTH_NOT_MINIMAL, LENGTH_TOO_LARGE, INVALID_UTF8, SHORT_CLOSE } = violations

/** `at` is the number of bytes up to the one that breaks the rule; for text, up to the segment. */
const INVALID: readonly (readonly [what: string, bytes: string, violation: number, at: number])[] = [
  ['RSV1', "c1 01 'a'", RESERVED_BITS, 1],
  ['RSV2', "a1 01 'a'", RESERVED_BITS, 1],
  ['RSV3', "91 01 'a'", RESERVED_BITS, 1],
  ['a reserved bit on a control frame', 'c9 00', RESERVED_BITS, 1],
  ['a reserved bit on a continuation', "01 00 c0 01 'a'", RESERVED_BITS, 3],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(
    (opcode) => [`opcode ${opcode}`, `8${opcode.toString(16)} 00`, RESERVED_OPCODE, 1] as const,
  ),
  ['a reserved opcode that is fragmented', '0b 00', RESERVED_OPCODE, 1],
  ['a fragmented Close frame', '08 00', FRAGMENTED_CONTROL, 1],
  ['a fragmented Ping', '09 00', FRAGMENTED_CONTROL, 1],
  ['a fragmented Pong within a message', '01 00 0a 00', FRAGMENTED_CONTROL, 3],
  ['a Ping of 126 bytes', '89 7e 007e', LONG_CONTROL, 2],
  ['a Pong with a length of 64 bits', '8a 7f 0000000000010000', LONG_CONTROL, 2],
  ['a Close frame of 126 bytes', '88 7e 007e 03e8', LONG_CONTROL, 2],
  ['a continuation first', "80 01 'a'", UNEXPECTED_CONTINUATION, 1],
  ['a continuation after a whole message', "81 01 'a' 00 01 'b'", UNEXPECTED_CONTINUATION, 4],
  ['a continuation after a fragmented message', "01 01 'a' 80 00 80 00", UNEXPECTED_CONTINUATION, 6],
  ['a continuation after a Ping', '89 00 80 00', UNEXPECTED_CONTINUATION, 3],
  ['a text within a text', "01 01 'a' 81 01 'b'", EXPECTED_CONTINUATION, 4],
  ['a binary message within a text, after a Ping', "01 01 'a' 89 00 02 00", EXPECTED_CONTINUATION, 6],
  ['a masked frame', '81 85 37fa213d 7f9f4d5158', MASKED, 2],
  ['a masked empty frame', '82 80 00000000', MASKED, 2],
  ['a masked Ping', '89 80 00000000', MASKED, 2],
  ['a masked frame with a long length', '82 fe 007e', MASKED, 2],
  ['0 in 16 bits', '82 7e 0000', LENGTH_NOT_MINIMAL, 4],
  ['125 in 16 bits', '82 7e 007d', LENGTH_NOT_MINIMAL, 4],
  ['0 in 64 bits', '82 7f 0000000000000000', LENGTH_NOT_MINIMAL, 10],
  ['126 in 64 bits', '82 7f 000000000000007e', LENGTH_NOT_MINIMAL, 10],
  ['65,535 in 64 bits', '81 7f 000000000000ffff', LENGTH_NOT_MINIMAL, 10],
  ['2^63', '82 7f 8000000000000000', LENGTH_TOO_LARGE, 10],
  ['2^64 - 1', '82 7f ffffffffffffffff', LENGTH_TOO_LARGE, 10],
  ['the highest bit and else nothing', '82 7f 8000000000000001', LENGTH_TOO_LARGE, 10],
  ['text with a byte that UTF-8 never has', '81 01 ff', INVALID_UTF8, 2],
  ['text that ends within a character', '81 02 e282', INVALID_UTF8, 2],
  ['text whose last, empty fragment leaves a character open', '01 01 c3 80 00', INVALID_UTF8, 5],
  ['a second text that begins with the rest of a character', '81 00 81 01 a9', INVALID_UTF8, 4],
  ['a Close frame of one byte', '88 01 03', SHORT_CLOSE, 2],
]

/** With permessage-deflate (RFC 7692 §6). */
const VALID_COMPRESSED: readonly (readonly [what: string, bytes: string, frames: readonly string[]])[] = [
  ['a compressed text', "c1 02 'ab'", ['1z. ab']],
  ['a compressed binary message', "c2 02 'ab'", ['2z. ab']],
  ['a compressed message without a byte', 'c1 00', ['1z. ']],
  ['a message that is not compressed', "81 02 'ab'", ['1. ab']],
  ['a compressed text in fragments', "41 01 'a' 00 01 'b' 80 01 'c'", ['1z a', '1z+ b', '1z+. c']],
  ['control frames between compressed fragments', "42 01 'a' 89 01 'p' 80 01 'b'", ['2z a', '9. p', '2z+. b']],
  ['compressed text that is no UTF-8', 'c1 02 c328', ['1z. \xc3\x28']],
  [
    'a text after a compressed one',
    "41 01 ff 80 01 fe 81 02 c3a9 c1 01 'z'",
    ['1z \xff', '1z+. \xfe', '1. \xc3\xa9', '1z. z'],
  ],
]

const INVALID_COMPRESSED: readonly (readonly [what: string, bytes: string, violation: number, at: number])[] = [
  ['RSV1 on a continuation', "41 01 'a' c0 01 'b'", RESERVED_BITS, 4],
  ['RSV1 on a continuation of a message that is not compressed', "01 01 'a' c0 01 'b'", RESERVED_BITS, 4],
  ['RSV1 on a Ping', 'c9 00', RESERVED_BITS, 1],
  ['RSV1 on a Pong', 'ca 00', RESERVED_BITS, 1],
  ['RSV1 on a Close frame', 'c8 00', RESERVED_BITS, 1],
  ['RSV1 and RSV2', 'e1 00', RESERVED_BITS, 1],
  ['RSV1 and RSV3', 'd1 00', RESERVED_BITS, 1],
  ['RSV2', 'a1 00', RESERVED_BITS, 1],
  ['RSV3', '92 00', RESERVED_BITS, 1],
  ['RSV1 on a reserved opcode', 'c3 00', RESERVED_BITS, 1],
  ['a compressed message within a message', '02 00 c2 00', EXPECTED_CONTINUATION, 3],
  ['a text that is not compressed and no UTF-8, after one that is', 'c1 01 ff 81 01 ff', INVALID_UTF8, 5],
]

describe.each(CODECS)('%s', (_, codec) => {
  test.each(VALID_COMPRESSED)('decodes %s, if that was agreed on', (_, bytes, frames) => {
    expect(decodeThreeWays(codec, wire(bytes), true).frames.map(short)).toEqual(frames)
  })

  test.each(INVALID_COMPRESSED)('refuses %s, even if compression was agreed on', (_, bytes, violation, at) => {
    expect(decodeThreeWays(codec, wire(bytes), true)).toMatchObject({ violation, consumed: at })
  })

  test('with compression allows RSV1 where a message begins, and no other first byte more', () => {
    const bytes = Array.from({ length: 256 }, (_, byte) => byte)
    const accepted = bytes.filter((byte) => decodeThreeWays(codec, Uint8Array.of(byte, 0), true).violation === 0)
    expect(accepted).toEqual([0x01, 0x02, 0x41, 0x42, 0x81, 0x82, 0x88, 0x89, 0x8a, 0xc1, 0xc2])
    const within = bytes.filter((byte) => decodeThreeWays(codec, Uint8Array.of(0x42, 0, byte, 0), true).violation === 0)
    expect(within).toEqual([0x00, 0x80, 0x88, 0x89, 0x8a])
  })

  test('knows of each connection whether compression was agreed on', () => {
    const deflate = codec.createDecoder(true)
    for (let i = 0; i < 3; i++) {
      const plain = codec.createDecoder()
      codec.memory.set(wire('c1 00'), INPUT)
      expect(deflate.decode(INPUT, 2)).toBe(1)
      expect(deflate.violation).toBe(0)
      expect(plain.decode(INPUT, 2)).toBe(0)
      expect(plain.violation).toBe(RESERVED_BITS)
    }
  })

  test('knows it in the middle of a message, too', () => {
    const deflate = codec.createDecoder(true)
    const decode = (decoder: Decoder, bytes: string) => {
      codec.memory.set(wire(bytes), INPUT)
      return decoder.decode(INPUT, wire(bytes).length)
    }
    decode(deflate, '02 00')
    decode(codec.createDecoder(), '82 00')
    expect(decode(deflate, '80 00 c1 00')).toBe(2)
    expect(deflate.violation).toBe(0)
  })

  test.each(VALID)('decodes %s', (_, bytes, frames) => {
    expect(decodeThreeWays(codec, wire(bytes)).frames.map(short)).toEqual(frames)
  })

  test.each(INVALID)('refuses %s', (_, bytes, violation, at) => {
    const decoded = decodeThreeWays(codec, wire(bytes))
    expect(decoded).toMatchObject({ violation, consumed: at })
  })

  test.each(INVALID)('hands out the frames before %s', (_, bytes, violation) => {
    const decoded = decodeThreeWays(codec, wire(`81 02 'hi' 89 00 ${bytes}`))
    expect(decoded.frames.slice(0, 2).map(short)).toEqual(['1. hi', '9. '])
    expect(decoded.violation).toBe(violation)
  })

  test('decodes every first byte that is allowed, and no other', () => {
    const allowed = [0x01, 0x02, 0x81, 0x82, 0x88, 0x89, 0x8a]
    const bytes = Array.from({ length: 256 }, (_, byte) => byte)
    const accepted = bytes.filter((byte) => decodeThreeWays(codec, Uint8Array.of(byte, 0)).violation === 0)
    expect(accepted).toEqual(allowed)
    const within = bytes.filter((byte) => decodeThreeWays(codec, Uint8Array.of(2, 0, byte, 0)).violation === 0)
    expect(within).toEqual([0x00, 0x80, 0x88, 0x89, 0x8a])
  })

  test.each([0, 1, 125, 126, 127, 65_535, 65_536])('decodes a payload of %i bytes', (length) => {
    const { frames } = decodeThreeWays(codec, serverFrame(0x82, pattern(length)))
    const payload = characters(pattern(length))
    const frame = { opcode: 2, fin: true, continuation: false, compressed: false, size: length, payload }
    expect(frames).toEqual([{ ...frame, isComplete: true }])
  })

  test.each([125, 2])('decodes a control frame of %i bytes', (length) => {
    const payload = pattern(length)
    for (const opcode of [8, 9, 10]) {
      const { frames } = decodeThreeWays(codec, serverFrame(0x80 | opcode, payload))
      expect(frames).toMatchObject([{ opcode, size: length, payload: characters(payload) }])
    }
  })

  test('decodes frames wherever they are cut', () => {
    const bytes = concat(
      wire("01 05 'Hel\u00f6' 89 01 'p'"),
      serverFrame(0x80, new Uint8Array(130).fill(0x61)),
      wire('82 00'),
    )
    const whole = decodeChunks(codec, [bytes])
    expect(whole.frames).toHaveLength(4)
    for (let first = 0; first <= bytes.length; first++) {
      const second = Math.min(first + 3, bytes.length)
      const chunks = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)]
      expect(decodeChunks(codec, chunks)).toEqual(whole)
    }
  })

  test('tells of a header as soon as it is complete, without any payload', () => {
    const { frames } = decodeChunks(codec, [serverHeader(0x82, 1000)])
    expect(frames).toMatchObject([{ size: 1000, payload: '', isComplete: false }])
  })

  test.each([
    [2n ** 32n - 2n, 2 ** 32 - 2],
    [2n ** 32n - 1n, 2 ** 32 - 1],
    [2n ** 32n, 2 ** 32 - 1],
    [2n ** 32n + 5n, 2 ** 32 - 1],
    [2n ** 53n, 2 ** 32 - 1],
    [2n ** 53n + 1n, 2 ** 32 - 1],
    [2n ** 63n - 1n, 2 ** 32 - 1],
  ])('goes on taking the payload of a frame that announces %i bytes', (announced, size) => {
    const bytes = concat(serverHeader(0x82, announced), pattern(300))
    for (const chunks of [[bytes], oneByOne(bytes)]) {
      const { frames, violation } = decodeChunks(codec, chunks)
      expect(violation).toBe(0)
      expect(frames).toMatchObject([{ size, payload: characters(pattern(300)), isComplete: false }])
    }
  })

  test.each([TABLE_ROWS, TABLE_ROWS + 1, 3 * TABLE_ROWS + 7])(
    'decodes %i frames of one chunk, a table at a time',
    (count) => {
      const bytes = Uint8Array.from({ length: count * 3 }, (_, i) => [0x82, 1, (i / 3) & 0xff][i % 3]!)
      const { frames, consumed } = decodeThreeWays(codec, bytes)
      expect(consumed).toBe(bytes.length)
      expect(frames).toHaveLength(count)
      expect(frames.every(({ payload }, i) => payload === String.fromCharCode(i & 0xff))).toBe(true)
    },
  )

  test('stops where the table is full, and goes on from there', () => {
    const bytes = new Uint8Array(2 * TABLE_ROWS + 3).fill(0)
    for (let i = 0; i < bytes.length; i += 2) bytes[i] = 0x8a
    codec.memory.set(bytes, INPUT)
    const decoder = codec.createDecoder()
    expect(decoder.decode(INPUT, bytes.length)).toBe(TABLE_ROWS)
    expect(decoder).toMatchObject({ consumed: 2 * TABLE_ROWS, violation: 0 })
    expect(decoder.decode(INPUT + 2 * TABLE_ROWS, 3)).toBe(1)
    expect(decoder.consumed).toBe(3)
  })

  test('finds a broken rule right behind a full table', () => {
    const good = Uint8Array.from({ length: 2 * TABLE_ROWS }, (_, i) => (i % 2 === 0 ? 0x8a : 0))
    const decoded = decodeThreeWays(codec, concat(good, wire('83 00')))
    expect(decoded).toMatchObject({ violation: RESERVED_OPCODE, consumed: good.length + 1 })
    expect(decoded.frames).toHaveLength(TABLE_ROWS)
  })

  test('keeps the states of decoders apart', () => {
    const streams = [
      "01 04 'He\u00e9' 80 02 'lo'",
      '02 03 ff00fe 89 01 00 80 01 00',
      "81 7e 007e 'x'",
      '89 02 aabb 80 00',
      '82 7f 0102030405060708 aa',
      '02 7f 1020304050607080 bb',
      '82 7f 0000000000abcdef cc',
      '82 7f 0000000000fedcba dd',
    ]
    const parts = streams.map((stream) => oneByOne(wire(stream)))
    const decoders = parts.map(() => codec.createDecoder())
    const seen: string[][] = parts.map(() => [])
    for (let i = 0; i < Math.max(...parts.map((part) => part.length)); i++) {
      parts.forEach((part, which) => {
        if (part[i]) seen[which]!.push(...rowsOf(decoders[which]!, part[i]!))
      })
    }
    const alone = parts.map((part) => {
      const decoder = codec.createDecoder()
      return part.flatMap((byte) => rowsOf(decoder, byte))
    })
    expect(seen).toEqual(alone)
    expect(decoders.map(({ violation }) => violation)).toEqual([0, 0, 0, UNEXPECTED_CONTINUATION, 0, 0, 0, 0])
  })

  function rowsOf(decoder: ReturnType<typeof codec.createDecoder>, bytes: Uint8Array): string[] {
    codec.memory.set(bytes, INPUT)
    const rows = decoder.violation === 0 ? decoder.decode(INPUT, bytes.length) : 0
    return Array.from({ length: rows }, (_, row) => codec.table.slice(row * ROW_WORDS, (row + 1) * ROW_WORDS).join())
  }

  test('writes rows of flags, address, length and what the frame still holds', () => {
    codec.memory.set(wire("89 01 'p' 01 04 'ab'"), INPUT + 5)
    const decoder = codec.createDecoder()
    expect(decoder.decode(INPUT + 5, 7)).toBe(2)
    expect([...codec.table.subarray(0, 8)]).toEqual([
      ...[9 | FIN | STARTS | ENDS, INPUT + 7, 1, 1],
      ...[1 | STARTS | ASCII, INPUT + 10, 2, 4],
    ])
    codec.memory.set(wire("'cd'"), INPUT)
    expect(decoder.decode(INPUT, 2)).toBe(1)
    expect([...codec.table.subarray(0, 4)]).toEqual([1 | ENDS | ASCII, INPUT, 2, 2])
  })

  test('finds text that is nothing but ASCII, of any length and wherever it is not', () => {
    const decoder = codec.createDecoder()
    for (let length = 0; length < 100; length++) {
      const text = new Uint8Array(length).fill(0x7f)
      for (let other = -1; other < length - 1; other++) {
        const bytes = serverFrame(0x81, text)
        if (other >= 0) bytes.set([0xc2, 0x80], 2 + other)
        codec.memory.set(bytes, INPUT)
        decoder.decode(INPUT, bytes.length)
        if (decoder.violation !== 0 || (codec.table[0]! & ASCII) !== (other < 0 ? ASCII : 0)) {
          throw new Error(`${length} bytes of text, not ASCII at ${other}`)
        }
      }
    }
  })

  test('finds a single byte in long text that is not ASCII, wherever it is', () => {
    for (const length of [64, 79, 128, 200, 300]) {
      const header = serverHeader(0x81, length)
      for (let other = 0; other < length; other++) {
        const decoder = codec.createDecoder()
        codec.memory.set(header, INPUT)
        decoder.decode(INPUT, header.length)
        codec.memory.set(new Uint8Array(length).fill(0x7f).fill(0x80, other, other + 1), INPUT)
        decoder.decode(INPUT, length)
        if (decoder.violation !== INVALID_UTF8) throw new Error(`${length} bytes of text, not ASCII at ${other}`)
      }
    }
  })

  test('calls no segment ASCII that goes on with a character', () => {
    const decoder = codec.createDecoder()
    codec.memory.set(wire('81 03 c3'), INPUT)
    decoder.decode(INPUT, 3)
    codec.memory.set(wire("a9 'a'"), INPUT)
    decoder.decode(INPUT, 2)
    expect(codec.table[0]! & ASCII).toBe(0)
  })

  test('refuses text at its first bad byte, however much is still to come', () => {
    for (const text of ["'a' 80", 'c3 28', 'e0 9f', 'ed a0', 'f0 8f', 'f4 90', 'f1 80 80 28', "'abc' f5"]) {
      const bytes = concat(serverHeader(0x01, 2n ** 40n), wire(text))
      expect(decodeChunks(codec, oneByOne(bytes.subarray(0, -1))).violation).toBe(0)
      expect(decodeChunks(codec, oneByOne(bytes))).toMatchObject({ violation: INVALID_UTF8 })
      expect(decodeChunks(codec, [bytes])).toMatchObject({ violation: INVALID_UTF8, frames: [] })
    }
  })

  test('refuses text that ends within a character when the last frame ends, and not before', () => {
    for (const tail of ['c3', 'e2', 'e2 82', 'f0', 'f0 9f', 'f0 9f 98']) {
      const text = wire(`'abc' ${tail}`)
      expect(decodeThreeWays(codec, serverFrame(0x01, text)).violation).toBe(0)
      expect(decodeThreeWays(codec, serverFrame(0x81, text)).violation).toBe(INVALID_UTF8)
      const more = decodeThreeWays(codec, concat(serverFrame(0x01, text), serverFrame(0x00, text.subarray(0, 0))))
      expect(more.violation).toBe(0)
      const last = decodeThreeWays(codec, concat(serverFrame(0x01, text), serverFrame(0x80, text.subarray(0, 0))))
      expect(last.violation).toBe(INVALID_UTF8)
      expect(last.frames.map(({ payload }) => payload)).toEqual([characters(text)])
    }
  })

  test('checks each text from its own beginning', () => {
    const open = serverFrame(0x01, wire("'a' c3"))
    const done = serverFrame(0x80, wire('a9'))
    const bytes = concat(open, done, open, done, wire("81 01 'b'"))
    expect(decodeThreeWays(codec, bytes).frames).toHaveLength(5)
  })

  test('stays where it is when there is nothing to decode', () => {
    const decoder = codec.createDecoder()
    expect(decoder.decode(INPUT, 0)).toBe(0)
    expect(decoder).toMatchObject({ consumed: 0, violation: 0 })
  })
})
