import { expect, test } from 'vitest'
import { MessageParts } from '../../src/protocol/message-parts.ts'
import { concat, pattern } from '../codec/support.ts'

/** What is given to a message: memory in which its pieces lie apart. */
function filled(...pieces: readonly Uint8Array[]): MessageParts {
  const parts = new MessageParts()
  for (const piece of pieces) {
    const memory = concat(Uint8Array.of(0xee), piece, Uint8Array.of(0xee))
    const isAscii = piece.every((byte) => byte < 0x80)
    parts.add(memory, 1, 1 + piece.length, isAscii, undefined)
    memory.fill(0xff)
  }
  return parts
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

test('pieces make a message, and what has come can be seen before', () => {
  const parts = filled(pattern(10), pattern(70_000), pattern(0), pattern(200_000))
  expect(parts.size).toBe(270_010)
  const expected = concat(pattern(10), pattern(70_000), pattern(200_000))
  expect(Buffer.compare(parts.bytes, expected)).toBe(0)
  expect(Buffer.compare(parts.take(false) as Uint8Array, expected)).toBe(0)
})

test('text is decoded as a whole, ASCII or not', () => {
  expect(filled(utf8('plain '), utf8('text')).take(true)).toBe('plain text')
  const bytes = utf8('\ufeffa€\u{1f600}z')
  for (let at = 0; at <= bytes.length; at++) {
    expect(filled(bytes.subarray(0, at), bytes.subarray(at)).take(true)).toBe('\ufeffa€\u{1f600}z')
  }
})

test('one that was taken or cleared is empty, and begins anew', () => {
  const parts = filled(utf8('ü'))
  parts.take(true)
  expect(parts.size).toBe(0)
  parts.add(utf8('abc'), 0, 3, true, undefined)
  expect(parts.take(true)).toBe('abc')
  parts.add(utf8('def'), 0, 3, true, undefined)
  parts.clear()
  expect(parts.bytes).toHaveLength(0)
  expect(parts.take(false)).toEqual(new Uint8Array(0))
  expect(parts.take(true)).toBe('')
})

test('a binary message owns its memory, all of it and no more', () => {
  for (const total of [undefined, 1000, 5000]) {
    const parts = new MessageParts()
    parts.add(pattern(1000), 0, 1000, false, total)
    const message = parts.take(false) as Uint8Array
    expect(Object.getPrototypeOf(message)).toBe(Uint8Array.prototype)
    expect(message.buffer.byteLength).toBe(1000)
    parts.add(new Uint8Array(1000), 0, 1000, false, undefined)
    expect(message).toEqual(pattern(1000))
  }
})

test('memory grows with what has come, whatever is announced', () => {
  const KiB = 1024
  const announced = 1024 * KiB * KiB
  const parts = new MessageParts()
  const room = () => parts.bytes.buffer.byteLength
  parts.add(pattern(1), 0, 1, false, announced)
  expect(room()).toBe(64 * KiB)
  parts.add(pattern(64 * KiB), 0, 64 * KiB, false, announced)
  expect(room()).toBe(KiB * KiB)
  parts.add(pattern(1), 0, 1, false, undefined)
  expect(room()).toBe(KiB * KiB)
})

test('what is announced is enough room, and not exceeded', () => {
  const parts = new MessageParts()
  for (let left = 300_000; left > 0; left -= 60_000) parts.add(pattern(60_000), 0, 60_000, false, 300_000)
  expect(parts.bytes.buffer.byteLength).toBe(300_000)
})
