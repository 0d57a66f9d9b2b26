import { describe, expect, test } from 'vitest'
import {
  type ClientWebSocket,
  type ClientWebSocketOptions,
  ConnectionClosedError,
  ProtocolError,
} from '../../src/index.ts'
import {
  DATA,
  dataFrame,
  END_STREAM,
  ERROR_CODES,
  errorCodeOf,
  type Http2Frame,
  headersFrame,
  type RawHttp2Connection,
  RST_STREAM,
  rstFrame,
} from '../support/raw-http2.ts'
import { closePayload, frame } from '../support/scripted-peer.ts'
import { rejection } from '../support/servers.ts'
import {
  CARRIERS,
  detailsOf,
  eventually,
  expectEcho,
  http2Server,
  later,
  OK,
  open,
  rawServer,
  setUp,
  trust,
} from './support.ts'

setUp()

const TEXT = 1
const CLOSE = 8
const CLOSE_FRAME = frame(CLOSE, closePayload(1000))
const { CANCEL, NO_ERROR } = ERROR_CODES
const CODES = Object.entries(ERROR_CODES)
/** Long enough for the few hundred milliseconds that either side may wait. */
const PATIENCE = 3000

/** The client's Close frame, which stands alone in its DATA frame. */
function clientClose(connection: RawHttp2Connection): Promise<Http2Frame> {
  return connection.next(({ type, payload }) => type === DATA && payload[0] === 0x88)
}

/** What the client has sent on stream 1 after its HEADERS, in short. */
function sent(connection: RawHttp2Connection): string[] {
  return connection.seenOn(1).slice(1).map(inShort)
}

function inShort(each: Http2Frame): string {
  if (each.type === RST_STREAM) return `RST ${errorCodeOf(each)}`
  const end = (each.flags & END_STREAM) === 0 ? '' : ' END_STREAM'
  return each.payload.length === 0 ? `empty${end}` : `${each.payload[0] === 0x88 ? 'Close' : 'frame'}${end}`
}

async function sentBecomes(connection: RawHttp2Connection, expected: readonly string[]): Promise<void> {
  await eventually(() => expect(sent(connection)).toEqual(expected))
}

