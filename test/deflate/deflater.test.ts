import { describe, expect, test } from 'vitest'
import { Deflater } from '../../src/deflate/deflater.ts'
import { StreamPool } from '../../src/deflate/stream-pool.ts'
import { concat, randomIntegers } from '../codec/support.ts'
import { inflated, noise, prose, STREAMS, TAIL, WINDOWS } from './support.ts'

function createDeflater(windowBits = 15, takeover = true, pool = new StreamPool(100)): Deflater {
  return new Deflater(STREAMS, pool, { windowBits, takeover })
}

/** A message deflated in one go, in memory that has no more room than has to be there. */
function deflate(deflater: Deflater, message: Uint8Array): Uint8Array {
  const room = deflater.bound(message.length)
  const memory = new Uint8Array(room + 20).fill(0xee)
  const length = deflater.deflateInto(message, memory, 10)
  expect(memory.subarray(0, 10).every((byte) => byte === 0xee)).toBe(true)
  expect(memory.subarray(10 + room).every((byte) => byte === 0xee)).toBe(true)
  expect(memory.subarray(10 + length, 10 + length + 4)).toEqual(TAIL)
  return memory.slice(10, 10 + length)
}

function inPieces(deflater: Deflater, pieces: readonly Uint8Array[]): Uint8Array {
  const parts = pieces.flatMap((piece, i) => deflater.deflate(piece, i === pieces.length - 1))
  return concat(...deflater.end(parts))
}

function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  expect(Buffer.compare(actual, expected)).toBe(0)
}

describe.each(WINDOWS)('with a window of %i bits', (windowBits) => {
  test.each([true, false])('zlib inflates what it has deflated, with takeover %s', (takeover) => {
    const random = randomIntegers(windowBits)
    const deflater = createDeflater(windowBits, takeover)
    const messages: Uint8Array[] = []
    const small: Uint8Array[] = []
    for (let i = 0; i < 40; i++) {
      const length = 1 + [random(20), random(2000), random(60_000)][random(3)]!
      const message = random(3) === 0 ? noise(length, i) : prose(length, i >> 3)
      messages.push(message)
      const half = random(length)
      small.push(
        random(2) === 0
          ? deflate(deflater, message)
          : inPieces(deflater, [message.subarray(0, half), message.subarray(half)]),
      )
    }
    if (takeover) expectSame(inflated(small, windowBits), concat(...messages))
    else for (const [i, message] of messages.entries()) expectSame(inflated([small[i]!], windowBits), message)
  })

  test('there is room for what does not compress, whatever its length', () => {
    const deflater = createDeflater(windowBits)
    const lengths = [1, 2, 7, 8, 9, 63, 64, 65, 500, 511, 512, 513, 1023, 4096, 16_383, 16_384, 32_768, 50_000, 58_000]
    const messages = lengths.map((length) => noise(length, length))
    expectSame(inflated(messages.map((message) => deflate(deflater, message)), windowBits), concat(...messages)) // biome-ignore format: one line
  })

  test('a stream that was given up goes on from the history', () => {
    const pool = new StreamPool(1)
    const deflater = createDeflater(windowBits, true, pool)
    const other = createDeflater(windowBits, true, pool)
    const messages = Array.from({ length: 20 }, (_, i) => prose(i === 3 ? 2 ** windowBits + 1 : 100 + i))
    const small = messages.map((message) => {
      deflate(other, message)
      return deflate(deflater, message)
    })
    expectSame(inflated(small, windowBits), concat(...messages))
    // What is repeated is referred to, though the stream is another.
    expect(small[2]!.length).toBeLessThan(small[0]!.length / 3)
  })
})

describe('a message in pieces', () => {
  test('comes out when it is flushed, and ends as no message may', () => {
    const deflater = createDeflater()
    const [hel, lo] = ['Hel', 'lo'].map((text) => new TextEncoder().encode(text))
    expect(deflater.deflate(hel!, false)).toEqual([])
    const parts = deflater.deflate(lo!, true)
    const bytes = concat(...parts)
    expect(bytes.subarray(-4)).toEqual(TAIL)
    expectSame(inflated([concat(...deflater.end(parts))]), concat(hel!, lo!))
  })

  test.each([
    ['one part', [[1, 2, 0, 0, 255, 255]], [[1, 2]]],
    [
      'one part of its own',
      [
        [1, 2],
        [0, 0, 255, 255],
      ],
      [[1, 2]],
    ],
    [
      'two parts',
      [
        [1, 2, 0],
        [0, 255, 255],
      ],
      [[1, 2]],
    ],
    ['two parts, at the border of the first', [[1], [2, 0, 0], [255, 255]], [[1], [2]]],
    ['three parts', [[1, 2, 0], [0, 255], [255]], [[1, 2]]],
    ['four parts', [[9], [1, 0], [0], [255], [255]], [[9], [1]]],
    [
      'the whole message',
      [
        [0, 0],
        [255, 255],
      ],
      [],
    ],
    ['no part, when it was taken off already', [], []],
  ])('is rid of an end that lies in %s', (_, parts, expected) => {
    const bytes = (list: readonly (readonly number[])[]) => list.map((part) => Uint8Array.from(part))
    expect(createDeflater().end(bytes(parts))).toEqual(bytes(expected))
  })

  test('is the same with an end that is cut at every place of the output', () => {
    // So much that does not compress that its end comes to lie on each side of the 64 KiB that are taken at a time.
    for (let length = 65_500; length < 65_540; length++) {
      const message = noise(length)
      expectSame(inflated([inPieces(createDeflater(), [message])]), message)
    }
  })

  test('may be long', () => {
    for (const message of [prose(1_000_000), noise(1_000_000), new Uint8Array(5_000_000)]) {
      const pieces = Array.from({ length: 10 }, (_, i) => {
        const size = message.length / 10
        return message.subarray(i * size, (i + 1) * size)
      })
      expectSame(inflated([inPieces(createDeflater(), pieces)]), message)
    }
  })
})

test('nobody is in the way of another who deflates at the same time', () => {
  const pool = new StreamPool(1)
  const [one, two] = [createDeflater(15, true, pool), createDeflater(15, true, pool)]
  const message = prose(2000)
  const parts = one.deflate(message.subarray(0, 1000), false)
  const whole = deflate(two, message)
  expectSame(inflated([concat(...one.end([...parts, ...one.deflate(message.subarray(1000), true)]))]), message)
  expectSame(inflated([whole]), message)
})
