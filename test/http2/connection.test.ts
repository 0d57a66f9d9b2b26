import { describe, expect, test } from 'vitest'
import {
  CONNECT_ALLOWED,
  dataFrame,
  ERROR_CODES,
  goawayFrame,
  type Http2Script,
  type RawHttp2Connection,
  SETTING,
  settingsFrame,
} from '../support/raw-http2.ts'
import { frame } from '../support/scripted-peer.ts'
import { failure, rejection } from '../support/servers.ts'
import {
  answering,
  CARRIERS,
  create,
  detailsOf,
  eventually,
  expectEcho,
  http2Server,
  later,
  NEGOTIATED,
  open,
  rawServer,
  requests,
  setUp,
  trust,
  welcome,
} from './support.ts'

setUp()

describe('SETTINGS', () => {
  test('that allow no more streams send the next socket to another connection, and leave the others open', async () => {
    const server = await http2Server({ tls: trust.certificate })
    const first = await open(`${server.url}/echo`, NEGOTIATED)
    const [session] = server.sessions
    const draining = { maxConcurrentStreams: 0, enableConnectProtocol: true }
    await new Promise<void>((resolve) => session!.settings(draining, () => resolve()))
    const second = await open(`${server.url}/echo`, NEGOTIATED)
    expect(server.connections()).toBe(2)
    await expectEcho(first)
    await expectEcho(second)
  })

  test('that never come are waited for no longer than handshakeTimeout', async () => {
    const { url, connections } = await rawServer((connection) => connection.startWithoutSettings(), {
      tls: trust.certificate,
    })
    const before = performance.now()
    const error = await failure(create({ ...NEGOTIATED, handshakeTimeout: 80 }).connect(url), 'HANDSHAKE_TIMEOUT')
    expect(performance.now() - before).toBeLessThan(1000)
    expect(error).toMatchObject({ retriable: true, response: undefined })
    expect(error.attempts).toMatchObject([{ httpVersion: '2', status: 0 }])
    expect(connections.map(requests)).toEqual([[]])
  })

  test('that never come can be given up by the caller', async () => {
    const { url, connections } = await rawServer((connection) => connection.startWithoutSettings())
    const reason = new Error('no longer wanted')
    const controller = new AbortController()
    const connected = create().connect(url, { signal: controller.signal })
    await eventually(() => expect(connections.length).toBe(1))
    controller.abort(reason)
    expect(await rejection(connected)).toBe(reason)
    expect(connections.map(requests)).toEqual([[]])
  })

  test('that come late are waited for before anything is asked', async () => {
    const { url, connections } = await rawServer(async (connection) => {
      await connection.startWithoutSettings()
      await later(60)
      expect(requests(connection)).toEqual([])
      await connection.sendSettings()
      await connection.write(...welcome(await connection.nextRequest()))
    })
    expect(await (await open(url)).receive()).toBe('welcome')
    expect(connections.length).toBe(1)
  })

  test('that allow extended CONNECT only later do so for later sockets', async () => {
    const { url, connections } = await rawServer(async (connection) => {
      await connection.start({})
      await later(30)
      await connection.write(settingsFrame(CONNECT_ALLOWED))
      await connection.write(...welcome(await connection.nextRequest()))
    })
    await failure(create().connect(url), 'EXTENDED_CONNECT_UNSUPPORTED')
    await later(60)
    expect(await (await open(url)).receive()).toBe('welcome')
    expect(connections.length).toBe(1)
  })

  test('that take extended CONNECT back are an error of the connection', async () => {
    const { url, connections } = await rawServer(async (connection) => {
      await connection.start()
      await connection.write(...welcome(await connection.nextRequest()))
      await connection.write(settingsFrame({ [SETTING.ENABLE_CONNECT_PROTOCOL]: 0 }))
    })
    const socket = await open(url)
    expect(await socket.receive()).toBe('welcome')
    await rejection(socket.receive())
    expect(detailsOf(socket)).toMatchObject({ state: 'aborted', closeStatus: 1006 })
    await connections[0]!.ended
  })

  test('with a limit of streams make the pool open another connection', async () => {
    const server = await http2Server({ settings: { maxConcurrentStreams: 2 } })
    const openNumber = (number: number) => open(`${server.url}/echo?${number}`)
    const sockets = await Promise.all([1, 2, 3, 4, 5, 6].map(openNumber))
    await Promise.all(sockets.map((socket) => expectEcho(socket)))
    expect(server.connections()).toBe(3)
    await sockets[0]!.close()
    await server.connects.find(({ headers }) => headers[':path'] === '/echo?1')!.closed
    await expectEcho(await openNumber(7))
    expect(server.connections()).toBe(3)
    await expectEcho(await openNumber(8))
    expect(server.connections()).toBe(4)
  })

  test('with a window of 0 hold back what is sent until it opens', async () => {
    const server = await http2Server({ settings: { initialWindowSize: 0 } })
    const opened = open(`${server.url}/echo`)
    const socket = await opened
    const sent = socket.send(new Uint8Array(1_000_000))
    await later(20)
    expect(socket.bufferedAmount).toBeGreaterThan(1_000_000)
    server.sessions[0]!.settings({ initialWindowSize: 65_535 })
    await sent
    expect(((await socket.receive()) as Uint8Array).length).toBe(1_000_000)
  })
})

