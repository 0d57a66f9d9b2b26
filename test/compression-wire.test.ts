/** permessage-deflate as a peer sees it that looks at every bit, and that does everything wrong. */
import { setTimeout } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  type ClientWebSocket,
  type ClientWebSocketOptions,
  connect,
  MessageTooBigError,
  ProtocolError,
} from '../src/index.ts'
import { concat } from './codec/support.ts'
import { compressed, inflated, noise, prose, stored } from './deflate/support.ts'
import { closePayload, frame, type PeerConnection, type PeerFrame } from './support/scripted-peer.ts'
import { aborted, failure, handlesBecome, openHandles, peer, rejection } from './support/servers.ts'

const CONTINUATION = 0
const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PING = 9
const RSV1 = 4

const LONG = Buffer.from(prose(3000)).toString()

interface Opened {
  readonly socket: ClientWebSocket
  readonly connection: PeerConnection
}

/** A socket and its peer, which answers the offer with this. */
async function open(options: ClientWebSocketOptions = {}, answer = 'permessage-deflate'): Promise<Opened> {
  const accepted = Promise.withResolvers<PeerConnection>()
  const { url } = await peer(async (connection) => {
    await connection.accept([`Sec-WebSocket-Extensions: ${answer}`])
    accepted.resolve(connection)
  })
  const socket = aborted(await connect(url, { perMessageDeflate: true, ...options }))
  return { socket, connection: await accepted.promise }
}

function deflated(message: string | Uint8Array, fin = true): Buffer {
  return frame(typeof message === 'string' ? TEXT : BINARY, compressed(message), { rsv1: true, fin })
}

async function frames(connection: PeerConnection, count: number): Promise<PeerFrame[]> {
  const read: PeerFrame[] = []
  for (let i = 0; i < count; i++) read.push(await connection.readFrame())
  return read
}

describe('what is offered', () => {
  test.each<[ClientWebSocketOptions['perMessageDeflate'], string | undefined]>([
    [false, undefined],
    [true, 'permessage-deflate; client_max_window_bits'],
    [{ clientMaxWindowBits: 9 }, 'permessage-deflate; client_max_window_bits=9'],
    [{ serverMaxWindowBits: 9 }, 'permessage-deflate; server_max_window_bits=9; client_max_window_bits'],
    [{ clientContextTakeover: false }, 'permessage-deflate; client_no_context_takeover; client_max_window_bits'],
    [{ serverContextTakeover: false }, 'permessage-deflate; server_no_context_takeover; client_max_window_bits'],
    [{ threshold: 5 }, 'permessage-deflate; client_max_window_bits'],
  ])('for perMessageDeflate: %j is what it says', async (perMessageDeflate, offer) => {
    const offered = Promise.withResolvers<string | undefined>()
    const { url } = await peer(async (connection) => {
      const { headers } = await connection.readRequest()
      offered.resolve(headers.get('sec-websocket-extensions'))
      await connection.accept()
    })
    const socket = aborted(await connect(url, { perMessageDeflate: perMessageDeflate! }))
    expect(await offered.promise).toBe(offer)
    expect(socket.extensions).toBe('')
  })

  test.each([
    ['nothing', 'permessage-deflate', {}],
    ['a window of the server', 'permessage-deflate', { perMessageDeflate: { serverMaxWindowBits: 10 } }],
    ['no takeover of the server', 'permessage-deflate', { perMessageDeflate: { serverContextTakeover: false } }],
    ['no such parameter', 'permessage-deflate; x', { perMessageDeflate: true }],
  ])('and that is answered as if it were something else fails the handshake: %s', async (_, answer, options) => {
    const { url } = await peer((connection) => connection.accept([`Sec-WebSocket-Extensions: ${answer}`]))
    const error = await failure(connect(url, options), 'INVALID_EXTENSION')
    expect(error.message).toContain('127.0.0.1')
    expect(error.response?.status).toBe(101)
  })
})

