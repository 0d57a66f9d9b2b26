import { describe, expect, test } from 'vitest'
import { Inflater } from '../../src/deflate/inflater.ts'
import { StreamPool } from '../../src/deflate/stream-pool.ts'
import { concat, oneByOne, randomIntegers } from '../codec/support.ts'
import { compressed, lastBlock, noise, prose, STREAMS, stored, TAIL, WINDOWS } from './support.ts'

function createInflater(windowBits = 15, takeover = true, pool = new StreamPool(100)): Inflater {
  return new Inflater(STREAMS, pool, { windowBits, takeover })
}

/** A message that came in pieces, with so much room at a time; undefined if it is corrupt or not complete. */
function inflate(inflater: Inflater, pieces: readonly Uint8Array[], room = 1000): Uint8Array | undefined {
  const output = new Uint8Array(room)
  const parts: Uint8Array[] = []
  for (const piece of pieces) {
    let at = 0
    do {
      if (!inflater.inflate(piece, at, piece.length - at, output, 0, room)) return undefined
      at += inflater.consumed
      parts.push(output.slice(0, inflater.produced))
    } while (at < piece.length || inflater.produced === room)
  }
  return inflater.finish(output, 0, room) ? concat(...parts) : undefined
}

function expectSame(actual: Uint8Array | undefined, expected: Uint8Array): void {
  if (actual === undefined) throw new Error('It was not inflated')
  expect(Buffer.compare(actual, expected)).toBe(0)
}

/** Cuts bytes in pieces of random lengths, empty ones among them. */
function cut(bytes: Uint8Array, random: (bound: number) => number): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const to = at + random(random(2) === 0 ? 4 : 300)
    pieces.push(bytes.subarray(at, to))
    at = to
  }
  return pieces
}

// RFC 7692 §7.2.3: what each example there is the message of.
test.each([
  ['one block', 'f2 48 cd c9 c9 07 00', 'Hello'],
  ['a block that is not compressed', '00 05 00 fa ff 48 65 6c 6c 6f 00', 'Hello'],
  ['a block that says that it is the last', 'f3 48 cd c9 c9 07 00 00', 'Hello'],
  ['two blocks', 'f2 48 05 00 00 00 ff ff ca c9 c9 07 00', 'Hello'],
  ['an empty message', '00', ''],
  ['an empty message with a last block', '03 00 00', ''],
])('inflates the example of %s', (_, digits, text) => {
  const bytes = new Uint8Array(Buffer.from(digits.replaceAll(' ', ''), 'hex'))
  for (const pieces of [[bytes], oneByOne(bytes), [new Uint8Array(0), bytes, new Uint8Array(0)]]) {
    for (const room of [1, 2, 5, 6, 1000]) {
      expect(Buffer.from(inflate(createInflater(), pieces, room)!).toString()).toBe(text)
    }
  }
})

test('inflates the example of a message that refers to the one before', () => {
  const inflater = createInflater()
  const [first, second] = ['f248cdc9c90700', 'f200110000'].map((digits) => new Uint8Array(Buffer.from(digits, 'hex')))
  for (const bytes of [first!, second!]) {
    expect(Buffer.from(inflate(inflater, oneByOne(bytes))!).toString()).toBe('Hello')
  }
  // Without context takeover there is nothing to refer to.
  const forgetful = createInflater(15, false)
  expect(inflate(forgetful, [first!])).toHaveLength(5)
  expect(inflate(forgetful, [second!])).toBeUndefined()
})

describe.each(WINDOWS)('with a window of %i bits', (windowBits) => {
  test.each([true, false])('messages come back, however they are cut, with takeover %s', (takeover) => {
    const random = randomIntegers(windowBits)
    const inflater = createInflater(windowBits, takeover)
    let before = new Uint8Array(0)
    for (let i = 0; i < 40; i++) {
      const length = [random(20), random(2000), random(100_000)][random(3)]!
      const message = random(4) === 0 ? noise(length, i) : prose(length, i >> 3)
      const bytes = compressed(message, { windowBits, ...(takeover && { before }) })
      expectSame(
        inflate(inflater, cut(bytes, random), [1, 64, 500, 65_536][random(length > 5000 ? 3 : 4) || 1]!),
        message,
      )
      before = concat(before, message).slice(-65_536)
    }
  })

  test('a stream that was given up goes on from the history', () => {
    const pool = new StreamPool(1)
    const inflater = createInflater(windowBits, true, pool)
    const other = createInflater(windowBits, true, pool)
    let before = new Uint8Array(0)
    for (let i = 0; i < 20; i++) {
      const message = prose(i === 3 ? 2 ** windowBits : 300 + 100 * i)
      expectSame(inflate(inflater, [compressed(message, { windowBits, before })]), message)
      before = concat(before, message)
      expectSame(inflate(other, [stored(message.subarray(0, 10)), Uint8Array.of(0)]), message.subarray(0, 10))
    }
  })
})

