import { describe, expect, test } from 'vitest'
import { MessageTooBigError, ProtocolError } from '../../src/errors.ts'
import { type MessageInflater, MessageReader } from '../../src/protocol/message-reader.ts'
import { CODECS, concat, oneByOne, pattern, serverFrame, wire } from '../codec/support.ts'
import { compressed, lastBlock, noise, prose, stored, TAIL } from '../deflate/support.ts'
import { createInflater, LIMITS, type Reading, RecordingSink, readChunks, readFourWays } from './support.ts'

const MiB = 1024 * 1024
const TEXT = 0xc1
const BINARY = 0xc2

const LONG = Buffer.from(prose(3000)).toString()

/** A compressed message in frames that are cut at these places. */
function fragments(firstByte: number, bytes: Uint8Array, cuts: readonly number[]): Uint8Array {
  const ends = [...cuts, bytes.length]
  const frames = ends.map((end, i) => {
    const opcode = i === 0 ? firstByte & 0x7f : 0
    return serverFrame(opcode | (i === cuts.length ? 0x80 : 0), bytes.subarray(ends[i - 1] ?? 0, end))
  })
  return concat(...frames)
}

/** Counts what is inflated. */
class CountingInflater implements MessageInflater {
  total = 0
  readonly #inflater = createInflater()

  get consumed(): number {
    return this.#inflater.consumed
  }

  get produced(): number {
    return this.#inflater.produced
  }

  inflate(...parameters: Parameters<MessageInflater['inflate']>): boolean {
    const isGood = this.#inflater.inflate(...parameters)
    this.total += this.#inflater.produced
    return isGood
  }

  finish(...parameters: Parameters<MessageInflater['finish']>): boolean {
    return this.#inflater.finish(...parameters)
  }
}

