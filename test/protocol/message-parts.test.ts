import { describe, expect, test } from 'vitest'
import { ASCII } from '../../src/codec/layout.ts'
import { Opcode } from '../../src/codec/opcode.ts'
import { MessageParts } from '../../src/protocol/message-parts.ts'
import { concat, pattern } from '../codec/support.ts'

const BINARY = Opcode.binary
const TEXT = Opcode.text | ASCII

/** What is given to a message: memory in which its pieces lie apart. */
function filled(...pieces: readonly Uint8Array[]): MessageParts {
  const parts = new MessageParts()
  for (const piece of pieces) {
    const memory = concat(Uint8Array.of(0xee), piece, Uint8Array.of(0xee))
    const isAscii = piece.every((byte) => byte < 0x80)
    parts.add(memory, 1, 1 + piece.length, isAscii ? TEXT : Opcode.text, undefined)
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
  parts.add(utf8('abc'), 0, 3, TEXT, undefined)
  expect(parts.take(true)).toBe('abc')
  parts.add(utf8('def'), 0, 3, TEXT, undefined)
  parts.clear()
  expect(parts.bytes).toHaveLength(0)
  expect(parts.take(false)).toEqual(new Uint8Array(0))
  expect(parts.take(true)).toBe('')
})

test('a binary message owns its memory, all of it and no more', () => {
  for (const total of [undefined, 1000, 5000]) {
    const parts = new MessageParts()
    parts.add(pattern(1000), 0, 1000, BINARY, total)
    const message = parts.take(false) as Uint8Array
    expect(Object.getPrototypeOf(message)).toBe(Uint8Array.prototype)
    expect(message.buffer.byteLength).toBe(1000)
    parts.add(new Uint8Array(1000), 0, 1000, BINARY, undefined)
    expect(message).toEqual(pattern(1000))
  }
})

test('memory grows with what has come, whatever is announced', () => {
  const KiB = 1024
  const announced = 1024 * KiB * KiB
  const parts = new MessageParts()
  const room = () => parts.bytes.buffer.byteLength
  parts.add(pattern(1), 0, 1, BINARY, announced)
  expect(room()).toBe(64 * KiB)
  parts.add(pattern(64 * KiB), 0, 64 * KiB, BINARY, announced)
  expect(room()).toBe(KiB * KiB)
  parts.add(pattern(1), 0, 1, BINARY, undefined)
  expect(room()).toBe(KiB * KiB)
})

test('what is announced is enough room, and not exceeded', () => {
  const parts = new MessageParts()
  for (let left = 300_000; left > 0; left -= 60_000) parts.add(pattern(60_000), 0, 60_000, BINARY, 300_000)
  expect(parts.bytes.buffer.byteLength).toBe(300_000)
})

describe('what a text was collected in', () => {
  const KiB = 1024
  const collected = (size: number, flags: number) => {
    const parts = new MessageParts()
    parts.add(pattern(size), 0, size, flags, size)
    return { parts, room: parts.bytes.buffer }
  }

  test('serves the next text that fits into it, of any socket', () => {
    const first = collected(400 * KiB, TEXT)
    first.parts.take(true)
    const second = collected(300 * KiB, TEXT)
    expect(second.room).toBe(first.room)
    expect(collected(300 * KiB, TEXT).room).not.toBe(first.room)
  })

  test('serves nothing else, since binary messages are handed out', () => {
    const text = collected(500 * KiB, TEXT)
    text.parts.take(true)
    const { parts, room } = collected(500 * KiB, BINARY)
    expect(room).not.toBe(text.room)
    expect(parts.take(false)).toEqual(pattern(500 * KiB))
  })

  test('does not come from a binary message either', () => {
    const binary = collected(600 * KiB, BINARY)
    binary.parts.take(false)
    expect(collected(600 * KiB, TEXT).room).not.toBe(binary.room)
  })

  test('is given back to the system above 1 MiB', () => {
    const large = collected(1024 * KiB + 1, TEXT)
    large.parts.take(true)
    expect(collected(10, TEXT).room).not.toBe(large.room)
  })
})
