import { getEventListeners } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import {
  ClientWebSocket,
  type ClientWebSocketOptions,
  ConnectionClosedError,
  connect,
  InvalidStateError,
  MessageTooBigError,
  OptionsError,
  ProtocolError,
} from '../src/index.ts'
import { closePayload, frame, type PeerConnection, type PeerFrame } from './support/scripted-peer.ts'
import { aborted, failure, peer, rejection, server } from './support/servers.ts'

const CONTINUATION = 0
const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PONG = 10

/** A socket to a peer that does this once it has accepted. */
async function opened(
  script: (connection: PeerConnection) => Promise<unknown>,
  options: ClientWebSocketOptions = {},
): Promise<ClientWebSocket> {
  const { url } = await peer(async (connection) => {
    await connection.accept()
    await script(connection)
  })
  return aborted(await connect(url, options))
}

describe('what the server may not send', () => {
  /** Sends bytes, and gives the Close frame that the client answers with. */
  async function violating(bytes: Buffer, options?: ClientWebSocketOptions) {
    const answered = Promise.withResolvers<PeerFrame>()
    const script = async (connection: PeerConnection) => {
      await connection.write(bytes)
      answered.resolve(await connection.readFrame())
      await connection.readEnd()
      connection.end()
    }
    const socket = await opened(script, options)
    const error = await rejection(socket.receive())
    return { socket, error, close: await answered.promise }
  }

  test.each([
    ['a frame that continues nothing', frame(CONTINUATION, 'x'), 1002],
    ['a reserved bit', frame(TEXT, 'x', { rsv1: true }), 1002],
    ['an opcode that means nothing', frame(3), 1002],
    ['a masked frame', frame(TEXT, 'x', { mask: true }), 1002],
    ['a fragmented Ping', frame(9, 'x', { fin: false }), 1002],
    ['text that is not UTF-8', frame(TEXT, Uint8Array.of(0xc3, 0x28)), 1007],
    ['a Close frame of one byte', frame(CLOSE, 'x'), 1002],
    ['a Close frame with a code that may not travel', frame(CLOSE, closePayload(1006)), 1002],
    ['a Close frame whose reason is not UTF-8', frame(CLOSE, Uint8Array.of(3, 232, 0xff)), 1007],
  ])('%s fails the connection', async (_, bytes, code) => {
    const { socket, error, close } = await violating(bytes)
    expect(error).toBeInstanceOf(ProtocolError)
    expect(error).toMatchObject({ code: 'PROTOCOL_VIOLATION', closeCode: code, closeStatus: 1006, wasClean: false })
    expect(close).toMatchObject({ opcode: CLOSE, masked: true })
    expect(close.payload.readUInt16BE()).toBe(code)
    expect(socket).toMatchObject({ state: 'aborted', closeStatus: 1006 })
    await socket.close()
    expect(await rejection(socket.receive())).toBe(error)
    expect(await rejection(socket.send(''))).toBeInstanceOf(ConnectionClosedError)
  })

  test.each<[string, Buffer, ClientWebSocketOptions, number]>([
    ['a message above maxMessageSize', frame(BINARY, 'x'.repeat(11)), { maxMessageSize: 10 }, 10],
    [
      'fragments above maxMessageSize together',
      Buffer.concat([frame(BINARY, 'x'.repeat(6), { fin: false }), frame(CONTINUATION, 'x'.repeat(5))]),
      { maxMessageSize: 10 },
      10,
    ],
    [
      'more fragments than maxFragments',
      Buffer.concat([frame(TEXT, '', { fin: false }), frame(CONTINUATION, '', { fin: false }), frame(CONTINUATION)]),
      { maxFragments: 2 },
      2,
    ],
    ['a header that announces too much', frame(BINARY, new Uint8Array(70_000)).subarray(0, 10), { maxMessageSize: 69_999 }, 69_999], // biome-ignore format: one row
  ])('%s fails the connection with 1009', async (_, bytes, options, limit) => {
    const { error, close } = await violating(bytes, options)
    expect(error).toBeInstanceOf(MessageTooBigError)
    expect(error).toMatchObject({ code: 'MESSAGE_TOO_BIG', limit, closeStatus: 1006 })
    expect(close.payload.readUInt16BE()).toBe(1009)
  })

  test('what the limits allow is received', async () => {
    const parts = [frame(BINARY, 'x'.repeat(5), { fin: false }), frame(CONTINUATION, 'x'.repeat(5))]
    const socket = await opened((connection) => connection.write(Buffer.concat(parts)), {
      maxMessageSize: 10,
      maxFragments: 2,
    })
    expect(await socket.receive()).toHaveLength(10)
  })
})