describe('what is sent', () => {
  test('is compressed from the threshold on, and has RSV1 then alone', async () => {
    const { socket, connection } = await open({ perMessageDeflate: { threshold: 100 } })
    for (const message of ['x'.repeat(99), 'x'.repeat(100), new Uint8Array(99), new Uint8Array(100)]) {
      await socket.send(message)
    }
    const seen = await frames(connection, 4)
    expect(seen.map(({ opcode, rsv, fin }) => [opcode, rsv, fin])).toEqual([
      [TEXT, 0, true],
      [TEXT, RSV1, true],
      [BINARY, 0, true],
      [BINARY, RSV1, true],
    ])
    expect(inflated([seen[1]!.payload, seen[3]!.payload]).toString('latin1')).toBe('x'.repeat(100) + '\0'.repeat(100))
  })

  test('has a threshold of 1,024 bytes by default', async () => {
    const { socket, connection } = await open()
    await socket.send('x'.repeat(1023))
    await socket.send('x'.repeat(1024))
    expect((await frames(connection, 2)).map(({ rsv }) => rsv)).toEqual([0, RSV1])
  })

  test('is compressed whatever its size with a threshold of 0, but for nothing', async () => {
    const { socket, connection } = await open({ perMessageDeflate: { threshold: 0 } })
    await socket.send('x')
    await socket.send('')
    expect((await frames(connection, 2)).map(({ rsv, payload }) => [rsv, payload.length])).toEqual([
      [RSV1, 3],
      [0, 0],
    ])
  })

  test('is as it is with compress: false', async () => {
    const { socket, connection } = await open({ perMessageDeflate: { threshold: 0 } })
    await socket.send(LONG, { compress: false })
    await socket.send(LONG, { compress: true })
    await socket.send(LONG)
    await socket.send(new Blob([LONG]), { compress: false })
    const writer = socket.sendStream('text', { compress: false }).getWriter()
    await writer.write(LONG)
    await writer.close()
    const seen = await frames(connection, 7)
    expect(seen.map(({ rsv }) => rsv)).toEqual([0, RSV1, RSV1, 0, 0, 0, 0])
    expect(seen[0]!.payload.toString()).toBe(LONG)
    expect(inflated([seen[1]!.payload, seen[2]!.payload]).toString()).toBe(LONG + LONG)
  })

  test('has RSV1 on the first fragment of a stream alone', async () => {
    const { socket, connection } = await open()
    const writer = socket.sendStream('text').getWriter()
    await writer.write('Hel')
    void socket.ping('p')
    await writer.write('lo')
    await writer.close()
    const seen = await frames(connection, 4)
    expect(seen.map(({ opcode, rsv, fin }) => [opcode, rsv, fin])).toEqual([
      [TEXT, RSV1, false],
      [PING, 0, true],
      [CONTINUATION, 0, false],
      [CONTINUATION, 0, true],
    ])
    const data = seen.filter(({ opcode }) => opcode !== PING).map(({ payload }) => payload)
    expect(inflated([Buffer.concat(data)]).toString()).toBe('Hello')
  })

  test('keeps to the window that was agreed on, and to messages that stand alone', async () => {
    const answer = 'permessage-deflate; client_max_window_bits=9; client_no_context_takeover'
    const { socket, connection } = await open({}, answer)
    for (let i = 0; i < 3; i++) await socket.send(LONG)
    const seen = await frames(connection, 3)
    for (const { payload } of seen) expect(inflated([payload], 9).toString()).toBe(LONG)
    expect(seen[2]!.payload).toEqual(seen[0]!.payload)
  })

  test('is not compressed when the server allows a window only that zlib cannot make', async () => {
    const { socket, connection } = await open({}, 'permessage-deflate; client_max_window_bits=8')
    await socket.send(LONG)
    expect((await connection.readFrame()).rsv).toBe(0)
    await connection.write(deflated(LONG))
    expect(await socket.receive()).toBe(LONG)
  })

  test('stays in order when long messages are among many', async () => {
    const { socket, connection } = await open()
    const messages = Array.from({ length: 60 }, (_, i) => Buffer.from(prose(i % 7 === 0 ? 600_000 : 10 + 100 * i, i)))
    const sent = Promise.all(messages.map((message) => socket.send(message)))
    const ended = socket.closeOutput(4000)
    const seen = await frames(connection, 61)
    await sent
    await ended
    const small = seen.slice(0, 60).flatMap(({ rsv, payload }) => (rsv === RSV1 ? [payload] : []))
    expect(inflated(small).equals(Buffer.concat(messages.filter(({ length }) => length >= 1024)))).toBe(true)
    const asTheyAre = seen.slice(0, 60).flatMap(({ rsv }, i) => (rsv === 0 ? [i] : []))
    expect(asTheyAre).toEqual(messages.flatMap(({ length }, i) => (length < 1024 ? [i] : [])))
    for (const i of asTheyAre) expect(seen[i]!.payload.equals(messages[i]!)).toBe(true)
    expect(seen[60]).toMatchObject({ opcode: CLOSE })
  })
})