describe.each(CODECS)('a reader on %s, with compression,', (_, codec) => {
  function read(bytes: Uint8Array, limits = {}): Reading {
    return readFourWays(codec, bytes, limits, createInflater)
  }

  test.each<[string, string | Uint8Array]>([
    ['text', 'Hello'],
    ['long text', LONG],
    ['text beyond ASCII, with a byte order mark', '\ufeffü€\u{1f600}'.repeat(100)],
    ['an empty text', ''],
    ['a binary message', pattern(3000)],
    ['an empty binary message', new Uint8Array(0)],
  ])('reads %s, whole and in fragments that are cut anywhere', (_, message) => {
    const firstByte = typeof message === 'string' ? TEXT : BINARY
    const bytes = message.length === 0 ? Uint8Array.of(0) : compressed(message)
    expect(read(serverFrame(firstByte, bytes)).events).toEqual([message])
    for (let cut = 0; cut <= bytes.length; cut += 1 + (bytes.length >> 6)) {
      expect(read(fragments(firstByte, bytes, [cut])).events).toEqual([message])
    }
    const third = Math.floor(bytes.length / 3)
    expect(read(fragments(firstByte, bytes, [0, third, third, 2 * third])).events).toEqual([message])
  })

  test('reads messages that refer to those before, with others and control frames among them', () => {
    const bytes = concat(
      serverFrame(TEXT, compressed(LONG)),
      wire("81 05 'as is' 89 01 'p'"),
      wire("41 02 f248 89 01 'q' 00 03 cdc9c9 80 02 0700"),
      serverFrame(BINARY, compressed(Buffer.from(LONG), { before: Buffer.from(`${LONG}Hello`) })),
      wire("02 01 'a' 80 01 'b'"),
    )
    expect(read(bytes).events).toEqual([
      LONG,
      'as is',
      [9, wire("'p'")],
      [9, wire("'q'")],
      'Hello',
      new Uint8Array(Buffer.from(LONG)),
      wire("'ab'"),
    ])
  })

  test('reads a stream of messages however it is cut in two', () => {
    const bytes = concat(
      fragments(TEXT, compressed('ü€😀 and so on'), [1, 5]),
      serverFrame(BINARY, lastBlock('the last').slice()),
      wire('81 00'),
    )
    // The last block lacks what has to follow it.
    const good = concat(
      fragments(TEXT, compressed('ü€😀 and so on'), [1, 5]),
      fragments(BINARY, concat(lastBlock('the last'), compressed(' is not the end')), [4]),
      wire("81 02 'ab'"),
    )
    for (let cut = 0; cut <= good.length; cut++) {
      const { events, failure } = readChunks(
        codec,
        [good.subarray(0, cut), good.subarray(cut)],
        LIMITS,
        createInflater(),
      )
      expect(failure).toBeUndefined()
      expect(events).toEqual(['ü€😀 and so on', new Uint8Array(Buffer.from('the last is not the end')), 'ab'])
    }
    expect(read(bytes)).toMatchObject({ events: ['ü€😀 and so on'], failure: { violation: 'invalid-deflate' } })
  })

  test.each([
    ['compresses well', new Uint8Array(5 * MiB)],
    ['compresses as usual', prose(3 * MiB)],
    ['does not compress', noise(2 * MiB)],
  ])('reads a long message that %s', (_, message) => {
    const bytes = serverFrame(BINARY, compressed(message))
    const chunks = Array.from({ length: Math.ceil(bytes.length / 16_000) }, (_, i) =>
      bytes.subarray(i * 16_000, (i + 1) * 16_000),
    )
    for (const each of [[bytes], chunks]) {
      const { events, failure } = readChunks(codec, each, LIMITS, createInflater())
      expect(failure).toBeUndefined()
      expect(events).toHaveLength(1)
      expect(Buffer.compare(events[0] as Uint8Array, message)).toBe(0)
    }
  })

  test('gives binary messages that own their memory', () => {
    for (const size of [1000, 100_000]) {
      const [message] = read(serverFrame(BINARY, compressed(prose(size)))).events
      if (!(message instanceof Uint8Array)) throw new Error('Not a binary message')
      expect(Object.getPrototypeOf(message)).toBe(Uint8Array.prototype)
      expect(message.buffer.byteLength).toBe(size)
    }
  })

  test('takes all that a fragment holds before the next one comes', () => {
    // A few bytes more than a block: no input is left when the block is full.
    for (let size = 65_536; size < 65_536 + 260; size++) {
      const reader = new MessageReader(codec, LIMITS, new RecordingSink(), createInflater())
      const bytes = compressed(new Uint8Array(size))
      expect(reader.push(serverFrame(BINARY & 0x7f, bytes))).toBeUndefined()
      expect(reader).toMatchObject({ isHolding: false, pending: size })
    }
  })

  describe('refuses', () => {
    test.each([
      ['RSV1 on a continuation', "41 00 c0 01 'a'", 'reserved-bits', 1002],
      ['RSV1 on a Ping', 'c9 00', 'reserved-bits', 1002],
      ['RSV2', 'a1 00', 'reserved-bits', 1002],
      ['a compressed message within another', "41 01 f2 c1 01 'a'", 'expected-continuation', 1002],
      ['data that are no deflate', 'c2 02 ffff', 'invalid-deflate', 1007],
      ['a message without data', 'c2 00', 'invalid-deflate', 1007],
      ['a message that ends with a last block', 'c1 07 f348cdc9c90700', 'invalid-deflate', 1007],
      ['corrupt data in a fragment', '42 02 ffff', 'invalid-deflate', 1007],
      ['corrupt data in a later fragment', '42 03 000100 00 04 feff61 ff 80 01 ff', 'invalid-deflate', 1007],
      ['text that is no UTF-8', 'c1 08 0002 00fd ff c328 00', 'invalid-utf8', 1007],
      ['text that ends within a character', 'c1 08 0002 00fd ff e282 00', 'invalid-utf8', 1007],
    ])('%s', (_, bytes, violation, closeCode) => {
      const { events, failure } = read(concat(wire("81 02 'hi'"), wire(bytes)))
      expect(events).toEqual(['hi'])
      expect(failure).toBeInstanceOf(ProtocolError)
      expect(failure).toMatchObject({ violation, closeCode })
    })

    test('a message that is cut off, at every byte', () => {
      const bytes = compressed(prose(500))
      for (let length = 0; length < bytes.length; length++) {
        const { events, failure } = read(serverFrame(BINARY, bytes.subarray(0, length)))
        expect(events).toEqual([])
        expect(failure).toMatchObject({ violation: 'invalid-deflate' })
      }
    })

    test('text at its first bad byte, however it is cut, before anything else comes', () => {
      for (const text of ["'a' 80", "'abc' c3 28", 'e0 9f', 'ed a0', 'f4 90', "'abc' f5"]) {
        const bad = wire(text)
        // Flushed up to the bad byte; the message is not complete.
        const bytes = concat(compressed(bad), TAIL.subarray(0, 2))
        for (const fin of [0x80, 0]) {
          const frame = serverFrame(0x41 | fin, concat(bytes, new Uint8Array(100))).subarray(0, -100)
          for (const chunks of [[frame], oneByOne(frame)]) {
            expect(readChunks(codec, chunks, LIMITS, createInflater()).failure).toMatchObject({
              violation: 'invalid-utf8',
              closeCode: 1007,
            })
          }
        }
        const before = serverFrame(0x41, compressed(bad.subarray(0, -1)))
        expect(readChunks(codec, [before], LIMITS, createInflater()).failure).toBeUndefined()
      }
    })

    test('text whose characters are cut by fragments, only if they are wrong', () => {
      const euro = [stored(wire('e2')), stored(wire('82')), concat(stored(wire('ac')), Uint8Array.of(0))]
      const parts = (opcodes: number[]) => concat(...euro.map((part, i) => serverFrame(opcodes[i]!, part)))
      expect(read(parts([0x41, 0, 0x80])).events).toEqual(['€'])
      const lacking = concat(serverFrame(0x41, euro[0]!), serverFrame(0x80, euro[2]!))
      expect(read(lacking).failure).toMatchObject({ violation: 'invalid-utf8' })
      // The next text begins on its own.
      expect(read(concat(parts([0x41, 0, 0x80]), parts([0x41, 0, 0x80]))).events).toEqual(['€', '€'])
    })
  })

  describe('limits', () => {
    test.each([1000, 65_536, 70_000, 200_000])('a message to %i bytes when it is inflated', (size) => {
      const fits = fragments(BINARY, compressed(prose(size)), [100])
      expect(read(fits, { maxMessageSize: size }).events).toHaveLength(1)
      const { events, failure } = read(fragments(BINARY, compressed(prose(size + 1)), [100]), { maxMessageSize: size })
      expect(events).toEqual([])
      expect(failure).toBeInstanceOf(MessageTooBigError)
      expect(failure).toMatchObject({ limit: size })
    })

    test('a message by what it is inflated, not by what its frame announces', () => {
      expect(
        read(serverFrame(BINARY, concat(stored(wire("'Hello'")), Uint8Array.of(0))), { maxMessageSize: 5 }).events,
      ).toEqual([wire("'Hello'")])
      expect(read(serverFrame(BINARY, Uint8Array.of(0)), { maxMessageSize: 0 }).events).toEqual([new Uint8Array(0)])
    })

    test('what is inflated of a bomb to little more than a message may have', () => {
      const bomb = serverFrame(BINARY, compressed(new Uint8Array(64 * MiB)))
      for (const maxMessageSize of [1000, MiB, 4 * MiB]) {
        const inflater = new CountingInflater()
        const { failure } = readChunks(codec, [bomb], { ...LIMITS, maxMessageSize }, inflater)
        expect(failure).toBeInstanceOf(MessageTooBigError)
        expect(inflater.total).toBeLessThanOrEqual(maxMessageSize + 65_536)
      }
    })

    test('the fragments of a message', () => {
      const bytes = compressed('Hello')
      expect(read(fragments(TEXT, bytes, [1, 2]), { maxFragments: 3 }).events).toEqual(['Hello'])
      expect(read(fragments(TEXT, bytes, [1, 2, 3]), { maxFragments: 3 }).failure).toBeInstanceOf(MessageTooBigError)
      // One that takes several turns is one all the same.
      const long = compressed(new Uint8Array(10 * MiB))
      const chunks = [fragments(BINARY, long, [3000, 6000])]
      const { events } = readChunks(codec, chunks, { ...LIMITS, maxFragments: 3 }, createInflater())
      expect(events).toHaveLength(1)
    })
  })

  describe('inflates no more in one turn than', () => {
    /** A megabyte, and a block. */
    const TURN = MiB + 65_536

    /** How much is inflated in each turn. */
    function turns(bytes: Uint8Array): number[] {
      const inflater = new CountingInflater()
      const reader = new MessageReader(codec, LIMITS, new RecordingSink(), inflater)
      const counts: number[] = []
      let failure = reader.push(bytes)
      for (let before = 0; ; failure = reader.resume()) {
        if (failure) throw failure
        counts.push(inflater.total - before)
        before = inflater.total
        if (!reader.isHolding) return counts
      }
    }

    test('a megabyte of one message, and not much less', () => {
      const counts = turns(serverFrame(BINARY, compressed(new Uint8Array(10 * MiB))))
      expect(counts.length).toBeGreaterThan(8)
      expect(counts.length).toBeLessThan(12)
      expect(Math.max(...counts)).toBeLessThanOrEqual(TURN)
    })

    test('a megabyte of what comes at once', () => {
      const message = serverFrame(BINARY, compressed(new Uint8Array(600_000)))
      const reader = new MessageReader(codec, LIMITS, new RecordingSink(), createInflater())
      for (let i = 0; i < 4; i++) {
        reader.push(message)
        expect(reader.isHolding).toBe(false)
      }
    })

    test('a megabyte of a message in many fragments', () => {
      const bytes = compressed(new Uint8Array(10 * MiB))
      const cuts = Array.from({ length: 299 }, (_, i) => Math.floor(((i + 1) * bytes.length) / 300))
      const counts = turns(fragments(BINARY, bytes, cuts))
      expect(counts.length).toBeGreaterThan(8)
      expect(Math.max(...counts)).toBeLessThanOrEqual(TURN)
    })

    test('a megabyte of many messages', () => {
      const message = serverFrame(BINARY, compressed(new Uint8Array(50_000)))
      const counts = turns(concat(...new Array<Uint8Array>(100).fill(message)))
      expect(counts.length).toBeGreaterThan(3)
      expect(Math.max(...counts)).toBeLessThanOrEqual(TURN)
    })

    test('takes as long, if streams of zlib end all the time', () => {
      const blocks = Array.from({ length: 2000 }, () => wire('0300'))
      expect(turns(serverFrame(BINARY, concat(...blocks, Uint8Array.of(0)))).length).toBeGreaterThan(7)
    })
  })
})
