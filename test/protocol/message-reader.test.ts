import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Codec } from '../../src/codec/codec.ts'
import { SLABS } from '../../src/codec/layout.ts'
import { MessageTooBigError, ProtocolError } from '../../src/errors.ts'
import { MessageReader, protocolError } from '../../src/protocol/message-reader.ts'
import { CODECS, concat, oneByOne, pattern, serverFrame, serverHeader, wire } from '../codec/support.ts'
import { LIMITS, type ReaderEvent, RecordingSink, readChunks, readFourWays } from './support.ts'

const MiB = 1024 * 1024

const READ: readonly (readonly [what: string, bytes: string, events: readonly ReaderEvent[]])[] = [
  ['a text', "81 05 'Hello'", ['Hello']],
  ['an empty text', '81 00', ['']],
  ['text beyond ASCII', "81 0a c3bc e282ac f09f9880 'a'", ['ü€\u{1f600}a']],
  ['a text with a byte order mark', "81 04 efbbbf 'a'", ['\ufeffa']],
  ['text with a replacement character in it', '81 03 efbfbd', ['\ufffd']],
  ['a binary message', '82 03 00 80 ff', [wire('00 80 ff')]],
  ['an empty binary message', '82 00', [new Uint8Array(0)]],
  ['several messages', "81 01 'a' 82 01 'b' 81 01 'c'", ['a', wire("'b'"), 'c']],
  ['a text in fragments', "01 03 'Hel' 00 00 80 02 'lo'", ['Hello']],
  ['a text whose fragments cut a character', "01 02 'a' e2 00 01 82 80 02 ac 'b'", ['a€b']],
  ['a binary message in fragments', '02 01 c3 00 01 80 80 01 ff', [wire('c3 80 ff')]],
  ['an empty text in fragments', '01 00 80 00', ['']],
  ['an empty binary message in fragments', '02 00 00 00 80 00', [new Uint8Array(0)]],
  ['a fragmented message with byte order marks', "01 03 efbbbf 80 04 efbbbf 'a'", ['\ufeff\ufeffa']],
  ['ASCII after a fragmented text beyond it', "01 01 c3 80 01 bc 01 01 'a' 80 01 'b'", ['ü', 'ab']],
  [
    'control frames',
    "89 00 8a 02 'ho'",
    [
      [9, new Uint8Array(0)],
      [10, wire("'ho'")],
    ],
  ],
  [
    'control frames between fragments',
    "01 01 'a' 89 01 ff 00 01 'b' 8a 00 80 01 'c'",
    [[9, wire('ff')], [10, new Uint8Array(0)], 'abc'],
  ],
  ['a Close frame, and nothing after it', "81 01 'a' 88 02 03e8 81 01 'b' 89 00", ['a', [8, wire('03e8')]]],
  ['a Close frame, and no rule broken after it', '88 00 ff ff ff ff', [[8, new Uint8Array(0)]]],
  ['a Close frame in the middle of a message', "01 01 'a' 88 00 80 01 'b'", [[8, new Uint8Array(0)]]],
]

const REFUSED: readonly (readonly [violation: string, closeCode: number, bytes: string])[] = [
  ['reserved-bits', 1002, 'c1 00'],
  ['reserved-opcode', 1002, '83 00'],
  ['fragmented-control', 1002, '09 00'],
  ['long-control', 1002, '89 7e 007e'],
  ['unexpected-continuation', 1002, '80 00'],
  ['expected-continuation', 1002, '01 00 81 00'],
  ['masked', 1002, '81 80 00000000'],
  ['length-not-minimal', 1002, '81 7e 0001'],
  ['length-too-large', 1002, '82 7f ffffffffffffffff'],
  ['invalid-utf8', 1007, '81 01 ff'],
  ['short-close', 1002, '88 01 03'],
]

function tooBig(limit: number) {
  return expect.objectContaining({ name: 'MessageTooBigError', code: 'MESSAGE_TOO_BIG', limit })
}

/** A message in as many fragments as it has parts. */
function fragments(opcode: number, parts: readonly Uint8Array[]): Uint8Array {
  return concat(
    ...parts.map((part, i) => serverFrame((i === 0 ? opcode : 0) | (i === parts.length - 1 ? 0x80 : 0), part)),
  )
}

afterEach(() => {
  vi.unstubAllGlobals()
})

