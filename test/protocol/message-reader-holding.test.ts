import { beforeEach, describe, expect, test } from 'vitest'
import { MessageTooBigError, ProtocolError } from '../../src/errors.ts'
import { MessageReader } from '../../src/protocol/message-reader.ts'
import { CODECS, concat, oneByOne, pattern, serverFrame, serverHeader, wire } from '../codec/support.ts'
import { compressed, prose } from '../deflate/support.ts'
import { createInflater, LIMITS, RecordingSink, RecordingStream } from './support.ts'

const MAX = 1000

describe.each(CODECS)('a reader on %s', (_, codec) => {
  let sink: RecordingSink
  let reader: MessageReader

  beforeEach(() => {
    sink = new RecordingSink()
    reader = new MessageReader(codec, { maxMessageSize: MAX, maxFragments: 3 }, sink, createInflater())
  })

  function want(): RecordingStream {
    sink.wanted = new RecordingStream()
    return sink.wanted
  }

  /** Pushes, and goes on as long as something is held that does not wait for a receiver. */
  function pushAll(...chunks: readonly Uint8Array[]) {
    for (const chunk of chunks) {
      const failure = reader.push(chunk)
      if (failure) return failure
    }
    return resumeAll()
  }

  function resumeAll() {
    while (reader.isHolding && !reader.needsReceiver) {
      const failure = reader.resume()
      if (failure) return failure
    }
    return undefined
  }

  /** A message of 3,000 bytes, as a server may send it. */
  const BIG: readonly (readonly [what: string, bytes: Uint8Array])[] = [
    ['in one frame', serverFrame(0x82, pattern(3000))],
    [
      'in three frames',
      concat(
        serverFrame(2, pattern(3000).subarray(0, 900)),
        serverFrame(0, pattern(3000).subarray(900, 1100)),
        serverFrame(0x80, pattern(3000).subarray(1100)),
      ),
    ],
    ['compressed', serverFrame(0xc2, compressed(pattern(3000)))],
    [
      'compressed in frames',
      concat(
        serverFrame(0x42, compressed(pattern(3000)).subarray(0, 10)),
        serverFrame(0x80, compressed(pattern(3000)).subarray(10)),
      ),
    ],
  ]

  describe.each(BIG)('with a message that is too big, %s', (_, bytes) => {
    test.each(['whole', 'byte by byte'])('and comes %s: fails if it is awaited', (cut) => {
      expect(pushAll(...(cut === 'whole' ? [bytes] : oneByOne(bytes)))).toBeInstanceOf(MessageTooBigError)
      expect(sink.events).toEqual([])
    })

    test.each(['whole', 'byte by byte'])('and comes %s: holds it until somebody waits for it', (cut) => {
      sink.isAwaited = false
      const chunks = cut === 'whole' ? [bytes] : oneByOne(bytes)
      for (const chunk of [...chunks, wire("81 02 'hi'")]) expect(reader.push(chunk)).toBeUndefined()
      expect(resumeAll()).toBeUndefined()
      expect(reader).toMatchObject({ isHolding: true, needsReceiver: true })
      // Going on changes nothing as long as nobody does.
      expect(reader.resume()).toBeUndefined()
      expect(resumeAll()).toBeUndefined()
      expect(reader.needsReceiver).toBe(true)
      expect(sink.events).toEqual([])
      sink.isAwaited = true
      expect(reader.resume()).toBeInstanceOf(MessageTooBigError)
    })

    test.each(['whole', 'byte by byte'])('and comes %s: gives all of it to a stream', (cut) => {
      sink.isAwaited = false
      const chunks = cut === 'whole' ? [bytes] : oneByOne(bytes)
      for (const chunk of [...chunks, wire("81 02 'hi'")]) expect(reader.push(chunk)).toBeUndefined()
      expect(resumeAll()).toBeUndefined()
      const stream = want()
      reader.offerStream()
      expect(reader.resume()).toBeUndefined()
      expect(resumeAll()).toBeUndefined()
      expect(stream.isComplete).toBe(true)
      expect(stream.content.equals(pattern(3000))).toBe(true)
      expect(sink.events).toEqual(['begin binary', 'hi'])
      expect(reader).toMatchObject({ isHolding: false, needsReceiver: false, pending: 0 })
    })

    test('gives all of it to a stream that is wanted from the beginning', () => {
      for (const chunks of [[bytes], oneByOne(bytes)]) {
        const stream = want()
        expect(pushAll(...chunks)).toBeUndefined()
        expect(stream.isComplete).toBe(true)
        expect(stream.content.equals(pattern(3000))).toBe(true)
      }
    })
  })

  test('a message of too many fragments waits for a stream as well', () => {
    sink.isAwaited = false
    expect(pushAll(wire("01 01 'a' 00 01 'b' 00 01 'c' 00 01 'd' 80 01 'e' 81 01 'f'"))).toBeUndefined()
    expect(reader.needsReceiver).toBe(true)
    const stream = want()
    reader.offerStream()
    expect(stream.content.toString()).toBe('abc')
    // It waits for nobody any more.
    expect(reader).toMatchObject({ isHolding: true, needsReceiver: false })
    expect(pushAll(wire("81 01 'g'"))).toBeUndefined()
    expect(stream).toMatchObject({ isComplete: true })
    expect(stream.content.toString()).toBe('abcde')
    expect(sink.events).toEqual(['begin text', 'f', 'g'])
  })

  test('a message that is not too big does not wait, and the header of one that is has to be complete', () => {
    sink.isAwaited = false
    expect(pushAll(serverFrame(0x82, pattern(MAX)))).toBeUndefined()
    expect(reader.isHolding).toBe(false)
    const header = serverHeader(0x82, MAX + 1)
    expect(pushAll(header.subarray(0, -1))).toBeUndefined()
    expect(reader.isHolding).toBe(false)
    expect(pushAll(header.subarray(-1))).toBeUndefined()
    expect(reader.needsReceiver).toBe(true)
  })

  describe('gives a stream', () => {
    test('what comes, as it comes, and nothing of other messages', () => {
      expect(pushAll(wire("81 01 'a'"))).toBeUndefined()
      const stream = want()
      const seen = ["01 04 'bc'", "'de' 89 00", "00 01 'f'", "80 02 'g'", "'h' 81 01 'i'"].map((bytes) => {
        expect(pushAll(wire(bytes))).toBeUndefined()
        return `${stream.content}${stream.isComplete ? '.' : ''}`
      })
      expect(seen).toEqual(['bc', 'bcde', 'bcdef', 'bcdefg', 'bcdefgh.'])
      expect(sink.events).toEqual(['a', 'begin text', [9, new Uint8Array(0)], 'i'])
    })

    test('what has come already, when it is offered in the middle, and only then', () => {
      reader.offerStream()
      expect(sink.offered).toBe(0)
      expect(pushAll(wire("02 02 'ab'"))).toBeUndefined()
      expect(reader.pending).toBe(2)
      reader.offerStream()
      expect(reader.pending).toBe(2)
      const stream = want()
      reader.offerStream()
      expect(reader.pending).toBe(0)
      expect(stream.content.toString()).toBe('ab')
      reader.offerStream()
      expect(pushAll(wire("80 01 'c' 82 01 'd'"))).toBeUndefined()
      expect(stream.content.toString()).toBe('abc')
      expect(sink.events).toEqual(['begin binary', wire("'d'")])
    })

    test('from its first byte on, also when no more than that had come before', () => {
      reader.push(wire("01 01 'a'"))
      const stream = want()
      reader.offerStream()
      reader.push(wire("80 02 'bc'"))
      expect(stream.content.toString()).toBe('abc')
    })

    test.each([
      ['in fragments', oneByOne(wire("01 01 'a' 80 01 'b'")), 'ab'],
      ['compressed', oneByOne(wire('c1 07 f248cdc9c90700')), 'Hello'],
      ['compressed, and in one piece,', [wire('c1 07 f248cdc9c90700')], 'Hello'],
    ])('not of a message %s that is over', (_, chunks, message) => {
      for (const chunk of chunks) reader.push(chunk)
      want()
      reader.offerStream()
      expect(sink.events).toEqual([message])
    })

    test.each<[string, Uint8Array, string | Uint8Array]>([
      ['whole message', wire("81 02 'hi'"), 'hi'],
      ['message of the greatest size', serverFrame(0x82, pattern(MAX)), pattern(MAX)],
      ['compressed message', wire('c1 07 f248cdc9c90700'), 'Hello'],
    ])('not of a %s that lies in one piece: that is handed out as it is', (_, bytes, message) => {
      want()
      expect(pushAll(bytes)).toBeUndefined()
      expect(sink.events).toEqual([message])
    })

    test('that is text, also of a message that is too big', () => {
      const stream = want()
      expect(pushAll(serverFrame(0x81, prose(3000)))).toBeUndefined()
      expect(sink.events).toEqual(['begin text'])
      expect(stream.content.equals(prose(3000))).toBe(true)
    })

    test('of a compressed message: no more while it is full, and the rest when it is not', () => {
      const bytes = serverFrame(0xc1, compressed(prose(3000)))
      const stream = want()
      stream.isFull = true
      expect(reader.push(bytes.subarray(0, 500))).toBeUndefined()
      expect(reader.isHolding).toBe(true)
      const first = stream.content.length
      expect(first).toBeGreaterThan(0)
      for (const chunk of [bytes.subarray(500), wire("89 01 'p' 81 01 'x'")]) {
        expect(reader.push(chunk)).toBeUndefined()
        expect(stream.content).toHaveLength(first)
      }
      expect(sink.events).toEqual(['begin text'])
      stream.isFull = false
      expect(reader.resume()).toBeUndefined()
      expect(resumeAll()).toBeUndefined()
      expect(stream.content.equals(prose(3000))).toBe(true)
      expect(sink.events).toEqual(['begin text', [9, wire("'p'")], 'x'])
    })

    test('of one that is not, all that has come: held, it would take as much memory', () => {
      const stream = want()
      stream.isFull = true
      expect(reader.push(wire("01 01 'a' 00 01 'b' 89 01 'p' 80 01 'c'"))).toBeUndefined()
      expect(reader.isHolding).toBe(false)
      expect(stream.content.toString()).toBe('abc')
      expect(sink.events).toEqual(['begin text', [9, wire("'p'")]])
    })
  })

  describe('that holds something', () => {
    /** A compressed message whose sink is full from its first part on. */
    function stop(): RecordingStream {
      const stream = want()
      stream.isFull = true
      expect(reader.push(wire("41 06 000100feff 'a'"))).toBeUndefined()
      expect(reader.isHolding).toBe(true)
      return stream
    }

    test.each([
      ['a Ping', "89 01 'p'", [[9, wire("'p'")]]],
      ['a Close frame, and nothing behind it', "88 02 03e8 81 01 'x' ff ff", [[8, wire('03e8')]]],
      ['a Close frame, and no message behind it', "80 07 000100feff 'b' 00 88 00 81 01 'x'", [[8, new Uint8Array(0)]]],
      ['a Close frame in parts', '88 02 03', []],
      ['messages', "80 07 000100feff 'b' 00 81 01 'c' c1 07 f248cdc9c90700", ['c', 'Hello']],
    ] as const)('tells of %s later', (_, bytes, events) => {
      const stream = stop()
      for (const chunk of oneByOne(wire(bytes))) expect(reader.push(chunk)).toBeUndefined()
      expect(sink.events).toEqual(['begin text'])
      stream.isFull = false
      expect(reader.resume()).toBeUndefined()
      expect(sink.events).toEqual(['begin text', ...events])
      expect(reader.isHolding).toBe(false)
    })

    test.each([
      ['a broken rule', "80 07 000100feff 'b' 00 81 01 'c' 83 00", 'reserved-opcode'],
      ['text that is no UTF-8', "80 07 000100feff 'b' 00 81 01 'c' 81 01 ff", 'invalid-utf8'],
      ['RSV1 where it has no meaning', "80 07 000100feff 'b' 00 81 01 'c' c9 00", 'reserved-bits'],
      ['corrupt data', "80 07 000100feff 'b' 00 81 01 'c' c2 02 ffff", 'invalid-deflate'],
    ])('fails over %s when what comes before has been read', (_, bytes, violation) => {
      const stream = stop()
      for (const chunk of oneByOne(wire(bytes))) expect(reader.push(chunk)).toBeUndefined()
      expect(reader.push(wire("81 01 'x'"))).toBeUndefined()
      expect(sink.events).toEqual(['begin text'])
      // As long as it is full, nothing is told.
      expect(reader.resume()).toBeUndefined()
      expect(sink.events).toEqual(['begin text'])
      stream.isFull = false
      const failure = resumeAll()
      expect(failure).toBeInstanceOf(ProtocolError)
      expect(failure).toMatchObject({ violation })
      expect(sink.events).toEqual(['begin text', 'c'])
      expect(stream).toMatchObject({ isComplete: true })
    })

    test('drops it when it is cleared', () => {
      const stream = stop()
      reader.push(wire("80 07 000100feff 'b' 00 81 01 'c' ff"))
      reader.clear()
      stream.isFull = false
      expect(reader).toMatchObject({ isHolding: false, pending: 0 })
      expect(reader.resume()).toBeUndefined()
      expect(sink.events).toEqual(['begin text'])
    })

    test('keeps a copy of it: the memory belongs to all', () => {
      const stream = stop()
      reader.push(wire("80 09 000300fcff 'bcd' 00"))
      codec.memory.fill(0xee, 0x10000, 0x30000)
      stream.isFull = false
      reader.resume()
      expect(stream.content.toString()).toBe('abcd')
    })
  })

  test('compressed messages wait while the sink is full, one after the other', () => {
    sink.isFull = true
    const one = serverFrame(0xc1, wire('f248cdc9c90700'))
    expect(reader.push(concat(one, wire("89 00 81 01 'a'"), one))).toBeUndefined()
    expect(sink.events).toEqual(['Hello'])
    expect(reader.isHolding).toBe(true)
    expect(reader.resume()).toBeUndefined()
    expect(sink.events).toEqual(['Hello', [9, new Uint8Array(0)], 'a', 'Hello'])
    sink.isFull = false
    expect(reader.resume()).toBeUndefined()
    expect(reader.isHolding).toBe(false)
  })

  test('a compressed message stops in its middle when the sink is full', () => {
    reader = new MessageReader(codec, LIMITS, sink, createInflater())
    sink.isFull = true
    expect(reader.push(serverFrame(0xc2, compressed(new Uint8Array(500_000))))).toBeUndefined()
    expect(reader).toMatchObject({ isHolding: true, pending: 65_536 })
    reader.resume()
    expect(reader.pending).toBe(131_072)
    sink.isFull = false
    expect(reader.resume()).toBeUndefined()
    expect(sink.events).toHaveLength(1)
    expect(sink.events[0]).toHaveLength(500_000)
  })
})
