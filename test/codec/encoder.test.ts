import { describe, expect, test } from 'vitest'
import { headerLength, rotateKey } from '../../src/codec/codec.ts'
import { SLABS } from '../../src/codec/layout.ts'
import { CODECS, hex, pattern } from './support.ts'

const MiB = 1024 * 1024
/** Where each form of the length begins and ends (RFC 6455 §5.2). */
const LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536, MiB]
/** The four octets of the key are those of the number, the lowest first. */
const KEYS = [0, 1, 0x80, 0xff, 0x12345678, 0x7fffffff, -0x80000000, -1, -0x12345678]
/** Around what a frame may not touch. */
const GUARD = 0xa5

/** RFC 6455 §5.3, octet by octet. */
function masked(payload: Uint8Array, key: number): Uint8Array {
  const octets = [key & 0xff, (key >> 8) & 0xff, (key >> 16) & 0xff, (key >> 24) & 0xff]
  return payload.map((octet, i) => octet ^ octets[i % 4]!)
}

/** RFC 6455 §5.2. */
function clientHeader(firstByte: number, length: number, key: number): Buffer {
  const header = Buffer.alloc(length < 126 ? 6 : length < 65_536 ? 8 : 14)
  header[0] = firstByte
  header[1] = 0x80 | (length < 126 ? length : length < 65_536 ? 126 : 127)
  if (header.length === 8) header.writeUInt16BE(length, 2)
  if (header.length === 14) header.writeBigUInt64BE(BigInt(length), 2)
  header.writeInt32LE(key, header.length - 4)
  return header
}

describe.each(CODECS)('%s', (_, codec) => {
  const { memory } = codec

  test('writes the masked Hello of RFC 6455 §5.7', () => {
    const payload = SLABS + 64
    memory.set(Buffer.from('Hello'), payload)
    // The octets 37 fa 21 3d of the example.
    const start = codec.frame(payload, 5, 0x81, 0x3d21fa37)
    expect(hex(memory.slice(start, payload + 5))).toBe('818537fa213d7f9f4d5158')
  })

  test.each(LENGTHS)('makes a frame of %i bytes where its payload lies', (length) => {
    for (const key of KEYS) {
      const payload = pattern(length)
      const at = SLABS + 32
      memory.fill(GUARD, SLABS, at + length + 32)
      memory.set(payload, at)
      const start = codec.frame(at, length, 0x82, key)
      const expected = Buffer.concat([clientHeader(0x82, length, key), masked(payload, key)])
      expect(start).toBe(at + length - expected.length)
      expect(expected.equals(memory.subarray(start, at + length))).toBe(true)
      expect([memory[start - 1], memory[at + length]]).toEqual([GUARD, GUARD])
    }
  })

  test.each([...LENGTHS, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 5, Number.MAX_SAFE_INTEGER])(
    'writes the header of a frame of %i bytes',
    (length) => {
      for (const key of KEYS) {
        memory.fill(GUARD, SLABS, SLABS + 32)
        const behind = codec.header(SLABS + 1, 0x02, length, key)
        expect(behind - SLABS - 1).toBe(headerLength(length))
        expect(hex(memory.slice(SLABS + 1, behind))).toBe(clientHeader(0x02, length, key).toString('hex'))
        expect([memory[SLABS], memory[behind]]).toEqual([GUARD, GUARD])
      }
    },
  )

  test('writes every first byte as it is given', () => {
    for (let firstByte = 0; firstByte < 256; firstByte++) {
      codec.header(SLABS, firstByte, 3, 0)
      expect(memory[SLABS]).toBe(firstByte)
    }
  })

  test('masks any length at any alignment, and nothing beside it', () => {
    const wrong: string[] = []
    for (let offset = 0; offset < 32; offset++) {
      for (let length = 0; length <= 200; length++) {
        if (!masksRight(offset, length, 0x01020304 * (length + 1))) wrong.push(`${length} bytes at ${offset}`)
      }
    }
    expect(wrong).toEqual([])
  })

  test.each([16_383, 16_384, 16_385, 16_401, 65_536])('masks %i bytes at any alignment', (length) => {
    const wrong = Array.from({ length: 32 }, (_, offset) => offset).filter(
      (offset) => !masksRight(offset, length, -0x12345678),
    )
    expect(wrong).toEqual([])
  })

  function masksRight(offset: number, length: number, key: number): boolean {
    const at = SLABS + 64 + offset
    const payload = pattern(length)
    memory.fill(GUARD, at - 32, at + length + 32)
    memory.set(payload, at)
    codec.mask(at, length, key)
    const guard = Buffer.alloc(32, GUARD)
    const expected = Buffer.concat([guard, masked(payload, key), guard])
    return expected.equals(memory.subarray(at - 32, at + length + 32))
  }

  test('masks in two parts as in one, when the key is rotated between them', () => {
    for (let cut = 0; cut <= 23; cut++) {
      const payload = pattern(23)
      memory.set(payload, SLABS)
      codec.mask(SLABS, cut, -0x12345678)
      codec.mask(SLABS + cut, 23 - cut, rotateKey(-0x12345678, cut))
      expect(hex(memory.slice(SLABS, SLABS + 23))).toBe(hex(masked(payload, -0x12345678)))
    }
  })
})

test.each([
  [0, 0x44332211],
  [1, 0x11443322],
  [2, 0x22114433],
  [3, 0x33221144],
  [4, 0x44332211],
  [65_537, 0x11443322],
  [2 ** 32 + 2, 0x22114433],
])('rotateKey goes on after %i bytes', (count, key) => {
  expect(rotateKey(0x44332211, count) >>> 0).toBe(key)
})

test.each(LENGTHS)('headerLength of %i bytes is that of RFC 6455 §5.2 with a key', (length) => {
  expect(headerLength(length)).toBe(clientHeader(0, length, 0).length)
})