describe('keep-alive', () => {
  /** Bytes; several times what the buffers of the system take. */
  const UPLOAD = 24 * 1024 * 1024
  /** Milliseconds between two reads. */
  const SLOWLY = 2

  test('a server that is gone is noticed', async () => {
    const socket = await opened(async (connection) => connection.readEnd().catch(() => {}), {
      keepAliveInterval: 20,
      keepAliveTimeout: 20,
    })
    const error = (await rejection(socket.receive())) as ConnectionClosedError
    expect(error).toBeInstanceOf(ConnectionClosedError)
    expect(error.cause).toMatchObject({ code: 'KEEP_ALIVE_TIMEOUT', timeout: 20 })
    expect(socket.state).toBe('aborted')
  })

  test('an upload to a server that reads slowly is not cut', async () => {
    const socket = await opened(
      async (connection) => {
        for (;;) {
          await connection.read()
          await setTimeout(SLOWLY)
        }
      },
      // The upload takes longer; a buffer of the system's may take half as long to have room again.
      { keepAliveInterval: 50, keepAliveTimeout: 500 },
    )
    const message = new Uint8Array(65_536)
    for (let sent = 0; sent < UPLOAD; sent += message.length) await socket.send(message)
    expect(socket.state).toBe('open')
  })

  test('an upload to a server that reads nothing is cut', async () => {
    const { url } = await server()
    const socket = aborted(await connect(`${url}/stalled`, { keepAliveInterval: 50, keepAliveTimeout: 100 }))
    const error = (await rejection(socket.send(new Uint8Array(2 * UPLOAD)))) as ConnectionClosedError
    expect(error.cause).toMatchObject({ code: 'KEEP_ALIVE_TIMEOUT' })
    expect(socket.state).toBe('aborted')
  })

  test('a server that answers is kept, whether or not anybody receives', async () => {
    const { url } = await server()
    const socket = aborted(await connect(`${url}/echo`, { keepAliveInterval: 10, keepAliveTimeout: 200 }))
    await setTimeout(100)
    expect(socket.state).toBe('open')
    await socket.send('here')
    expect(await socket.receive()).toBe('here')
  })

  test('without a timeout, Pongs show that we are there', async () => {
    const pongs = Promise.withResolvers<number[]>()
    await opened(
      async (connection) => {
        pongs.resolve([(await connection.readFrame()).opcode, (await connection.readFrame()).opcode])
      },
      { keepAliveInterval: 10 },
    )
    expect(await pongs.promise).toEqual([PONG, PONG])
  })
})

