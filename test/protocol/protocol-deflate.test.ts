import { beforeEach, describe, expect, test, vi } from 'vitest'
import { Arena } from '../../src/codec/arena.ts'
import { createCompression } from '../../src/deflate/compression.ts'
import { MessageTooBigError, ProtocolError } from '../../src/errors.ts'
import { Protocol, type ProtocolOptions, type ProtocolSink } from '../../src/protocol/protocol.ts'
import { CODECS, concat, oneByOne, SLABS_IN_MEMORY, serverFrame, wire } from '../codec/support.ts'
import { compressed, inflated, prose } from '../deflate/support.ts'
import { bytesOf, countedKeys, LIMITS, parseFrames, RecordingStream } from './support.ts'

const LONG = Buffer.from(prose(3000)).toString()

describe.each(CODECS)('the protocol on %s, with permessage-deflate,', (_, codec) => {
  const sink = { isFull: false, isAwaited: true, wanted: undefined as RecordingStream | undefined }
  const ended = vi.fn()
  let events: unknown[]
  let protocol: Protocol

  function open(options: Partial<ProtocolOptions> = {}): Protocol {
    events = []
    Object.assign(sink, { isFull: false, isAwaited: true, wanted: undefined })
    const agreed = { clientMaxWindowBits: 15, serverMaxWindowBits: 15 }
    const takeover = { clientContextTakeover: true, serverContextTakeover: true }
    const compression = createCompression({ ...agreed, ...takeover }, 100)
    ended.mockReset()
    const close = () => {
      compression.close()
      ended()
    }
    const told: ProtocolSink = {
      get isFull() {
        return sink.isFull
      },
      get isAwaited() {
        return sink.isAwaited
      },
      takeStream: () => {
        const { wanted } = sink
        sink.wanted = undefined
        return wanted
      },
      onMessage: (message) => events.push(message),
      onPong: (payload) => events.push(['pong', payload.length]),
      onClose: (code, reason) => events.push(['close', code, reason]),
    }
    const parts = { codec, arena: new Arena(SLABS_IN_MEMORY), nextKey: countedKeys() }
    return new Protocol(
      { ...parts, compression: { ...compression, close } },
      { ...LIMITS, allowHalfOpen: false, ...options },
      told,
    )
  }

  beforeEach(() => {
    protocol = open()
  })

  function taken() {
    const chunks = protocol.outbox.take()
    const frames = parseFrames(bytesOf(chunks))
    protocol.outbox.release(chunks)
    return frames
  }

  test('sends what is long enough compressed, unless it is not to be', () => {
    protocol.send(LONG)
    protocol.send(LONG, false)
    protocol.send('short')
    protocol.send(Buffer.from(LONG))
    const frames = taken()
    expect(frames.map(({ firstByte }) => firstByte)).toEqual([0xc1, 0x81, 0x81, 0xc2])
    expect(inflated([frames[0]!.payload, frames[3]!.payload]).toString()).toBe(LONG + LONG)
  })

  test('receives messages, compressed or not, in every cut', () => {
    const bytes = concat(serverFrame(0xc1, compressed(LONG)), wire("81 02 'hi' 8a 01 'p'"))
    for (let cut = 0; cut <= bytes.length; cut++) {
      protocol = open()
      expect(protocol.receive(bytes.subarray(0, cut))).toBeUndefined()
      expect(protocol.receive(bytes.subarray(cut))).toBeUndefined()
      expect(events).toEqual([LONG, 'hi', ['pong', 1]])
    }
  })

  test.each([
    ['data that are corrupt', 'c2 02 ffff', 1007, 'invalid-deflate'],
    ['text that is no UTF-8', 'c1 07 000100 feff ff 00', 1007, 'invalid-utf8'],
    ['a bit that has no meaning there', '41 00 c0 00', 1002, 'reserved-bits'],
  ])('fails over %s', (_, bytes, code, violation) => {
    for (const chunks of [[wire(bytes)], oneByOne(wire(bytes))]) {
      protocol = open()
      const failures = chunks.map((chunk) => protocol.receive(chunk)).filter(Boolean)
      expect(failures).toHaveLength(1)
      expect(failures[0]).toMatchObject({ violation, closeCode: code })
      expect(protocol.state).toBe('aborted')
      const [close] = taken()
      expect(close!.firstByte).toBe(0x88)
      expect(close!.payload.readUInt16BE()).toBe(code)
    }
  })

  test('fails over a message that is too big when it is inflated', () => {
    protocol = open({ maxMessageSize: 1000 })
    expect(protocol.receive(serverFrame(0xc1, compressed(LONG)))).toBeInstanceOf(MessageTooBigError)
    expect(taken()[0]!.payload.readUInt16BE()).toBe(1009)
  })

  test('frees what it holds when it ends, whatever was under way', () => {
    protocol.send(LONG)
    protocol.writer.fragments(true, true).write(Buffer.from(LONG))
    protocol.receive(serverFrame(0x41, compressed(LONG)))
    protocol.end()
    expect(ended).toHaveBeenCalledOnce()
    expect(protocol).toMatchObject({ pending: 0, state: 'aborted' })
    expect(protocol.outbox.isEmpty).toBe(true)
  })

  describe('holding', () => {
    /** Makes it hold all that comes. */
    function hold(): RecordingStream {
      const stream = new RecordingStream()
      sink.wanted = stream
      stream.isFull = true
      expect(protocol.receive(wire("41 06 000100feff 'a'"))).toBeUndefined()
      expect(protocol.isHolding).toBe(true)
      return stream
    }

    test('a Close frame: the state is open until it has been read', () => {
      const stream = hold()
      expect(protocol.receive(wire("80 01 00 88 05 03e8 'bye' ff"))).toBeUndefined()
      expect(protocol.state).toBe('open')
      protocol.send('still open')
      stream.isFull = false
      expect(protocol.resume()).toBeUndefined()
      expect(protocol.state).toBe('closed')
      expect(events).toEqual([['close', 1000, 'bye']])
      expect(taken().map(({ firstByte }) => firstByte)).toEqual([0x81, 0x88])
      expect(protocol.resume()).toBeUndefined()
    })

    test('a Ping: it is answered when it has been read', () => {
      const stream = hold()
      protocol.receive(wire("89 01 'p'"))
      expect(protocol.outbox.isEmpty).toBe(true)
      stream.isFull = false
      protocol.resume()
      expect(taken().map(({ firstByte }) => firstByte)).toEqual([0x8a])
    })

    test('a Close frame with a code that may not be sent: it fails when it has been read', () => {
      const stream = hold()
      expect(protocol.receive(wire('88 02 03ed'))).toBeUndefined()
      expect(protocol.state).toBe('open')
      stream.isFull = false
      expect(protocol.resume()).toMatchObject({ violation: 'invalid-close-code' })
      expect(protocol.state).toBe('aborted')
    })

    test('a broken rule: it fails when all before has been read, and says so in the Close frame', () => {
      const stream = hold()
      expect(protocol.receive(wire("80 01 00 81 01 'b' 83 00"))).toBeUndefined()
      expect(protocol.receive(wire("81 01 'c'"))).toBeUndefined()
      expect(protocol.state).toBe('open')
      stream.isFull = false
      expect(protocol.resume()).toBeInstanceOf(ProtocolError)
      expect(events).toEqual(['b'])
      expect(stream.isComplete).toBe(true)
      expect(taken()[0]!.payload.readUInt16BE()).toBe(1002)
    })

    test('nothing any more once it has ended', () => {
      const stream = hold()
      protocol.receive(wire("80 01 00 81 01 'b'"))
      protocol.end()
      stream.isFull = false
      expect(protocol.isHolding).toBe(false)
      expect(protocol.resume()).toBeUndefined()
      expect(events).toEqual([])
    })

    test('a message that is too big until somebody wants it, and how', () => {
      protocol = open({ maxMessageSize: 2 })
      sink.isAwaited = false
      expect(protocol.receive(wire("81 03 'abc' 81 01 'd'"))).toBeUndefined()
      expect(protocol.needsReceiver).toBe(true)
      sink.wanted = new RecordingStream()
      const { wanted } = sink
      protocol.offerStream()
      expect(protocol.resume()).toBeUndefined()
      expect(wanted.content.toString()).toBe('abc')
      expect(events).toEqual(['d'])
    })
  })

  test('a message of ours that cannot be completed fails the connection with 1011', () => {
    protocol.writer.fragments(true, true).write(Buffer.from('begun'))
    protocol.receive(wire("01 01 'a'"))
    protocol.abandonMessage()
    expect(protocol).toMatchObject({ state: 'aborted', pending: 0 })
    const [begun, close] = taken()
    expect(begun!.firstByte).toBe(0x41)
    expect(close!.firstByte).toBe(0x88)
    expect(close!.payload.readUInt16BE()).toBe(1011)
    expect(protocol.receive(wire("80 01 'b'"))).toBeUndefined()
    expect(events).toEqual([])
  })
})