describe('what is received', () => {
  test('with RSV1 is inflated, and without it is not, though it was agreed on', async () => {
    const { socket, connection } = await open()
    await connection.write(Buffer.concat([deflated(LONG), frame(TEXT, 'as it is'), frame(TEXT, ''), deflated('!')]))
    expect(await socket.receive()).toBe(LONG)
    expect(await socket.receive()).toBe('as it is')
    expect(await socket.receive()).toBe('')
    expect(await socket.receive()).toBe('!')
  })

  test('with RSV1, if that was not agreed on, fails the connection with 1002', async () => {
    const { url, connections } = await peer(async (connection) => {
      await connection.accept()
      await connection.write(deflated(LONG))
    })
    const socket = aborted(await connect(url, { perMessageDeflate: true }))
    expect(await rejection(socket.receive())).toMatchObject({ violation: 'reserved-bits', closeCode: 1002 })
    expect((await connections[0]!.readFrame()).payload.readUInt16BE()).toBe(1002)
  })
})

describe('nothing is left when', () => {
  const whole = compressed(prose(400))

  /** Sends bytes, and gives the error of whoever receives, once everything is over. */
  async function failing(bytes: Buffer, call: 'receive' | 'stream' = 'receive') {
    const { socket, connection } = await open()
    const failed = call === 'receive' ? rejection(socket.receive()) : rejection(readStream(socket))
    const pinged = rejection(socket.ping())
    await connection.write(bytes)
    const error = await failed
    expect(await pinged).toBe(error)
    let close = await connection.readFrame()
    if (close.opcode === PING) close = await connection.readFrame()
    connection.end()
    await socket.close()
    expect(socket).toMatchObject({ state: 'aborted', closeStatus: 1006, bufferedAmount: 0 })
    return { error, code: close.payload.readUInt16BE() }
  }

  async function readStream(socket: ClientWebSocket): Promise<void> {
    for await (const _ of (await socket.receiveStream())!.stream);
  }

  test('a message is cut off, or corrupt, at any byte', async () => {
    const before = openHandles()
    for (let at = 0; at < whole.length; at += 7) {
      const cutOff = frame(BINARY, whole.subarray(0, at), { rsv1: true })
      const { error, code } = await failing(cutOff)
      expect(error).toBeInstanceOf(ProtocolError)
      expect(error).toMatchObject({ violation: 'invalid-deflate' })
      expect(code).toBe(1007)
    }
    for (const call of ['receive', 'stream'] as const) {
      const corrupt = concat(whole.subarray(0, 60), noise(40), whole.subarray(100))
      const fragments = [
        frame(BINARY, corrupt.subarray(0, 50), { rsv1: true, fin: false }),
        frame(CONTINUATION, corrupt.subarray(50)),
      ]
      expect(await failing(Buffer.concat(fragments), call)).toMatchObject({ code: 1007 })
    }
    await handlesBecome(before)
  })

  test('the connection is lost in the middle of one', async () => {
    const before = openHandles()
    const { socket, connection } = await open()
    await connection.write(frame(BINARY, whole, { rsv1: true }).subarray(0, 100))
    const received = rejection(socket.receive())
    await setTimeout(20)
    connection.reset()
    expect(await received).toMatchObject({ code: 'CONNECTION_CLOSED', closeStatus: 1006 })
    await connection.closed
    await handlesBecome(before)
  })
})

