import { describe, expect, test } from 'vitest'
import { encodeFrame, FrameProtocol, type FrameProtocolOptions, Opcode } from '../src/frame.ts'
import { InvalidStateError, OptionsError, ProtocolError } from '../src/index.ts'
import { oneByOne, wire } from './codec/support.ts'
import { parseFrames } from './protocol/support.ts'

/** What the output says: first byte and payload of each frame. */
function said(protocol: FrameProtocol): [string, string][] {
  return parseFrames(protocol.output()).map(({ firstByte, payload }) => [
    firstByte.toString(16),
    payload.toString('latin1'),
  ])
}

describe('FrameProtocol', () => {
  test('gives messages, however their bytes are cut', () => {
    const bytes = wire("81 02 'hi' 02 01 'a' 89 01 'p' 80 01 'b'")
    const whole = new FrameProtocol()
    const expected = [
      { type: 'message', data: 'hi' },
      { type: 'message', data: Uint8Array.of(0x61, 0x62) },
    ]
    expect(whole.receive(bytes)).toEqual(expected)
    const cut = new FrameProtocol()
    expect(oneByOne(bytes).flatMap((byte) => cut.receive(byte))).toEqual(expected)
    for (const protocol of [whole, cut]) expect(said(protocol)).toEqual([['8a', 'p']])
  })

  test('puts what is sent into the output once, masked', () => {
    const protocol = new FrameProtocol()
    protocol.send('text')
    protocol.send(Uint8Array.of(1, 2))
    protocol.ping('ping')
    expect(said(protocol)).toEqual([
      ['81', 'text'],
      ['82', '\x01\x02'],
      ['89', 'ping'],
    ])
    expect(protocol.output()).toHaveLength(0)
  })

  test('output stays as it is when more is sent', () => {
    const protocol = new FrameProtocol()
    protocol.send('first')
    const output = protocol.output()
    const before = output.slice()
    for (let i = 0; i < 3; i++) {
      protocol.send('x'.repeat(100_000))
      protocol.output()
    }
    expect(output).toEqual(before)
  })

  test('answers the Close frame of the server, and sends nothing after it', () => {
    const protocol = new FrameProtocol()
    expect(protocol.receive(wire("88 05 03e8 'bye'"))).toEqual([{ type: 'close', code: 1000, reason: 'bye' }])
    expect(protocol.state).toBe('closed')
    expect(protocol.output()).toHaveLength(8)
    expect(() => protocol.send('late')).toThrow(InvalidStateError)
    expect(() => protocol.ping()).toThrow(InvalidStateError)
  })

  test('answers a Ping that came behind more than 64 KiB of output as soon as that is taken', () => {
    const protocol = new FrameProtocol()
    protocol.send(new Uint8Array(70_000))
    protocol.receive(wire("89 01 'p'"))
    const [message, pong] = parseFrames(protocol.output())
    expect(message!.payload).toHaveLength(70_000)
    expect([pong!.firstByte, pong!.payload.toString()]).toEqual([0x8a, 'p'])
    expect(protocol.output()).toHaveLength(0)
  })

  test('closes once, and goes on receiving', () => {
    const protocol = new FrameProtocol()
    protocol.close(4000, 'enough')
    protocol.close(4001)
    expect(said(protocol)).toEqual([['88', '\x0f\xa0enough']])
    expect(protocol.receive(wire("81 01 'x' 88 00"))).toEqual([
      { type: 'message', data: 'x' },
      { type: 'close', code: 1005, reason: '' },
    ])
    expect(protocol.state).toBe('closed')
  })

  test('tells the Pong that answers a Ping', () => {
    const protocol = new FrameProtocol()
    protocol.ping('mine')
    expect(protocol.receive(wire("8a 04 'mine'"))).toEqual([{ type: 'pong', payload: wire("'mine'") }])
  })

  test('tells a broken rule, and says so in a Close frame', () => {
    const protocol = new FrameProtocol()
    const [event] = protocol.receive(wire('83 00'))
    expect(event).toMatchObject({ type: 'error', error: { violation: 'reserved-opcode', closeCode: 1002 } })
    expect(event?.type === 'error' && event.error).toBeInstanceOf(ProtocolError)
    expect(protocol.state).toBe('aborted')
    expect(said(protocol)[0]![0]).toBe('88')
    expect(protocol.receive(wire("81 01 'x'"))).toEqual([])
  })

  test('takes limits, and refuses those that make no sense', () => {
    const protocol = new FrameProtocol({ maxMessageSize: 3 })
    expect(protocol.receive(wire('82 04'))).toMatchObject([{ type: 'error', error: { code: 'MESSAGE_TOO_BIG' } }])
    expect(() => new FrameProtocol({ maxMessageSize: 0 })).toThrow(OptionsError)
    const fragments = new FrameProtocol({ maxFragments: 1 })
    expect(fragments.receive(wire("01 01 'a' 80 01 'b'"))).toMatchObject([{ error: { code: 'MESSAGE_TOO_BIG' } }])
  })

  test('refuses the options of a whole client, which it would not obey', () => {
    for (const options of [{ perMessageDeflate: true }, { highWaterMark: 1 }, { tls: {} }, null, 'x']) {
      expect(() => new FrameProtocol(options as FrameProtocolOptions)).toThrow(OptionsError)
    }
  })

  test('with allowHalfOpen leaves the Close frame of the server to be answered', () => {
    const protocol = new FrameProtocol({ allowHalfOpen: true })
    expect(protocol.receive(wire('88 02 03 e8'))).toEqual([{ type: 'close', code: 1000, reason: '' }])
    expect(protocol.output()).toHaveLength(0)
    protocol.send('last words')
    protocol.close()
    expect(said(protocol)).toEqual([
      ['81', 'last words'],
      ['88', '\x03\xe8'],
    ])
  })

  test('takes bytes in any form, and nothing else', () => {
    const bytes = wire("81 02 'hi'")
    const protocol = new FrameProtocol()
    const message = [{ type: 'message', data: 'hi' }]
    expect(protocol.receive(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + 4))).toEqual(message)
    expect(protocol.receive(new DataView(bytes.buffer, bytes.byteOffset, 4))).toEqual(message)
    expect(() => protocol.receive('text' as never)).toThrow(/^bytes must be an ArrayBuffer or a view of one\.$/)
  })

  test('drops what it holds at its end, and takes nothing more', () => {
    const protocol = new FrameProtocol()
    protocol.receive(wire("01 01 'a'"))
    protocol.send('unsent')
    protocol.end()
    expect(protocol.state).toBe('aborted')
    expect(protocol.output()).toHaveLength(0)
    expect(protocol.receive(wire("80 01 'b'"))).toEqual([])
    expect(() => protocol.send('late')).toThrow(InvalidStateError)
  })
})