describe('iterators', () => {
  const close = (connection: PeerConnection) => connection.write(frame(CLOSE, closePayload(1000)))

  test('may be asked again after the end', async () => {
    const socket = await opened(close)
    for (const iterator of [socket[Symbol.asyncIterator](), socket.batches()]) {
      expect(await iterator.next()).toEqual({ done: true, value: undefined })
      expect(await iterator.next()).toEqual({ done: true, value: undefined })
      expect(iterator[Symbol.asyncIterator]()).toBe(iterator)
    }
  })

  test('may be left, which closes nothing', async () => {
    const socket = await opened((connection) => connection.write(frame(TEXT, 'a')))
    const iterator = socket[Symbol.asyncIterator]()
    expect(await iterator.return!('left')).toEqual({ done: true, value: 'left' })
    expect(await iterator.next()).toEqual({ done: false, value: 'a' })
    expect(socket.state).toBe('open')
  })

  test('that are left in the midst of what came together leave the rest of it', async () => {
    const socket = await opened((connection) =>
      connection.write(Buffer.concat(['a', '', 'c', 'd'].map((message) => frame(TEXT, message)))),
    )
    const seen: unknown[] = []
    for await (const message of socket) if (seen.push(message) === 2) break
    expect(seen).toEqual(['a', ''])
    expect(await socket.receive()).toBe('c')
    expect(await socket.batches().next()).toEqual({ done: false, value: ['d'] })
  })

  test('that are left while they wait let the next receive have the next message', async () => {
    const left = Promise.withResolvers<void>()
    const socket = await opened(async (connection) => {
      for (const message of ['a', 'b']) {
        await left.promise
        await connection.write(frame(TEXT, message))
        await connection.readFrame()
      }
    })
    const other = socket.batches()
    for (const iterator of [socket[Symbol.asyncIterator](), socket.batches()]) {
      const waiting = iterator.next()
      // One that does not wait has nothing to let go of.
      await other.return!()
      expect(await rejection(socket.receive())).toBeInstanceOf(InvalidStateError)
      await iterator.return!()
      expect(await waiting).toEqual({ done: true, value: undefined })
      left.resolve()
      expect(await socket.receive()).toMatch(/^[ab]$/)
      await socket.send('next')
    }
  })

  test('begin with a state error on a socket that never connected', async () => {
    const socket = new ClientWebSocket()
    await expect(socket.batches().next()).rejects.toMatchObject({ code: 'INVALID_STATE', state: 'none' })
    await expect(socket[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'INVALID_STATE' })
  })
})

test('a send behind a close that still waits for others says so', async () => {
  const { url } = await server()
  const socket = aborted(await connect(`${url}/echo`))
  const writer = socket.sendStream('text').getWriter()
  await writer.write('begun')
  const closed = socket.close()
  const error = await rejection(socket.send('late'))
  expect(error).toBeInstanceOf(InvalidStateError)
  expect((error as Error).message).toContain('is being closed')
  await writer.close()
  await closed
})

describe("the caller's signal", () => {
  test('is let go when a call is over', async () => {
    const { url } = await server()
    const { signal } = new AbortController()
    const listeners = () => getEventListeners(signal, 'abort').length
    const socket = aborted(await connect(`${url}/echo`, { signal }))
    await socket.send('a')
    await socket.receive({ signal })
    await socket.ping('b', { signal })
    await failure(connect(`${url}/refuse`, { signal }))
    const received = socket.receive({ signal })
    const pinged = socket.ping('c', { signal })
    expect(listeners()).toBe(2)
    socket.abort()
    await Promise.allSettled([received, pinged])
    expect(listeners()).toBe(0)
  })

  test('has to be one, or the socket stays as it was', async () => {
    const { url } = await server()
    const socket = aborted(new ClientWebSocket())
    for (const signal of [null, {}, 'abort'] as never[]) {
      expect(await rejection(socket.connect(url, { signal }))).toMatchObject({
        code: 'INVALID_OPTION',
        option: 'signal',
      })
      expect(socket.state).toBe('none')
    }
    await socket.connect(`${url}/echo`)
  })

  test('has to be one for whatever waits, and nothing is lost by one that is not', async () => {
    const { url } = await server()
    const socket = aborted(await connect(`${url}/echo`))
    for (const signal of [null, {}, 'abort', 1] as never[]) {
      for (const call of ['receive', 'receiveStream'] as const) {
        expect(await rejection(socket[call]({ signal }))).toMatchObject({ code: 'INVALID_OPTION', option: 'signal' })
      }
      expect(await rejection(socket.ping('a', { signal }))).toMatchObject({ code: 'INVALID_OPTION', option: 'signal' })
    }
    await socket.send('kept')
    expect(await socket.receive()).toBe('kept')
  })

  test('has a name: by itself in place of the options it is refused, and not ignored', async () => {
    const { url } = await server()
    const signal = new AbortController().signal as never
    const refused = { code: 'INVALID_OPTION', option: 'options', message: 'Pass the signal as { signal }.' }
    expect(await rejection(connect(url, signal))).toMatchObject(refused)
    const socket = aborted(new ClientWebSocket())
    expect(await rejection(socket.connect(url, signal))).toMatchObject(refused)
    await socket.connect(`${url}/echo`)
    expect(await rejection(socket.receive(signal))).toMatchObject(refused)
    expect(await rejection(socket.receiveStream(signal))).toMatchObject(refused)
    expect(await rejection(socket.ping('', signal))).toMatchObject(refused)
  })

  test('may be left out by null, and nothing but an object may hold it', async () => {
    const { url } = await server()
    const socket = aborted(await connect(`${url}/echo`))
    for (const options of ['x', 5, true] as never[]) {
      expect(await rejection(socket.receive(options))).toMatchObject({ code: 'INVALID_OPTION', option: 'options' })
    }
    const wrong = { singal: AbortSignal.abort() } as never
    const refused = { code: 'INVALID_OPTION', option: 'singal', message: 'There is no option singal.' }
    for (const call of ['receive', 'receiveStream'] as const) {
      expect(await rejection(socket[call](wrong))).toMatchObject(refused)
    }
    expect(await rejection(socket.ping('', wrong))).toMatchObject(refused)
    expect(await rejection(new ClientWebSocket().connect(url, wrong))).toMatchObject(refused)
    await socket.send('one')
    expect(await socket.receive(null as never)).toBe('one')
    expect(await socket.ping('', null as never)).toBeGreaterThanOrEqual(0)
  })

  test('belongs to connect, and not to the constructor', () => {
    const options = { signal: AbortSignal.abort() } as ClientWebSocketOptions
    expect(() => new ClientWebSocket(options)).toThrow(OptionsError)
  })
})

