import { beforeEach, describe, expect, test } from 'vitest'
import { Arena } from '../../src/codec/arena.ts'
import { VIOLATIONS } from '../../src/codec/violations.ts'
import { MessageTooBigError, ProtocolError } from '../../src/errors.ts'
import type { Message } from '../../src/protocol/message-parts.ts'
import { Protocol, type ProtocolOptions } from '../../src/protocol/protocol.ts'
import { CODECS, concat, oneByOne, pattern, SLABS_IN_MEMORY, serverHeader, wire } from '../codec/support.ts'
import { bytesOf, countedKeys, LIMITS, parseFrames, sent } from './support.ts'

const OPTIONS: ProtocolOptions = { ...LIMITS, allowHalfOpen: false }
/** More than may be unsent while Pongs are to be sent. */
const BACKLOG = pattern(70_000)

type Event = readonly ['message', Message] | readonly ['pong', string] | readonly ['close', number, string]

describe.each(CODECS)('the protocol on %s', (_, codec) => {
  let arena: Arena
  let events: Event[]
  let protocol: Protocol

  function open(options: Partial<ProtocolOptions> = {}): Protocol {
    events = []
    return new Protocol(
      { codec, arena, nextKey: countedKeys() },
      { ...OPTIONS, ...options },
      {
        isFull: false,
        isAwaited: true,
        takeStream: () => undefined,
        onMessage: (message) => events.push(['message', message]),
        onPong: (payload) => events.push(['pong', Buffer.from(payload).toString('latin1')]),
        onClose: (code, reason) => events.push(['close', code, reason]),
      },
    )
  }

  beforeEach(() => {
    arena = new Arena(SLABS_IN_MEMORY)
    protocol = open()
  })

  function receive(bytes: string) {
    return protocol.receive(wire(bytes))
  }

  /** What the outbox holds; the socket lets go of it at once. */
  function flush(): string[] {
    const chunks = protocol.outbox.take()
    const frames = sent(chunks)
    protocol.outbox.release(chunks)
    return frames
  }

  test('begins open, with nothing to send', () => {
    expect(protocol.state).toBe('open')
    expect(protocol.outbox.isEmpty).toBe(true)
    expect(protocol.pending).toBe(0)
  })

  test('sends text, binary messages, Pings and Pongs that nobody asked for', () => {
    protocol.send('hello')
    protocol.send(wire('00 ff'))
    protocol.sendPing(wire("'p'"))
    protocol.sendPing(pattern(125))
    protocol.sendUnsolicitedPong()
    const [text, binary, ping, long, pong] = parseFrames(bytesOf(protocol.outbox.take()))
    expect([text, binary, ping, long, pong].map((frame) => frame?.firstByte)).toEqual([0x81, 0x82, 0x89, 0x89, 0x8a])
    expect(text!.payload.toString()).toBe('hello')
    expect(binary!.payload.toString('hex')).toBe('00ff')
    expect(ping!.payload.toString()).toBe('p')
    expect(long!.payload).toHaveLength(125)
    expect(pong!.payload).toHaveLength(0)
  })

  test('hands out messages and Pongs', () => {
    expect(receive("81 02 'hi' 8a 01 'p' 02 01 00 8a 00 80 01 ff")).toBeUndefined()
    expect(events).toEqual([
      ['message', 'hi'],
      ['pong', 'p'],
      ['pong', ''],
      ['message', wire('00 ff')],
    ])
    expect(protocol.outbox.isEmpty).toBe(true)
  })

  test('says how much of an unfinished message there is', () => {
    receive("01 03 'abc'")
    expect(protocol.pending).toBe(3)
  })

  describe('answers a Ping', () => {
    test('with its payload', () => {
      receive("89 00 89 03 'abc'")
      expect(flush()).toEqual(['8a ', '8a abc'])
      expect(events).toEqual([])
    })

    test('of the greatest length', () => {
      protocol.receive(concat(serverHeader(0x89, 125), pattern(125)))
      expect(parseFrames(bytesOf(protocol.outbox.take()))[0]!.payload.equals(pattern(125))).toBe(true)
    })

    test('between the fragments of a message', () => {
      receive("01 01 'a' 89 01 'p'")
      expect(flush()).toEqual(['8a p'])
      receive("80 01 'b'")
      expect(events).toEqual([['message', 'ab']])
    })

    test('behind the messages that wait, as long as they are few', () => {
      protocol.send('first')
      receive("89 01 'p'")
      expect(flush()).toEqual(['81 first', '8a p'])
      expect(protocol.sendOwedPong()).toBe(false)
    })

    test('later and only the last time, when much is unsent', () => {
      protocol.send(BACKLOG)
      const chunks = protocol.outbox.take()
      receive("89 01 'a' 89 01 'b' 89 01 'c'")
      expect(protocol.outbox.isEmpty).toBe(true)
      expect(protocol.sendOwedPong()).toBe(false)
      protocol.outbox.release(chunks)
      expect(protocol.outbox.isEmpty).toBe(true)
      expect(protocol.sendOwedPong()).toBe(true)
      expect(flush()).toEqual(['8a c'])
      expect(protocol.sendOwedPong()).toBe(false)
    })

    test('at once again, when the backlog is gone', () => {
      protocol.send(BACKLOG)
      receive("89 01 'a'")
      flush()
      protocol.sendOwedPong()
      receive("89 01 'b'")
      expect(flush()).toEqual(['8a a', '8a b'])
    })

    test('not after our Close frame', () => {
      protocol.sendClose(1000)
      flush()
      receive("89 01 'p'")
      expect(protocol.outbox.isEmpty).toBe(true)
    })

    test('not after our Close frame, even if the Pong was owed before', () => {
      protocol.send(BACKLOG)
      receive("89 01 'p'")
      protocol.sendClose(1000)
      protocol.outbox.release(protocol.outbox.take())
      protocol.sendOwedPong()
      expect(protocol.outbox.isEmpty).toBe(true)
    })

    test('after the Close frame of the peer, as long as ours is not sent', () => {
      protocol = open({ allowHalfOpen: true })
      protocol.send(BACKLOG)
      receive("89 01 'p' 88 00")
      protocol.outbox.release(protocol.outbox.take())
      expect(protocol.sendOwedPong()).toBe(true)
      expect(flush()).toEqual(['8a p'])
    })
  })

  describe('closes', () => {
    test('when the peer does, with the code that came', () => {
      expect(receive("88 05 0fa0 'bye'")).toBeUndefined()
      expect(events).toEqual([['close', 4000, 'bye']])
      expect(protocol.state).toBe('closed')
      expect(flush()).toEqual(['88 \x0f\xa0'])
    })

    test('when the peer does, without a code if none came', () => {
      receive('88 00')
      expect(events).toEqual([['close', 1005, '']])
      expect(flush()).toEqual(['88 '])
    })

    test('when the peer does, behind the messages that wait', () => {
      protocol.send('last')
      receive('88 02 03e8')
      expect(flush()).toEqual(['81 last', '88 \x03\xe8'])
    })

    test('when we do', () => {
      protocol.sendClose(1001, 'leaving')
      expect(protocol.state).toBe('close-sent')
      expect(flush()).toEqual(['88 \x03\xe9leaving'])
      receive("81 02 'hi' 88 02 03e8")
      expect(events).toEqual([
        ['message', 'hi'],
        ['close', 1000, ''],
      ])
      expect(protocol.state).toBe('closed')
      expect(protocol.outbox.isEmpty).toBe(true)
    })

    test('without a code', () => {
      protocol.sendClose()
      expect(flush()).toEqual(['88 '])
    })

    test('only once', () => {
      protocol.sendClose(1000)
      protocol.sendClose(1001)
      expect(flush()).toEqual(['88 \x03\xe8'])
      receive('88 00')
      protocol.sendClose(1001)
      expect(flush()).toEqual([])
      expect(protocol.state).toBe('closed')
    })

    test('with the reason of the peer, a byte order mark and all', () => {
      receive('88 08 03e8 efbbbf e282ac')
      expect(events).toEqual([['close', 1000, '\ufeff€']])
    })

    test('half, when the caller wants to answer himself', () => {
      protocol = open({ allowHalfOpen: true })
      receive('88 02 03e8')
      expect(events).toEqual([['close', 1000, '']])
      expect(protocol.state).toBe('close-received')
      expect(protocol.outbox.isEmpty).toBe(true)
      protocol.send('more')
      protocol.sendClose(4001, 'done')
      expect(protocol.state).toBe('closed')
      expect(flush()).toEqual(['81 more', '88 \x0f\xa1done'])
    })

    test('and hears nothing after the Close frame of the peer', () => {
      protocol = open({ allowHalfOpen: true })
      receive("88 00 81 01 'a' ff")
      expect(receive("81 01 'b' ff")).toBeUndefined()
      expect(events).toEqual([['close', 1005, '']])
      expect(protocol.state).toBe('close-received')
    })

    test('byte by byte as well', () => {
      for (const byte of oneByOne(wire("88 05 03e8 'bye'"))) protocol.receive(byte)
      expect(events).toEqual([['close', 1000, 'bye']])
      expect(protocol.state).toBe('closed')
    })

    test.each([1000, 1003, 1007, 1014, 3000, 4999])('with code %i', (code) => {
      protocol.receive(concat(wire('88 02'), Uint8Array.of(code >> 8, code)))
      expect(events).toEqual([['close', code, '']])
    })
  })

  describe('fails', () => {
    /** Expects the Close frame that says why, and that the connection is over. */
    function expectFailed(failure: unknown, code: number, reason: string): void {
      expect(failure).toBeDefined()
      expect(protocol.state).toBe('aborted')
      const [frame, ...more] = parseFrames(bytesOf(protocol.outbox.take()))
      expect(more).toEqual([])
      expect(frame!.firstByte).toBe(0x88)
      expect(frame!.payload.readUInt16BE()).toBe(code)
      expect(frame!.payload.toString('utf8', 2)).toBe(reason)
      expect(frame!.payload.length).toBeLessThanOrEqual(125)
    }

    /** An example of each rule, by its number. */
    const BROKEN: readonly (readonly [number, string])[] = [
      [1, 'c1 00'],
      [2, '83 00'],
      [3, '09 00'],
      [4, '89 7e 007e'],
      [5, '80 00'],
      [6, '01 00 81 00'],
      [7, '81 80 00000000'],
      [8, '81 7e 0001'],
      [9, '82 7f ffffffffffffffff'],
      [10, '81 01 ff'],
      [11, '88 01 03'],
      [12, '88 02 03ed'],
      [13, '88 03 03e8 ff'],
    ]

    test.each(BROKEN)('over rule %i, with a Close frame that says so', (number, bytes) => {
      const { name, closeCode, message } = VIOLATIONS[number]!
      const failure = receive(bytes)
      expect(failure).toBeInstanceOf(ProtocolError)
      expect(failure).toMatchObject({ violation: name, closeCode, message })
      expectFailed(failure, closeCode, message)
      expect(events).toEqual([])
    })

    test.each(BROKEN)('over rule %i byte by byte', (number, bytes) => {
      const failures = oneByOne(wire(bytes)).map((byte) => protocol.receive(byte))
      expect(failures.filter(Boolean)).toMatchObject([{ violation: VIOLATIONS[number]!.name }])
      expect(protocol.state).toBe('aborted')
    })

    test.each([0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535])('over Close code %i', (code) => {
      const failure = protocol.receive(concat(wire('88 02'), Uint8Array.of(code >> 8, code)))
      expect(failure).toMatchObject({ violation: 'invalid-close-code' })
      expectFailed(failure, 1002, VIOLATIONS[12]!.message)
    })

    test('over a Close frame when our own is sent, without another', () => {
      protocol.sendClose(1000)
      expect(flush()).toHaveLength(1)
      expect(receive('88 02 03ed')).toMatchObject({ violation: 'invalid-close-code' })
      expect(protocol.state).toBe('aborted')
      expect(protocol.outbox.isEmpty).toBe(true)
      expect(events).toEqual([])
    })

    test('over a message that is too big', () => {
      protocol = open({ maxMessageSize: 4 })
      const failure = receive('82 05')
      expect(failure).toBeInstanceOf(MessageTooBigError)
      expectFailed(failure, 1009, 'The message is too big.')
    })

    test('over a message of too many fragments', () => {
      protocol = open({ maxFragments: 2 })
      expectFailed(receive('01 00 00 00 00 00'), 1009, 'The message is too big.')
    })

    test('after it has handed out and answered what came before', () => {
      const failure = receive("81 02 'hi' 89 01 'p' 83 00 81 01 'a'")
      expect(failure).toMatchObject({ violation: 'reserved-opcode' })
      expect(events).toEqual([['message', 'hi']])
      const frames = flush()
      expect(frames[0]).toBe('8a p')
      expect(frames[1]?.slice(0, 5)).toBe('88 \x03\xea')
    })

    test('and hears nothing any more', () => {
      receive("01 01 'a' 83 00")
      expect(protocol.pending).toBe(0)
      flush()
      expect(receive("80 01 'b' 81 01 'c' 89 00 88 00 ff")).toBeUndefined()
      expect(events).toEqual([])
      expect(protocol.state).toBe('aborted')
      expect(protocol.outbox.isEmpty).toBe(true)
    })

    test('only once over a Close frame', () => {
      expect(receive('88 02 03ed')).toBeDefined()
      expect(receive('88 02 03ed')).toBeUndefined()
      expect(protocol.resume()).toBeUndefined()
    })

    test('and closes no more', () => {
      receive('83 00')
      flush()
      protocol.sendClose(1000)
      expect(protocol.outbox.isEmpty).toBe(true)
      expect(protocol.state).toBe('aborted')
    })
  })

  describe('ends', () => {
    test('and drops what came and what waits', () => {
      receive("01 01 'a'")
      protocol.send(BACKLOG)
      protocol.end()
      expect(protocol.state).toBe('aborted')
      expect(protocol.pending).toBe(0)
      expect(protocol.outbox).toMatchObject({ isEmpty: true, buffered: 0 })
      expect(arena.free).toBe(SLABS_IN_MEMORY)
      expect(receive("80 01 'b'")).toBeUndefined()
      expect(events).toEqual([])
    })

    test('and stays closed if it was', () => {
      receive('88 00')
      protocol.end()
      expect(protocol.state).toBe('closed')
    })
  })
})