describe('text with a bad byte', () => {
  /** Flushed up to the bad byte; more of the message would follow. */
  const TEXTS: readonly (readonly [string, Uint8Array])[] = [
    ['stored', stored(Buffer.concat([Buffer.from('some text, ü€'), Buffer.of(0xc3, 0x28)]))],
    ['deflated', compressed(Buffer.concat([Buffer.from('some text, some text, ü€'), Buffer.of(0xed, 0xa0)]))],
  ]

  /** How the bytes of a message that does not end come. */
  const FRAMINGS: readonly (readonly [string, (bytes: Uint8Array) => Buffer])[] = [
    ['in a frame that goes on', (bytes) => frame(TEXT, concat(bytes, noise(100)), { rsv1: true }).subarray(0, -100)],
    ['in a fragment', (bytes) => frame(TEXT, bytes, { rsv1: true, fin: false })],
    [
      'in fragments of a byte each',
      (bytes) => {
        const parts = Array.from(bytes, (_, i) =>
          frame(i === 0 ? TEXT : CONTINUATION, bytes.subarray(i, i + 1), { rsv1: i === 0, fin: false }),
        )
        return Buffer.concat(parts)
      },
    ],
  ]

  const cases = TEXTS.flatMap(([kind, bytes]) =>
    FRAMINGS.map(([how, framed]) => [`${kind}, ${how}`, framed(bytes)] as const),
  )

  test.each(cases)('fails with 1007 as soon as it has come, in every cut: %s', async (_, bytes) => {
    const { url, close } = await peerOfCuts(bytes)
    onTestFinished(close)
    const step = Math.ceil(bytes.length / 12)
    for (let cut = 1; cut <= bytes.length; cut += step) {
      const socket = aborted(await connect(`${url}/${cut}`, { perMessageDeflate: true }))
      // The peer sends nothing more before it has seen the Close frame; without that this would wait for ever.
      expect(await rejection(socket.receive())).toMatchObject({ violation: 'invalid-utf8', closeCode: 1007 })
      await socket.close()
    }
  })

  /** Sends the bytes in two writes, cut where the path says, waits for the Close frame, and checks it. */
  function peerOfCuts(bytes: Buffer) {
    return peer(async (connection) => {
      const { head } = await connection.readRequest()
      const cut = Number(/ \/(\d+) /.exec(head)?.[1])
      await connection.accept(['Sec-WebSocket-Extensions: permessage-deflate'])
      await connection.write(bytes.subarray(0, cut))
      await setTimeout(5)
      await connection.write(bytes.subarray(cut))
      const { opcode, payload } = await connection.readFrame()
      if (opcode !== CLOSE || payload.readUInt16BE() !== 1007) throw new Error('Not the Close frame that was expected')
      connection.end()
    })
  }
})

test('a message that is too big when it is inflated is refused with 1009', async () => {
  const { socket, connection } = await open({ maxMessageSize: 1000 })
  const received = rejection(socket.receive())
  await connection.write(deflated('x'.repeat(1001)))
  expect(await received).toBeInstanceOf(MessageTooBigError)
  expect((await connection.readFrame()).payload.readUInt16BE()).toBe(1009)
})

test('messages that nobody reads are not inflated, and hold the server back', async () => {
  const { socket, connection } = await open({ highWaterMark: 100_000 })
  // A few bytes each, and a megabyte.
  const message = frame(BINARY, compressed(new Uint8Array(1_000_000)), { rsv1: true })
  await connection.write(Buffer.concat(new Array<Buffer>(100).fill(message)))
  await connection.write(frame(CLOSE, closePayload(1000)))
  await setTimeout(50)
  expect(process.memoryUsage().arrayBuffers).toBeLessThan(60_000_000)
  let count = 0
  for await (const each of socket) {
    expect(each).toHaveLength(1_000_000)
    count++
  }
  expect(count).toBe(100)
})