describe('GOAWAY', () => {
  /** Each connection by its number. */
  function inTurn(...scripts: Http2Script[]): Http2Script {
    let index = 0
    return (connection) => scripts[index++]!(connection)
  }

  const welcoming = answering(welcome)

  test('before the request makes another connection', async () => {
    const { url, connections } = await rawServer(
      inTurn(async (connection) => {
        await connection.startWithoutSettings()
        await connection.write(settingsFrame(CONNECT_ALLOWED), goawayFrame(0))
      }, welcoming),
    )
    expect(await (await open(url)).receive()).toBe('welcome')
    expect(connections.length).toBe(2)
  })

  test('below the stream of the request makes another connection', async () => {
    const { url, connections } = await rawServer(
      inTurn(async (connection) => {
        await connection.start()
        await connection.nextRequest()
        await connection.write(goawayFrame(0))
      }, welcoming),
    )
    expect(await (await open(url)).receive()).toBe('welcome')
    expect(connections.map(requests)).toEqual([[1], [1]])
  })

  test('again and again fails after three tries', async () => {
    const { url, connections } = await rawServer(async (connection) => {
      await connection.start()
      await connection.nextRequest()
      await connection.write(goawayFrame(0))
    })
    const error = await failure(create().connect(url))
    expect(error).toMatchObject({ retriable: true, response: undefined })
    expect(connections.flatMap(requests).length).toBe(3)
  })

  test.each([1, 2 ** 31 - 1])('that spares the stream, %i, lets it be answered', async (last) => {
    const { url, connections } = await rawServer(
      inTurn(async (connection) => {
        await connection.start()
        const id = await connection.nextRequest()
        await connection.write(goawayFrame(last))
        await later(20)
        await connection.write(...welcome(id))
      }, welcoming),
    )
    const socket = await open(url)
    expect(await socket.receive()).toBe('welcome')
    expect(connections.length).toBe(1)
    // Nothing new may be asked there, but what is open goes on.
    expect(await (await open(url)).receive()).toBe('welcome')
    expect(connections.length).toBe(2)
    await connections[0]!.write(dataFrame(1, frame(1, 'still here')))
    expect(await socket.receive()).toBe('still here')
  })

  test("tells a connect that waits for room on a caller's session", async () => {
    const { url, connections } = await rawServer(async (connection) => {
      await connection.startWithoutSettings()
      await connection.write(settingsFrame({ ...CONNECT_ALLOWED, [SETTING.MAX_CONCURRENT_STREAMS]: 1 }))
      await connection.write(...welcome(await connection.nextRequest()))
    })
    const options = CARRIERS["a caller's session"]!.options(url)
    const socket = await open(url, options)
    expect(await socket.receive()).toBe('welcome')
    const waiting = failure(create(options).connect(url), 'CONNECTION_LOST')
    await later(20)
    await connections[0]!.write(goawayFrame(1))
    expect(await waiting).toMatchObject({ retriable: true, response: undefined })
    await connections[0]!.write(dataFrame(1, frame(1, 'still here')))
    expect(await socket.receive()).toBe('still here')
    expect(connections.map(requests)).toEqual([[1]])
  })

  test('with an error is never a reason to try HTTP/1.1', async () => {
    const { url, connections } = await rawServer(
      async (connection) => {
        await connection.start()
        await connection.nextRequest()
        await connection.write(goawayFrame(1, ERROR_CODES.INADEQUATE_SECURITY))
        connection.peer.end()
      },
      { tls: trust.certificate },
    )
    const error = await failure(create(NEGOTIATED).connect(url))
    expect(['CONNECTION_LOST', 'STREAM_RESET']).toContain(error.code)
    expect(error.attempts.every(({ httpVersion }) => httpVersion === '2')).toBe(true)
    expect(connections.length).toBe(1)
  })

  test('on an idle connection makes the next connect open another', async () => {
    const server = await http2Server()
    await (await open(`${server.url}/echo`)).close()
    await server.connects[0]!.closed
    server.sessions[0]!.goaway()
    await later(20)
    await expectEcho(await open(`${server.url}/echo`))
    expect(server.connections()).toBe(2)
  })
})

