import { beforeEach, describe, expect, test } from 'vitest'
import { Arena } from '../../src/codec/arena.ts'
import { BLOCK_BYTES } from '../../src/codec/layout.ts'
import { Deflater } from '../../src/deflate/deflater.ts'
import { StreamPool } from '../../src/deflate/stream-pool.ts'
import { rawStreams } from '../../src/deflate/zlib.ts'
import type { Message } from '../../src/protocol/message-parts.ts'
import { MessageWriter } from '../../src/protocol/message-writer.ts'
import { Outbox } from '../../src/protocol/outbox.ts'
import { CODECS, SLABS_IN_MEMORY, wire } from '../codec/support.ts'
import { inflated, noise, prose } from '../deflate/support.ts'
import { bytesOf, type ClientFrame, countedKeys, parseFrames } from './support.ts'

const THRESHOLD = 100
/** What is deflated in one step. */
const STEP = 262_144

describe.each(CODECS)('a writer on %s', (_, codec) => {
  let outbox: Outbox

  beforeEach(() => {
    outbox = new Outbox(codec, new Arena(SLABS_IN_MEMORY), countedKeys())
  })

  function plainWriter(): MessageWriter {
    return new MessageWriter(outbox, undefined, 0)
  }

  function deflatingWriter(threshold = THRESHOLD, takeover = true): MessageWriter {
    const direction = { windowBits: 15, takeover }
    return new MessageWriter(outbox, new Deflater(rawStreams()!, new StreamPool(10), direction), threshold)
  }

  function taken(): ClientFrame[] {
    const chunks = outbox.take()
    const frames = parseFrames(bytesOf(chunks))
    outbox.release(chunks)
    return frames
  }

  function expectMessages(messages: readonly Message[], frames: readonly ClientFrame[]): void {
    const content = inflated(frames.map(({ payload }) => payload))
    expect(content.compare(Buffer.concat(messages.map((message) => Buffer.from(message as string))))).toBe(0)
  }

  const LONG = Buffer.from(prose(1000)).toString()

  describe('without compression', () => {
    test.each([true, false])('writes messages as they are, compress %s', (compress) => {
      const writer = plainWriter()
      writer.write(LONG, compress)
      writer.write(wire('00 ff'), compress)
      const frames = taken()
      expect(frames.map(({ firstByte }) => firstByte)).toEqual([0x81, 0x82])
      expect(frames[0]!.payload.toString()).toBe(LONG)
      expect(frames[1]!.payload.toString('hex')).toBe('00ff')
    })

    test('no message is long, and a step is all it takes', () => {
      const writer = plainWriter()
      const message = noise(2 * STEP)
      expect(writer.isLong(message, true)).toBe(false)
      expect([...writer.writeInSteps(message, false, true)]).toEqual([])
      const [frame] = taken()
      expect(frame!.firstByte).toBe(0x82)
      expect(frame!.payload.compare(message)).toBe(0)
    })
  })

  describe('with compression', () => {
    test('writes messages that zlib inflates, text and binary', () => {
      const writer = deflatingWriter()
      const messages = [LONG, prose(500, 2), LONG, `${LONG}ü€😀`]
      for (const message of messages) writer.write(message, true)
      const frames = taken()
      expect(frames.map(({ firstByte }) => firstByte)).toEqual([0xc1, 0xc2, 0xc1, 0xc1])
      expectMessages(messages, frames)
      expect(frames[2]!.payload.length).toBeLessThan(50)
    })

    test('leaves a message as it is when it is told to, and goes on as if it had not been', () => {
      const writer = deflatingWriter()
      writer.write(LONG, true)
      writer.write(`${LONG}!`, false)
      writer.write(LONG, true)
      const [first, asItIs, last] = taken()
      expect(asItIs!.firstByte).toBe(0x81)
      expect(asItIs!.payload.toString()).toBe(`${LONG}!`)
      expectMessages([LONG, LONG], [first!, last!])
    })

    test('compresses from the threshold on, which is in bytes', () => {
      const writer = deflatingWriter()
      const euros = (bytes: number) => '€'.repeat(bytes / 3)
      writer.write('x'.repeat(THRESHOLD - 1), true)
      writer.write('x'.repeat(THRESHOLD), true)
      writer.write(new Uint8Array(THRESHOLD - 1), true)
      writer.write(new Uint8Array(THRESHOLD), true)
      writer.write(euros(99), true)
      writer.write(euros(102), true)
      const frames = taken()
      expect(frames.map(({ firstByte }) => firstByte)).toEqual([0x81, 0xc1, 0x82, 0xc2, 0x81, 0xc1])
      expect(frames[4]!.payload.toString()).toBe(euros(99))
    })

    test('compresses no empty message, even without a threshold', () => {
      const writer = deflatingWriter(0)
      writer.write('', true)
      writer.write(new Uint8Array(0), true)
      writer.write('x', true)
      expect(taken().map(({ firstByte, payload }) => [firstByte, payload.length])).toEqual([
        [0x81, 0],
        [0x82, 0],
        [0xc1, 3],
      ])
    })

    test.each([
      ['fits in a block', 50_000],
      ['may not fit in a block if it does not compress', 60_000],
      ['is as large as a block', BLOCK_BYTES],
      ['is larger than a block', 200_000],
    ])('writes a message that %s', (_, length) => {
      const writer = deflatingWriter()
      const messages = [noise(length), prose(length), new Uint8Array(length)]
      for (const message of messages) writer.write(message, true)
      const frames = taken()
      expect(frames.map(({ firstByte }) => firstByte)).toEqual([0xc2, 0xc2, 0xc2])
      const content = inflated(frames.map(({ payload }) => payload))
      expect(content.compare(Buffer.concat(messages))).toBe(0)
    })

    test('writes messages of every length around those where a header grows', () => {
      const writer = deflatingWriter(0)
      const messages = [110, 126, 65_400, 65_536].flatMap((from) =>
        Array.from({ length: 20 }, (_, i) => noise(from + i, i)),
      )
      for (const message of messages) writer.write(message, true)
      expect(inflated(taken().map(({ payload }) => payload)).compare(Buffer.concat(messages))).toBe(0)
    })
  })

  describe('a long message', () => {
    test('is one that takes more than a moment to compress', () => {
      const writer = deflatingWriter()
      expect(writer.isLong(noise(STEP), true)).toBe(false)
      expect(writer.isLong(noise(STEP + 1), true)).toBe(true)
      expect(writer.isLong(noise(STEP + 1), false)).toBe(false)
      // Text is not encoded to know how long it is: three bytes a unit are the most that it can have.
      expect(writer.isLong('x'.repeat(STEP / 3), true)).toBe(false)
      expect(writer.isLong('x'.repeat(STEP / 3 + 1), true)).toBe(true)
    })

    test.each([
      ['256 KiB', STEP, 1],
      ['a byte more', STEP + 1, 2],
      ['a million bytes', 1_000_000, 4],
    ])('of %s is written in so many steps: %i, %i', (_, length, steps) => {
      const writer = deflatingWriter()
      const message = Buffer.from(prose(length)).toString()
      const writing = writer.writeInSteps(Buffer.from(message), true, true)
      for (let step = 1; step < steps; step++) {
        expect(writing.next().done).toBe(false)
        expect(outbox.isEmpty).toBe(true)
      }
      expect(writing.next().done).toBe(true)
      writer.write(LONG, true)
      const frames = taken()
      expect(frames.map(({ firstByte }) => firstByte)).toEqual([0xc1, 0xc1])
      expectMessages([message, LONG], frames)
    })

    test('that does not compress, or is not to be, is written all the same', () => {
      const writer = deflatingWriter()
      const message = noise(3 * STEP)
      for (const compress of [true, false]) for (const _ of writer.writeInSteps(message, false, compress));
      const [compressed, asItIs] = taken()
      expect([compressed!.firstByte, asItIs!.firstByte]).toEqual([0xc2, 0x82])
      expect(inflated([compressed!.payload]).compare(message)).toBe(0)
      expect(asItIs!.payload.compare(message)).toBe(0)
    })

    test('below the threshold is written as it is', () => {
      const writer = deflatingWriter(10 * STEP)
      expect([...writer.writeInSteps(noise(2 * STEP), false, true)]).toEqual([])
      expect(taken()[0]!.firstByte).toBe(0x82)
    })
  })

  describe('a message in fragments', () => {
    const pieces = ['Hel', '', 'lo'].map((text) => new TextEncoder().encode(text))

    test('begins with its type, goes on, and ends with an empty fragment', () => {
      for (const isText of [true, false]) {
        const fragments = plainWriter().fragments(isText, true)
        for (const piece of pieces) fragments.write(piece)
        fragments.end()
        const frames = taken().map(({ firstByte, payload }) => [firstByte, payload.toString()])
        expect(frames).toEqual([
          [isText ? 1 : 2, 'Hel'],
          [0, 'lo'],
          [0x80, ''],
        ])
      }
    })

    test('of nothing is an empty message', () => {
      const plain = plainWriter().fragments(true, true)
      plain.write(new Uint8Array(0))
      expect(plain.hasBegun).toBe(false)
      plain.end()
      expect(taken().map(({ firstByte, payload }) => [firstByte, payload.length])).toEqual([[0x81, 0]])
      const compressed = deflatingWriter().fragments(false, true)
      compressed.end()
      const [frame] = taken()
      expect(frame!.firstByte).toBe(0xc2)
      expect(inflated([frame!.payload])).toHaveLength(0)
    })

    test('has begun when the first of them is written', () => {
      const fragments = deflatingWriter().fragments(true, true)
      expect(fragments.hasBegun).toBe(false)
      fragments.write(pieces[0]!)
      expect(fragments.hasBegun).toBe(true)
    })

    test('is compressed whatever its size, with the bit on the first, and what is written goes out at once', () => {
      const writer = deflatingWriter()
      writer.write(LONG, true)
      const [before] = taken()
      const fragments = writer.fragments(true, true)
      const seen: ClientFrame[] = []
      let content = LONG
      for (const piece of ['a', LONG, 'ü', LONG.repeat(100)]) {
        fragments.write(Buffer.from(piece))
        seen.push(...taken())
        content += piece
        // A fragment ends between blocks, so that it can be inflated by itself.
        const parts = seen.map(({ payload }) => payload)
        expect(inflated([before!.payload, Buffer.concat(parts)]).toString()).toBe(content)
      }
      fragments.end()
      seen.push(...taken())
      writer.write(LONG, true)
      expect(seen.map(({ firstByte }) => firstByte)).toEqual([0x41, 0, 0, 0, 0x80])
      const message = Buffer.concat(seen.map(({ payload }) => payload))
      const [after] = taken()
      expect(after!.payload.length).toBeLessThan(50)
      expect(inflated([before!.payload, message, after!.payload]).toString()).toBe(content + LONG)
    })

    test('leaves nothing for the next message to refer to, if it may not', () => {
      const writer = deflatingWriter(THRESHOLD, false)
      const fragments = writer.fragments(true, true)
      fragments.write(Buffer.from(LONG))
      fragments.end()
      taken()
      writer.write(LONG, true)
      expectMessages([LONG], taken())
    })

    test('is not compressed when it is not to be', () => {
      const fragments = deflatingWriter().fragments(false, false)
      fragments.write(prose(5000))
      fragments.end()
      expect(taken().map(({ firstByte, payload }) => [firstByte, payload.length])).toEqual([
        [2, 5000],
        [0x80, 0],
      ])
    })

    test('lets control frames between', () => {
      const fragments = plainWriter().fragments(true, true)
      fragments.write(pieces[0]!)
      outbox.push(0x89, pieces[2]!)
      fragments.end()
      expect(taken().map(({ firstByte }) => firstByte)).toEqual([1, 0x89, 0x80])
    })
  })
})
