import { expect, test } from 'vitest'
import { ReceivedParts } from '../../src/driver/received-parts.ts'
import { noise } from '../deflate/support.ts'

const JOINED = 16384

function takeAll(parts: ReceivedParts): Uint8Array[] {
  const taken: Uint8Array[] = []
  for (let part = parts.take(); part !== undefined; part = parts.take()) taken.push(part)
  return taken
}

test('parts of any size come out as the bytes that went in, in memory of their own', () => {
  const parts = new ReceivedParts()
  const source = noise(100_000)
  const taken: Uint8Array[] = []
  const lengths = [0, 1, 1, 5, 0, 1000, 3, JOINED - 1010, 1, 1, JOINED, JOINED + 1, 1, 40_000, 7]
  let at = 0
  for (const [index, length] of lengths.entries()) {
    parts.add(source.subarray(at, at + length))
    at += length
    if (index % 4 === 3) taken.push(parts.take()!)
  }
  taken.push(...takeAll(parts))
  expect(Buffer.concat(taken).compare(source.subarray(0, at))).toBe(0)
  for (const part of taken) expect(part.buffer.byteLength).toBe(part.length)
  expect(parts).toMatchObject({ size: 0, isEmpty: true })
})

test('many tiny parts are one, up to a limit', () => {
  const parts = new ReceivedParts()
  for (let i = 0; i < JOINED + 1; i++) parts.add(Uint8Array.of(i))
  expect(parts.size).toBe(JOINED + 1)
  expect(takeAll(parts).map(({ length }) => length)).toEqual([JOINED, 1])
})

test('what is put back comes first, and what follows is not mixed with it', () => {
  const parts = new ReceivedParts()
  parts.add(Uint8Array.of(1, 2, 3))
  const first = parts.take()!
  parts.add(Uint8Array.of(4))
  parts.putBack(first.subarray(1))
  expect(parts.size).toBe(3)
  expect(takeAll(parts).flatMap((part) => [...part])).toEqual([2, 3, 4])
  parts.putBack(first.subarray(2))
  parts.add(Uint8Array.of(5))
  expect(takeAll(parts).flatMap((part) => [...part])).toEqual([3, 5])
  expect(first).toEqual(Uint8Array.of(1, 2, 3))
})

test('clearing it leaves nothing', () => {
  const parts = new ReceivedParts()
  parts.add(Uint8Array.of(1))
  parts.clear()
  parts.add(Uint8Array.of(2))
  expect(takeAll(parts)).toEqual([Uint8Array.of(2)])
})