describe('output that fills its room', () => {
  test('exactly at the end of the message is all there is', () => {
    const message = prose(4000)
    expectSame(inflate(createInflater(), [compressed(message)], 4000), message)
    expectSame(inflate(createInflater(), [compressed(message)], 1000), message)
    expectSame(inflate(createInflater(), oneByOne(compressed(message)), 4000), message)
  })

  test('before the end leaves the rest, of which no input is left to show', () => {
    // 258 bytes in a code of a few bits.
    const message = new Uint8Array(258 * 200).fill(7)
    const inflater = createInflater()
    const bytes = compressed(message)
    const output = new Uint8Array(message.length)
    let produced = 0
    let at = 0
    let without = 0
    for (; produced < message.length; produced += inflater.produced) {
      expect(inflater.inflate(bytes, at, bytes.length - at, output, produced, 100)).toBe(true)
      at += inflater.consumed
      if (inflater.consumed === 0) without++
    }
    expect(without).toBeGreaterThan(100)
    expect(inflater.finish(output, 0, 1)).toBe(true)
    expectSame(output, message)
  })
})

describe('a block that says that it is the last', () => {
  const [one, two] = [prose(3000, 1), prose(3000, 1).subarray(500, 2500)]
  /** The second part refers to the first one. */
  const [first, second] = [lastBlock(one), compressed(two, { before: one })]
  const both = concat(one, two)

  test('is followed by the rest of the message', () => {
    const bytes = concat(first, second)
    expect(second.length).toBeLessThan(100)
    for (const pieces of [[bytes], [first, second], oneByOne(bytes), [first, new Uint8Array(0), second]]) {
      for (const room of [100, 1500, 3000, 5000, 10_000]) expectSame(inflate(createInflater(), pieces, room), both)
    }
  })

  test.each([true, false])('is followed by the next message, with takeover %s', (takeover) => {
    const inflater = createInflater(15, takeover)
    expectSame(inflate(inflater, [first, Uint8Array.of(0)]), one)
    expectSame(inflate(inflater, [takeover ? second : compressed(two)]), two)
    expectSame(inflate(inflater, [compressed(two)]), two)
  })

  test('is no end of the message: that is an empty block, less its last four bytes', () => {
    for (const pieces of [[first], oneByOne(first)]) expect(inflate(createInflater(), pieces)).toBeUndefined()
    expectSame(inflate(createInflater(), [first, Uint8Array.of(0)]), one)
    expectSame(inflate(createInflater(), oneByOne(concat(first, Uint8Array.of(0)))), one)
  })

  test('may come again and again', () => {
    const parts = Array.from({ length: 50 }, (_, i) => prose(20 + i, i))
    const bytes = concat(...parts.map((part) => lastBlock(part)), Uint8Array.of(0))
    expectSame(inflate(createInflater(), [bytes]), concat(...parts))
    expectSame(inflate(createInflater(), oneByOne(bytes), 10), concat(...parts))
  })
})

describe('refuses', () => {
  const message = prose(300)
  const kinds: readonly (readonly [string, Uint8Array])[] = [
    ['dynamic codes', compressed(message)],
    ['fixed codes', compressed('Hello, hello')],
    ['stored bytes', concat(stored(message), Uint8Array.of(0))],
    ['a last block and more', concat(lastBlock(message.subarray(0, 100)), compressed(message.subarray(100)))],
  ]

  test.each(kinds)('a message of %s that is cut off, at every byte', (_, bytes) => {
    for (let length = 0; length < bytes.length; length++) {
      const cutOff = bytes.subarray(0, length)
      // That alone is an empty message.
      if (length === 1 && cutOff[0] === 0) continue
      for (const pieces of [[cutOff], oneByOne(cutOff)]) {
        if (inflate(createInflater(), pieces) !== undefined) throw new Error(`${length} bytes passed for the whole`)
      }
    }
    expect(inflate(createInflater(), [bytes])).toBeDefined()
  })

  test.each(kinds)(
    'or else reads something, when a bit of %s is wrong, and always the same in every cut',
    (_, bytes) => {
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const wrong = bytes.slice()
        wrong[bit >> 3]! ^= 1 << (bit & 7)
        const whole = inflate(createInflater(), [wrong])
        const single = inflate(createInflater(), oneByOne(wrong), 64)
        if (Buffer.compare(whole ?? Buffer.of(1), single ?? Buffer.of(1)) !== 0)
          throw new Error(`They differ at ${bit}`)
      }
    },
  )

  test.each([
    ['a reserved kind of block', '07'],
    ['a stored block whose lengths do not fit', '00 05 00 05 00'],
    ['too many codes', 'fd ff'],
    ['a reference to what was never there', '4b 04 12 00'],
    ['nothing at all', ''],
    ['the end that it should go without', '00 00 00 ff'],
  ])('%s', (_, digits) => {
    const bytes = new Uint8Array(Buffer.from(digits.replaceAll(' ', ''), 'hex'))
    for (const pieces of [[bytes], oneByOne(bytes)]) expect(inflate(createInflater(), pieces)).toBeUndefined()
  })

  test('what comes behind the end of a message that has its last four bytes still, but not those bytes', () => {
    const bytes = concat(compressed(message), TAIL, Uint8Array.of(0))
    expectSame(inflate(createInflater(), [bytes]), message)
  })
})

test('what it takes for failed data and gives for them is nothing', () => {
  const inflater = createInflater()
  const output = new Uint8Array(10)
  expect(inflater.inflate(stored(Uint8Array.of(1, 2, 3)), 0, 8, output, 0, 10)).toBe(true)
  expect(inflater.inflate(Uint8Array.of(7), 0, 1, output, 3, 7)).toBe(false)
  expect(inflater).toMatchObject({ consumed: 0, produced: 0 })
  inflater.close()
})