describe.each(Object.keys(CARRIERS))('over %s', (name) => {
  const { secure, options: optionsFor } = CARRIERS[name]!
  const tls = () => (secure ? { tls: trust.certificate } : {})

  /** Opens a socket whose stream is the script's. */
  async function openOn(
    script: (connection: RawHttp2Connection, streamId: number) => Promise<void> | void,
    more: ClientWebSocketOptions = {},
  ): Promise<{ socket: ClientWebSocket; connection: RawHttp2Connection; neighbour(): Promise<ClientWebSocket> }> {
    const { url, connections } = await rawServer(async (connection) => {
      await connection.start()
      const streamId = await connection.nextRequest()
      await script(connection, streamId)
      // Whoever comes later is only welcomed.
      for (;;) {
        const id = await connection.nextRequest()
        await connection.write(headersFrame(id, OK), dataFrame(id, frame(TEXT, 'welcome')))
      }
    }, tls())
    const options = optionsFor(url)
    const socket = await open(url, { ...options, ...more })
    return { socket, connection: connections[0]!, neighbour: () => open(url, options) }
  }

  describe('after the closing handshake', () => {
    test('the Close frame goes alone, END_STREAM follows, and the stream is over with the end of the server', async () => {
      const { socket, connection } = await openOn(async (connection, id) => {
        await connection.write(headersFrame(id, OK))
        await clientClose(connection)
        await connection.write(dataFrame(id, CLOSE_FRAME))
        await connection.next(({ type, flags }) => type === DATA && (flags & END_STREAM) !== 0)
        await connection.write(dataFrame(id, Buffer.alloc(0), END_STREAM))
      })
      await socket.close()
      expect(detailsOf(socket)).toMatchObject({ state: 'closed', closeStatus: 1000 })
      await later(30)
      expect(sent(connection)).toEqual(['Close', 'empty END_STREAM'])
    })

    test('nothing is sent on a stream that the server has ended, until it is cancelled', async () => {
      const { socket, connection } = await openOn(async (connection, id) => {
        await connection.write(headersFrame(id, OK))
        await clientClose(connection)
        await connection.write(dataFrame(id, CLOSE_FRAME, END_STREAM))
      })
      const before = performance.now()
      await socket.close()
      expect(detailsOf(socket)).toMatchObject({ state: 'closed', closeStatus: 1000 })
      await sentBecomes(connection, ['Close', `RST ${CANCEL}`])
      expect(connection.frames.at(-1)!.at - before).toBeGreaterThan(100)
      expect(performance.now() - before).toBeLessThan(PATIENCE)
    })

    test('nothing at all is sent on a stream that the server has ended and reset', async () => {
      const { socket, connection } = await openOn(async (connection, id) => {
        await connection.write(headersFrame(id, OK))
        await clientClose(connection)
        await connection.write(dataFrame(id, CLOSE_FRAME, END_STREAM))
        await later(20)
        await connection.write(rstFrame(id, NO_ERROR))
      })
      const before = performance.now()
      await socket.close()
      expect(performance.now() - before).toBeLessThan(200)
      expect(detailsOf(socket)).toMatchObject({ state: 'closed', closeStatus: 1000 })
      await later(20)
      expect(sent(connection)).toEqual(['Close'])
    })

    test.each(CODES)('a RST_STREAM of %s is no error', async (_, code) => {
      const { socket, connection } = await openOn(async (connection, id) => {
        await connection.write(headersFrame(id, OK))
        await clientClose(connection)
        await connection.write(dataFrame(id, CLOSE_FRAME), rstFrame(id, code))
      })
      const before = performance.now()
      await socket.close()
      expect(performance.now() - before).toBeLessThan(200)
      expect(detailsOf(socket)).toMatchObject({ state: 'closed', closeStatus: 1000 })
      expect(await socket.receive()).toBeUndefined()
      expect(sent(connection)).toEqual(['Close'])
    })

    test('a server that never ends the stream is cut off', async () => {
      const { socket, connection } = await openOn(async (connection, id) => {
        await connection.write(headersFrame(id, OK))
        await clientClose(connection)
        await connection.write(dataFrame(id, CLOSE_FRAME))
      })
      const before = performance.now()
      await socket.close()
      expect(performance.now() - before).toBeLessThan(PATIENCE)
      expect(detailsOf(socket)).toMatchObject({ state: 'closed', closeStatus: 1000 })
      await sentBecomes(connection, ['Close', 'empty END_STREAM', `RST ${CANCEL}`])
    })

    test('the connection serves others', async () => {
      const { socket, connection, neighbour } = await openOn(async (connection, id) => {
        await connection.write(headersFrame(id, OK))
        await clientClose(connection)
        await connection.write(dataFrame(id, CLOSE_FRAME, END_STREAM))
      })
      await socket.close()
      const other = await neighbour()
      expect(await other.receive()).toBe('welcome')
      expect(connection.seenOn(3).length).toBeGreaterThan(0)
    })
  })

  describe('when the server closes', () => {
    test('its Close frame is answered, without END_STREAM on the answer', async () => {
      const { socket, connection } = await openOn(async (connection, id) => {
        await connection.write(headersFrame(id, OK), dataFrame(id, frame(CLOSE, closePayload(4001, 'bye'))))
        await clientClose(connection)
        await connection.write(dataFrame(id, Buffer.alloc(0), END_STREAM))
      })
      expect(await socket.receive()).toBeUndefined()
      await socket.close()
      expect(detailsOf(socket)).toMatchObject({ state: 'closed', closeStatus: 4001, closeStatusDescription: 'bye' })
      expect(sent(connection)[0]).toBe('Close')
    })

    test('with END_STREAM on its Close frame, the answer goes out all the same', async () => {
      const { socket, connection } = await openOn((connection, id) =>
        connection.write(headersFrame(id, OK), dataFrame(id, frame(CLOSE, closePayload(4001)), END_STREAM)),
      )
      expect(await socket.receive()).toBeUndefined()
      await socket.close()
      expect(detailsOf(socket)).toMatchObject({ state: 'closed', closeStatus: 4001 })
      await sentBecomes(connection, ['Close', `RST ${CANCEL}`])
    })
  })

  describe('without a Close frame', () => {
    const BEGUN = (id: number) => [headersFrame(id, OK), dataFrame(id, frame(TEXT, 'hello'))]

    /** Everything that came before can be received; then the socket is lost. */
    async function expectLost(socket: ClientWebSocket, messages: readonly string[] = []): Promise<void> {
      for (const message of messages) expect(await socket.receive()).toBe(message)
      const error = await rejection(socket.receive())
      expect(error).toBeInstanceOf(ConnectionClosedError)
      expect(error).toMatchObject({ code: 'CONNECTION_CLOSED', closeStatus: 1006, wasClean: false })
      expect(detailsOf(socket)).toMatchObject({ state: 'aborted', closeStatus: 1006, httpStatusCode: 200 })
      await eventually(() => expect(socket.bufferedAmount).toBe(0))
      await socket.close()
    }

    test.each([
      ['with the headers', (id: number) => [headersFrame(id, OK, END_STREAM)], []],
      [
        'right after the headers',
        (id: number) => [headersFrame(id, OK), dataFrame(id, Buffer.alloc(0), END_STREAM)],
        [],
      ],
      [
        'with the data',
        (id: number) => [headersFrame(id, OK), dataFrame(id, frame(TEXT, 'hello'), END_STREAM)],
        ['hello'],
      ],
      ['after the data', (id: number) => [...BEGUN(id), dataFrame(id, Buffer.alloc(0), END_STREAM)], ['hello']],
      [
        'in the middle of a frame',
        (id: number) => [...BEGUN(id), dataFrame(id, Buffer.of(0x81), END_STREAM)],
        ['hello'],
      ],
    ] as const)('END_STREAM %s is 1006', async (_, answer, messages) => {
      const { socket, connection } = await openOn((connection, id) => connection.write(...answer(id)))
      await expectLost(socket, messages)
      await sentBecomes(connection, [`RST ${CANCEL}`])
    })

    test.each(CODES)('RST_STREAM of %s is 1006', async (_, code) => {
      const { socket, connection } = await openOn(async (connection, id) => {
        await connection.write(...BEGUN(id))
        await connection.next(({ type }) => type === DATA)
        await connection.write(rstFrame(id, code))
      })
      expect(await socket.receive()).toBe('hello')
      await socket.send('go')
      await expectLost(socket)
      expect(sent(connection)).toEqual(['frame'])
    })

    test('RST_STREAM right behind the headers is 1006', async () => {
      const { socket } = await openOn((connection, id) => connection.write(headersFrame(id, OK), rstFrame(id, CANCEL)))
      await expectLost(socket)
    })

    test('RST_STREAM loses nothing that came before it', async () => {
      const { socket } = await openOn((connection, id) => connection.write(...BEGUN(id), rstFrame(id, NO_ERROR)))
      await expectLost(socket, ['hello'])
    })

    test('RST_STREAM in answer to our Close frame is 1006', async () => {
      const { socket } = await openOn(async (connection, id) => {
        await connection.write(headersFrame(id, OK))
        await clientClose(connection)
        await connection.write(rstFrame(id, NO_ERROR))
      })
      await socket.close()
      expect(detailsOf(socket)).toMatchObject({ state: 'aborted', closeStatus: 1006 })
    })

    test('a send that waits fails with the stream', async () => {
      const { socket } = await openOn(async (connection, id) => {
        await connection.write(headersFrame(id, OK))
        await connection.next(({ type }) => type === DATA)
        await connection.write(rstFrame(id, CANCEL))
      })
      expect(await rejection(socket.send(new Uint8Array(16 * 1024 * 1024)))).toBeInstanceOf(ConnectionClosedError)
      await expectLost(socket)
    })

    test('a server that never answers ours is cut off after closeTimeout', async () => {
      const { socket, connection } = await openOn((connection, id) => connection.write(headersFrame(id, OK)), {
        closeTimeout: 60,
      })
      const before = performance.now()
      await socket.close()
      expect(performance.now() - before).toBeLessThan(1000)
      expect(detailsOf(socket)).toMatchObject({ state: 'aborted', closeStatus: 1006 })
      await sentBecomes(connection, ['Close', `RST ${CANCEL}`])
    })
  })

  describe('when we abort', () => {
    test('the stream is cancelled at once, and the others go on', async () => {
      const server = await http2Server(tls())
      const options = optionsFor(server.url)
      const [aborted, other] = [await open(`${server.url}/echo`, options), await open(`${server.url}/echo`, options)]
      aborted.abort()
      expect(await server.connects[0]!.closed).toBe(CANCEL)
      await expectEcho(other)
      expect(server.connections()).toBe(1)
    })

    test('what was unsent is let go of, and the others go on', async () => {
      const server = await http2Server(tls())
      const options = optionsFor(server.url)
      const other = await open(`${server.url}/echo`, options)
      for (let i = 0; i < 4; i++) {
        const socket = await open(`${server.url}/stalled`, options)
        const sent = rejection(socket.send(new Uint8Array(20 * 1024 * 1024)))
        await later(5)
        socket.abort('enough')
        expect(await sent).toBe('enough')
        await eventually(() => expect(socket.bufferedAmount).toBe(0))
      }
      const message = new Uint8Array(3_000_000).fill(7)
      await other.send(message)
      expect(Buffer.from((await other.receive()) as Uint8Array).equals(message)).toBe(true)
    })
  })

  test('what a plain server answers with 200 is not taken for frames', async () => {
    const { socket, connection } = await openOn((connection, id) =>
      connection.write(
        headersFrame(id, { ...OK, 'content-type': 'text/html' }),
        dataFrame(id, Buffer.from('<!doctype html><title>hello</title>'), END_STREAM),
      ),
    )
    const error = await rejection(socket.receive())
    expect(error).toBeInstanceOf(ProtocolError)
    expect(socket.state).toBe('aborted')
    await eventually(() => expect(sent(connection).at(-1)).toBe(`RST ${CANCEL}`))
  })

  test('frames right behind the 200 are received', async () => {
    const { socket } = await openOn((connection, id) =>
      connection.write(headersFrame(id, OK), dataFrame(id, Buffer.concat([frame(TEXT, 'one'), frame(TEXT, 'two')]))),
    )
    expect(await socket.receive()).toBe('one')
    expect(await socket.receive()).toBe('two')
  })

  test('nothing is sent before the answer', async () => {
    const { socket, connection } = await openOn(async (connection, id) => {
      await later(30)
      expect(connection.seenOn(id).length).toBe(1)
      expect(connection.seenOn(id)[0]!.flags & END_STREAM).toBe(0)
      await connection.write(headersFrame(id, OK))
    })
    await socket.send('now')
    await sentBecomes(connection, ['frame'])
  })

  describe('a connection that dies under all its streams', () => {
    test.each([
      ['by an end', (connection: RawHttp2Connection) => connection.peer.end()],
      ['by a reset', (connection: RawHttp2Connection) => connection.peer.reset()],
    ])('%s fails every socket, and leaves none hanging', async (_, cut) => {
      const { url, connections } = await rawServer(async (connection) => {
        await connection.start()
        for (let i = 0; i < 50; i++) await connection.write(headersFrame(await connection.nextRequest(), OK))
      }, tls())
      const options = optionsFor(url)
      const sockets = await Promise.all(Array.from({ length: 50 }, () => open(url, options)))
      expect(connections.length).toBe(1)
      const calls = sockets.flatMap((socket, index) => [
        rejection(socket.receive()),
        rejection(index % 2 === 0 ? socket.ping() : socket.send(new Uint8Array(1024 * 1024))),
      ])
      cut(connections[0]!)
      for (const error of await Promise.all(calls)) {
        expect(error).toMatchObject({ code: 'CONNECTION_CLOSED', closeStatus: 1006, wasClean: false })
      }
      for (const socket of sockets) expect(detailsOf(socket)).toMatchObject({ state: 'aborted', closeStatus: 1006 })
    })

    test('silently is found by the keep-alive', async () => {
      const { socket } = await openOn((connection, id) => connection.write(headersFrame(id, OK)), {
        keepAliveInterval: 30,
        keepAliveTimeout: 30,
      })
      const error = await rejection(socket.receive())
      expect(error).toMatchObject({ closeStatus: 1006, cause: { code: 'KEEP_ALIVE_TIMEOUT' } })
    })
  })
})