describe.each(CODECS)('a reader on %s', (_, codec) => {
  test.each(READ)('reads %s', (_, bytes, events) => {
    expect(readFourWays(codec, wire(bytes)).events).toEqual(events)
  })

  test.each(REFUSED)('refuses %s', (violation, closeCode, bytes) => {
    const { events, failure } = readFourWays(codec, wire(`81 02 'hi' ${bytes}`))
    expect(events).toEqual(['hi'])
    expect(failure).toBeInstanceOf(ProtocolError)
    expect(failure).toMatchObject({ code: 'PROTOCOL_VIOLATION', violation, closeCode })
  })

  describe('gives binary messages', () => {
    test.each([
      ['whole', serverFrame(0x82, pattern(1000))],
      ['in fragments', fragments(2, [pattern(1000).subarray(0, 400), pattern(1000).subarray(400)])],
      ['in a frame larger than a block', serverFrame(0x82, pattern(200_003))],
      ['in fragments larger than a block', fragments(2, [pattern(70_000), pattern(70_001)])],
    ])('that own their memory, and no more than they need, when they come %s', (_, bytes) => {
      const [message] = readChunks(codec, [bytes]).events
      if (!(message instanceof Uint8Array)) throw new Error('Not a binary message')
      expect(Object.getPrototypeOf(message)).toBe(Uint8Array.prototype)
      expect(message.byteOffset).toBe(0)
      expect(message.buffer.byteLength).toBe(message.length)
    })

    test('that stay as they are when more comes', () => {
      const sink = new RecordingSink()
      const reader = new MessageReader(codec, LIMITS, sink)
      const parts = [pattern(1000).subarray(0, 500), pattern(1000).subarray(500)]
      for (const bytes of [serverFrame(0x82, pattern(1000)), fragments(2, parts)]) reader.push(bytes)
      for (let i = 0; i < 3; i++) reader.push(fragments(2, [new Uint8Array(70_000).fill(0xee), new Uint8Array(9)]))
      codec.memory.fill(0xee, 0x10000, SLABS)
      expect(sink.events.slice(0, 2)).toEqual([pattern(1000), pattern(1000)])
    })

    test('that may be transferred, even if they are empty', () => {
      const bytes = wire('02 00 80 00')
      for (let i = 0; i < 2; i++) {
        const [message] = readChunks(codec, [bytes]).events
        if (!(message instanceof Uint8Array)) throw new Error('Not a binary message')
        structuredClone(message, { transfer: [message.buffer as ArrayBuffer] })
      }
    })
  })

  test('the largest control frame may come in pieces', () => {
    const payload = pattern(125)
    const { events, failure } = readFourWays(codec, serverFrame(0x89, payload))
    expect(failure).toBeUndefined()
    expect(events).toEqual([[9, payload]])
  })

  test('control payloads stay as they are when more control frames come', () => {
    const { events } = readChunks(codec, [wire("89 02 'ab' 89 01 'c' 8a 02 'de'")])
    expect(events).toEqual([
      [9, wire("'ab'")],
      [9, wire("'c'")],
      [10, wire("'de'")],
    ])
  })

  test.each([65_535, 65_536, 65_537, 200_000, 3 * MiB])('reads a buffer with a message of %i bytes', (length) => {
    const text = 'é'.repeat(length / 2)
    const bytes = concat(serverFrame(0x82, pattern(length)), serverFrame(0x81, Buffer.from(text)), wire("81 02 'hi'"))
    const { events, failure } = readChunks(codec, [bytes])
    expect(failure).toBeUndefined()
    expect(events).toHaveLength(3)
    expect(Buffer.compare(events[0] as Uint8Array, pattern(length))).toBe(0)
    expect(events[1] === text).toBe(true)
    expect(events[2]).toBe('hi')
  })

  test('reads a buffer with more frames than the table has rows', () => {
    const one = wire("81 03 'abc'")
    const { events } = readChunks(codec, [concat(...new Array<Uint8Array>(50_000).fill(one))])
    expect(events).toHaveLength(50_000)
    expect(events.every((event) => event === 'abc')).toBe(true)
  })

  test('reads a view into the middle of a buffer', () => {
    const buffer = concat(wire('ff ff'), wire("81 02 'hi'"), wire('ff'))
    expect(readChunks(codec, [buffer.subarray(2, 6)]).events).toEqual(['hi'])
  })

  test('takes empty chunks', () => {
    expect(readChunks(codec, [new Uint8Array(0), wire('81 01'), new Uint8Array(0), wire("'a'")]).events).toEqual(['a'])
  })

  test('keeps the messages of several connections apart', () => {
    const streams = ["01 01 'a' 80 01 'b'", '02 02 0102 80 01 03', "81 06 'abcdef'"].map((bytes) =>
      oneByOne(wire(bytes)),
    )
    const sinks = streams.map(() => new RecordingSink())
    const readers = sinks.map((sink) => new MessageReader(codec, LIMITS, sink))
    for (let i = 0; i < 8; i++)
      for (const [which, reader] of readers.entries()) reader.push(streams[which]![i] ?? new Uint8Array(0))
    expect(sinks.map(({ events }) => events)).toEqual([['ab'], [wire('010203')], ['abcdef']])
  })

  describe('limits', () => {
    test('the size of a message, at the header and before any payload', () => {
      const limits = { ...LIMITS, maxMessageSize: 1000 }
      expect(readChunks(codec, [serverHeader(0x82, 1000)], limits).failure).toBeUndefined()
      const { failure } = readFourWays(codec, serverHeader(0x82, 1001), limits)
      expect(failure).toBeInstanceOf(MessageTooBigError)
      expect(failure).toEqual(tooBig(1000))
    })

    test.each([2n ** 31n, 2n ** 32n, 2n ** 32n + 1n, 2n ** 53n, 2n ** 63n - 1n])(
      'the size of a message that announces %i bytes',
      (size) => {
        const { failure } = readFourWays(codec, serverHeader(0x82, size), { maxMessageSize: 2 ** 31 - 1 })
        expect(failure).toEqual(tooBig(2 ** 31 - 1))
      },
    )

    test('the size of a message over all its fragments', () => {
      const limits = { maxMessageSize: 10 }
      const fits = fragments(2, [pattern(4), pattern(4), pattern(2)])
      expect(readFourWays(codec, concat(fits, fits), limits).events).toHaveLength(2)
      const parts = concat(serverFrame(0x02, pattern(4)), serverFrame(0x00, pattern(4)), serverHeader(0x00, 3))
      expect(readFourWays(codec, parts, limits)).toMatchObject({ events: [], failure: tooBig(10) })
    })

    test('the size of a text in bytes, not in characters', () => {
      expect(readFourWays(codec, wire('81 04 c3bc c3bc'), { maxMessageSize: 4 }).events).toEqual(['üü'])
      expect(readFourWays(codec, wire('81 04 c3bc c3bc'), { maxMessageSize: 3 }).failure).toEqual(tooBig(3))
    })

    test('messages only: control frames are small enough', () => {
      const { events, failure } = readFourWays(codec, wire("01 02 'ab' 89 03 'abc' 80 00"), { maxMessageSize: 2 })
      expect(failure).toBeUndefined()
      expect(events).toEqual([[9, wire("'abc'")], 'ab'])
    })

    test('nothing when a message of no bytes is the most', () => {
      expect(readFourWays(codec, wire('81 00 82 00'), { maxMessageSize: 0 }).events).toEqual(['', new Uint8Array(0)])
      expect(readFourWays(codec, wire("81 01 'a'"), { maxMessageSize: 0 }).failure).toEqual(tooBig(0))
    })

    test('the fragments of a message', () => {
      const limits = { maxFragments: 3 }
      const three = wire("01 00 89 00 00 00 80 01 'a'")
      expect(readFourWays(codec, concat(three, three), limits).events).toHaveLength(4)
      expect(readFourWays(codec, wire("01 00 00 00 00 00 00 00 80 01 'a'"), limits).failure).toEqual(tooBig(3))
      expect(
        readFourWays(codec, wire("81 01 'a' 81 01 'b' 81 01 'c' 81 01 'd'"), { maxFragments: 1 }).events,
      ).toHaveLength(4)
      expect(readFourWays(codec, wire("81 01 'a' 01 01 'b' 80 00"), { maxFragments: 1 })).toMatchObject({
        events: ['a'],
        failure: tooBig(1),
      })
    })

    test('after it has handed out the messages before', () => {
      const { events, failure } = readFourWays(codec, wire("81 01 'a' 81 03 'abc'"), { maxMessageSize: 2 })
      expect(events).toEqual(['a'])
      expect(failure).toEqual(tooBig(2))
    })
  })

  describe('holds an unfinished message', () => {
    test('and says how much of it', () => {
      const sink = new RecordingSink()
      const reader = new MessageReader(codec, LIMITS, sink)
      const pending = ["01 05 'ab'", "'cde'", '89 01 ff', '80 7e 1000', "'f'"].map((bytes) => {
        reader.push(wire(bytes))
        return reader.pending
      })
      expect(pending).toEqual([2, 5, 5, 5, 6])
      reader.push(pattern(4095).fill(0x61))
      expect(reader.pending).toBe(0)
      expect(sink.events.at(-1)).toHaveLength(5 + 4096)
    })

    test('until it is cleared, and reads nothing after that', () => {
      const sink = new RecordingSink()
      const reader = new MessageReader(codec, LIMITS, sink)
      reader.push(wire("01 05 'ab'"))
      reader.clear()
      expect(reader.pending).toBe(0)
      expect(reader.push(wire("'cde' 80 00 81 01 'a' ff"))).toBeUndefined()
      expect(sink.events).toEqual([])
      expect(reader.pending).toBe(0)
    })

    test('of 100,000 fragments in memory that grows in few steps', () => {
      const part = serverFrame(0x00, pattern(16))
      const bytes = concat(
        serverFrame(0x02, pattern(16)),
        ...new Array<Uint8Array>(99_998).fill(part),
        serverFrame(0x80, pattern(16)),
      )
      const { allocations, events } = readCounting(codec, [bytes])
      expect(events[0]).toHaveLength(1_600_000)
      expect(allocations.length).toBeLessThan(10)
      expect(sum(allocations)).toBeLessThan(4 * 1_600_000)
    })

    test('in memory for what has come, whatever is announced', () => {
      const { allocations } = readCounting(codec, [concat(serverHeader(0x82, 60 * MiB), pattern(10))])
      expect(sum(allocations)).toBeLessThanOrEqual(65_536)
      const unfinished = readCounting(codec, [concat(serverHeader(0x02, 60 * MiB), pattern(300_000))])
      expect(sum(unfinished.allocations)).toBeLessThanOrEqual(4 * 300_000)
    })

    test('in memory of exactly its size when that is known from the start and small', () => {
      const bytes = serverFrame(0x82, pattern(1000))
      const { allocations } = readCounting(codec, [bytes.subarray(0, 100), bytes.subarray(100)])
      expect(allocations).toEqual([1000])
    })
  })

  test('reads nothing after a Close frame, in the same chunk or later', () => {
    const sink = new RecordingSink()
    const reader = new MessageReader(codec, LIMITS, sink)
    expect(reader.push(wire("88 00 81 01 'a' ff ff"))).toBeUndefined()
    expect(reader.push(wire("81 01 'b'"))).toBeUndefined()
    expect(reader.push(new Uint8Array(100_000).fill(0xff))).toBeUndefined()
    expect(sink.events).toEqual([[8, new Uint8Array(0)]])
  })

  test('tells the sink nothing more once it is cleared by it', () => {
    const messages: unknown[] = []
    const reader = new MessageReader(codec, LIMITS, {
      onMessage(message) {
        messages.push(message)
        reader.clear()
      },
      onControl: (opcode) => messages.push(opcode),
      isFull: false,
      isAwaited: true,
      takeStream: () => undefined,
    })
    expect(reader.push(wire("81 01 'a' 81 01 'b' 89 00 01 01 'c' ff"))).toBeUndefined()
    expect(messages).toEqual(['a'])
    expect(reader.pending).toBe(0)
  })
})

/** Reads, and notes the sizes of the buffers that were made. */
function readCounting(codec: Codec, chunks: Iterable<Uint8Array>) {
  const allocations: number[] = []
  const counting = new Proxy(ArrayBuffer, {
    construct(target, [length]: [number]) {
      allocations.push(length)
      return new target(length)
    },
  })
  vi.stubGlobal('ArrayBuffer', counting)
  const { events } = readChunks(codec, chunks)
  vi.unstubAllGlobals()
  return { allocations, events }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

test('the error for a broken rule has its name, its Close code and its words', () => {
  const error = protocolError(13)
  expect(error).toBeInstanceOf(ProtocolError)
  expect(error).toMatchObject({
    violation: 'invalid-close-reason',
    closeCode: 1007,
    closeStatus: 1006,
    wasClean: false,
  })
  expect(error.message).toContain('§5.5.1')
})