describe('a connection that is lost', () => {
  test('before the answer, without having been used before, fails the connect', async () => {
    const { url, connections } = await rawServer(async (connection) => {
      await connection.start()
      await connection.nextRequest()
      connection.peer.reset()
    })
    const error = await failure(create().connect(url), 'CONNECTION_LOST')
    expect(error).toMatchObject({ retriable: true, response: undefined })
    expect(connections.length).toBe(1)
  })

  test('before SETTINGS fails the connect', async () => {
    const { url, connections } = await rawServer(
      async (connection) => {
        await connection.startWithoutSettings()
        connection.peer.end()
      },
      { tls: trust.certificate },
    )
    const error = await failure(create(NEGOTIATED).connect(url), 'CONNECTION_LOST')
    expect(error).toMatchObject({ retriable: true, response: undefined })
    expect(error.attempts.length).toBe(1)
    expect(connections.length).toBe(1)
  })

  /**
   * Welcomes the first request of the first connection, and cuts it with the second; further connections do what they
   * are told.
   */
  function dying(further: Http2Script, cut: (connection: RawHttp2Connection) => void): Http2Script {
    let isFirst = true
    return async (connection) => {
      if (!isFirst) return further(connection)
      isFirst = false
      await connection.start()
      await connection.write(...welcome(await connection.nextRequest()))
      await connection.nextRequest()
      cut(connection)
    }
  }

  test.each([
    ['by an end', (connection: RawHttp2Connection) => connection.peer.end()],
    ['by a reset', (connection: RawHttp2Connection) => connection.peer.reset()],
  ])('%s before it answers is replaced by a fresh one when it had been used before', async (_, cut) => {
    const { url, connections } = await rawServer(dying(answering(welcome), cut))
    const first = await open(url)
    await first.receive()
    const second = await open(url)
    expect(await second.receive()).toBe('welcome')
    expect(connections.map(requests)).toEqual([[1, 3], [1]])
    await rejection(first.receive())
    expect(first.closeStatus).toBe(1006)
  })

  test('is replaced only once', async () => {
    const cut: Http2Script = async (connection) => {
      await connection.start()
      await connection.nextRequest()
      connection.peer.reset()
    }
    const { url, connections } = await rawServer(dying(cut, (connection) => connection.peer.reset()))
    await (await open(url)).receive()
    const error = await failure(create().connect(url), 'CONNECTION_LOST')
    expect(error.retriable).toBe(true)
    expect(connections.map(requests)).toEqual([[1, 3], [1]])
  })

  test('while it was idle is not used again', async () => {
    const server = await http2Server()
    await (await open(`${server.url}/echo`)).close()
    await server.connects[0]!.closed
    server.sessions[0]!.destroy()
    await later(20)
    await expectEcho(await open(`${server.url}/echo`))
    expect(server.connections()).toBe(2)
  })
})