describe('encodeFrame', () => {
  test('makes one frame of any kind', () => {
    const frames = [
      encodeFrame(Opcode.text, Buffer.from('a'), { fin: false }),
      encodeFrame(Opcode.continuation, Buffer.from('b')),
      encodeFrame(Opcode.binary, new Uint8Array(70_000).fill(7), { rsv1: true }),
    ].flatMap(parseFrames)
    expect(frames.map(({ firstByte, payload }) => [firstByte, payload.length])).toEqual([
      [0x01, 1],
      [0x80, 1],
      [0xc2, 70_000],
    ])
    expect(frames[2]!.payload.every((byte) => byte === 7)).toBe(true)
    expect(new Set(frames.map(({ key }) => key)).size).toBe(3)
  })

  test('refuses an opcode that has no room in a frame', () => {
    for (const opcode of [-1, 16, 1.5]) expect(() => encodeFrame(opcode, new Uint8Array(0))).toThrow(OptionsError)
  })

  test('refuses a payload that is not bytes, and options that cannot be used', () => {
    expect(() => encodeFrame(Opcode.text, 'text' as never)).toThrow(
      /^payload must be an ArrayBuffer or a view of one\.$/,
    )
    for (const options of [null, 5, { final: false }, { fin: 0 }, { rsv1: 'no' }] as never[]) {
      expect(() => encodeFrame(Opcode.text, new Uint8Array(0), options)).toThrow(OptionsError)
    }
  })
})