test('compress is true or false, and by itself in place of the options it is refused', async () => {
  const { url } = await server()
  const socket = aborted(await connect(`${url}/echo`))
  for (const [options, option] of [
    [false, 'options'],
    ['x', 'options'],
    [{ compress: 'no' }, 'compress'],
    [{ compress: 0 }, 'compress'],
    [{ compres: true }, 'compres'],
    [{ signal: undefined }, 'signal'],
  ] as [never, string][]) {
    expect(await rejection(socket.send('x', options))).toMatchObject({ code: 'INVALID_OPTION', option })
    expect(() => socket.sendStream('text', options)).toThrow(OptionsError)
  }
  await socket.send('one', { compress: false })
  expect(await socket.receive()).toBe('one')
})

test('the headers can be set to null, and to nothing else', async () => {
  const { url } = await server()
  const socket = aborted(await connect(`${url}/headers`))
  expect(() => {
    socket.httpResponseHeaders = new Headers() as never
  }).toThrow(OptionsError)
  expect(socket.httpResponseHeaders?.get('x-hello')).toBe('world')
})

test('connect without options that are an object fails by an OptionsError', async () => {
  const { url, connections } = await server()
  for (const options of [null, 'chat', 5] as never[]) {
    expect(await rejection(connect(url, options))).toMatchObject({ code: 'INVALID_OPTION', option: 'options' })
  }
  expect(connections()).toBe(0)
})

test('a socket that could not be opened may be closed', async () => {
  const { url } = await server()
  const socket = new ClientWebSocket()
  await failure(socket.connect(`${url}/refuse`))
  await socket.close()
  expect(socket.state).toBe('closed')
  const given = new ClientWebSocket()
  given.abort()
  await given.close()
  expect(given.state).toBe('aborted')
  expect(await rejection(new ClientWebSocket().close())).toBeInstanceOf(InvalidStateError)
})

test('a socket is shown by what is known of it, without userinfo', async () => {
  const { url } = await server()
  const socket = aborted(new ClientWebSocket())
  expect(inspect(socket)).toContain("state: 'none'")
  await socket.connect(`${url.replace('//', '//user:secret@')}/headers`)
  const shown = inspect(socket)
  for (const part of ["state: 'open'", `url: '${url}/headers'`, "transport: 'tcp'", 'httpStatusCode: 101']) {
    expect(shown).toContain(part)
  }
  expect(shown).not.toContain('secret')
  expect(inspect(socket.httpResponseHeaders)).toContain("[ 'x-hello', 'world' ]")
})

test('aborting and closing a socket that is over change nothing', async () => {
  const { url } = await server()
  const socket = await connect(`${url}/close?code=4000&reason=over`)
  expect(await socket.receive()).toBeUndefined()
  await socket.close()
  socket.abort()
  await socket.close(1000)
  expect(socket).toMatchObject({ state: 'closed', closeStatus: 4000, closeStatusDescription: 'over' })
  expect(await socket.receive()).toBeUndefined()
})
