import { getEventListeners, once } from 'node:events'
import { connect as connectHttp2, constants } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { beforeAll, describe, expect, test } from 'vitest'
import type { HandshakeError } from '../../src/errors.ts'
import { type OpenConnection, sessionPool } from '../../src/transport/session-pool.ts'
import { addressOf } from '../../src/transport/tcp.ts'
import { type Authority, type Certificate, createAuthority } from '../support/certificates.ts'
import {
  cleanUpAfterEach,
  collect,
  eventually,
  failure,
  http2Server,
  later,
  NEVER,
  newPool,
  open,
  rawServer,
  refused,
  streamServer,
  upgraded,
} from '../support/http2-dialing.ts'
import {
  CONNECT_ALLOWED,
  goawayFrame,
  type Http2Script,
  headersFrame,
  PING,
  type RawHttp2Connection,
  SETTING,
  SETTINGS,
  settingsFrame,
} from '../support/raw-http2.ts'
import { rejection } from '../support/servers.ts'

cleanUpAfterEach()

let authority: Authority
let certificate: Certificate
beforeAll(async () => {
  authority = await createAuthority()
  certificate = await authority.issue()
})

const OK = { ':status': '200' }

/** Agrees to every request. */
const agreeing: Http2Script = async (connection) => {
  await connection.start()
  for (;;) await connection.write(headersFrame(await connection.nextRequest(), OK))
}

function times<T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => make(index)))
}

/** From now on nothing is sent there any more, no answers to PINGs either. */
function silence(connection: RawHttp2Connection): void {
  connection.write = () => Promise.resolve()
}

/** How many PINGs have come. */
function pings({ frames }: RawHttp2Connection): number {
  return frames.filter(({ type, flags }) => type === PING && flags === 0).length
}

describe('a connection', () => {
  test('is opened once for all who ask at the same time, and used by those who come later', async () => {
    const { url, connections } = await rawServer(agreeing)
    const pool = newPool()
    await times(20, () => upgraded(open(pool, url)))
    await upgraded(open(pool, url))
    expect(connections.length).toBe(1)
  })

  test('says its windows, and that it wants no pushes', async () => {
    const { url, connections } = await rawServer(agreeing)
    await upgraded(open(newPool(), url))
    const settings = connections[0]!.frames.find(({ type, flags }) => type === SETTINGS && flags === 0)!.payload
    const pairs = Array.from({ length: settings.length / 6 }, (_, i) => [
      settings.readUInt16BE(6 * i),
      settings.readUInt32BE(6 * i + 2),
    ])
    expect(Object.fromEntries(pairs)).toMatchObject({ 2: 0, 4: 4 * 1024 * 1024 })
    const windowUpdate = connections[0]!.frames.find(({ type, streamId }) => type === 8 && streamId === 0)
    expect(windowUpdate!.payload.readUInt32BE()).toBe(16 * 1024 * 1024 - 65_535)
  })

  test('is shared by those with the same TLS options, and by nobody else', async () => {
    const server = await http2Server({ tls: certificate })
    const pool = newPool()
    const { ca } = authority
    for (const tls of [{ ca }, { ca: Buffer.from(ca) }]) await upgraded(open(pool, `${server.url}/echo`, { tls }))
    expect(server.connections()).toBe(1)
    await upgraded(open(pool, `${server.url}/echo`, { tls: { ca, servername: 'localhost' } }))
    expect(server.connections()).toBe(2)
    await upgraded(open(pool, `${server.url}/echo`, { tls: { rejectUnauthorized: false } }))
    expect(server.connections()).toBe(3)
    const error = await failure(open(pool, server.url))
    expect(error.code).toBe('TLS_FAILED')
  })

  test('is shared by both plans', async () => {
    const server = await http2Server({ tls: certificate })
    const pool = newPool()
    const tls = { ca: authority.ca }
    await upgraded(open(pool, `${server.url}/echo`, { tls, plan: 'http2' }))
    await upgraded(open(pool, `${server.url}/echo`, { tls, plan: 'negotiate' }))
    expect(server.connections()).toBe(1)
  })

  test('serves one origin only', async () => {
    const servers = [await rawServer(agreeing), await rawServer(agreeing)]
    const pool = newPool()
    for (const { url } of servers) await upgraded(open(pool, url))
    expect(servers.map(({ connections }) => connections.length)).toEqual([1, 1])
  })
})

describe('a limit of streams', () => {
  test('makes as many connections as are needed, and no more', async () => {
    const { url, sessions } = await streamServer((stream) => stream.respond({ ':status': 200 }), {
      maxConcurrentStreams: 3,
    })
    const pool = newPool()
    await times(10, () => upgraded(open(pool, url)))
    expect(sessions.length).toBe(4)
  })

  test('lets who waits go on as soon as there is room', async () => {
    const { url, connections } = await rawServer(async (connection) => {
      if (connections.length > 1) return connection.startWithoutSettings()
      await connection.start({ ...CONNECT_ALLOWED, [SETTING.MAX_CONCURRENT_STREAMS]: 1 })
      for (;;) await connection.write(headersFrame(await connection.nextRequest(), OK))
    })
    const pool = newPool()
    const first = await upgraded(open(pool, url))
    const second = upgraded(open(pool, url))
    await eventually(() => expect(connections.length).toBe(2))
    first.stream.destroy()
    expect((await second).head.status).toBe(200)
    // Nobody waits for the other connection any longer.
    await connections[1]!.ended
  })

  test('of none at all is waited for until it is raised', async () => {
    const { url, connections } = await rawServer(async (connection) => {
      await connection.start({ ...CONNECT_ALLOWED, [SETTING.MAX_CONCURRENT_STREAMS]: 0 })
      await later(50)
      await connection.write(settingsFrame({ [SETTING.MAX_CONCURRENT_STREAMS]: 10 }))
      await connection.write(headersFrame(await connection.nextRequest(), OK))
    })
    await upgraded(open(newPool(), url))
    expect(connections.length).toBe(1)
  })

  test('is not counted for streams that are over', async () => {
    const { url, sessions } = await streamServer(
      (stream) => {
        stream.respond({ ':status': 404 })
        stream.end()
      },
      { maxConcurrentStreams: 1 },
    )
    const pool = newPool()
    for (let i = 0; i < 5; i++) await refused(open(pool, url))
    expect(sessions.length).toBe(1)
  })
})

describe('who gives up', () => {
  test('while a connection is opened ends that if nobody else waits', async () => {
    const { url, connections } = await rawServer((connection) => connection.startWithoutSettings())
    const pool = newPool()
    const controller = new AbortController()
    const { signal } = controller
    const outcomes = [open(pool, url, { signal }), open(pool, url, { signal })]
    await eventually(() => expect(connections.length).toBe(1))
    controller.abort('mine')
    for (const outcome of outcomes) await expect(outcome).rejects.toBe('mine')
    expect(getEventListeners(signal, 'abort')).toEqual([])
    await connections[0]!.ended
  })

  test('before the start asks for nothing', async () => {
    const { url, connections } = await rawServer(agreeing)
    await expect(open(newPool(), url, { signal: AbortSignal.abort('early') })).rejects.toBe('early')
    expect(connections.length).toBe(0)
  })

  test('while waiting for room leaves the others where they are', async () => {
    const { url, sessions } = await streamServer((stream) => stream.respond({ ':status': 200 }), {
      maxConcurrentStreams: 1,
    })
    const pool = newPool()
    const controller = new AbortController()
    const given = open(pool, url, { signal: controller.signal })
    const others = times(3, () => upgraded(open(pool, url)))
    controller.abort('mine')
    await expect(given).rejects.toBe('mine')
    await others
    expect(sessions.length).toBe(3)
  })
})

describe('an idle connection', () => {
  test('is closed in good order after a while', async () => {
    const { url, connections } = await rawServer(agreeing)
    const opened = await upgraded(open(newPool({ idle: 40 }), url))
    await later(80)
    expect(connections[0]!.frames.some(({ type }) => type === 7)).toBe(false)
    opened.stream.destroy()
    await connections[0]!.ended
    expect(connections[0]!.frames.some(({ type }) => type === 7)).toBe(true)
  })

  test('is kept when it is used again', async () => {
    const { url, connections } = await rawServer(agreeing)
    const pool = newPool({ idle: 300 })
    for (let i = 0; i < 4; i++) {
      const { stream } = await upgraded(open(pool, url))
      stream.destroy()
      await later(100)
    }
    expect(connections.length).toBe(1)
  })

  test('that has rested for long is checked by a PING before it is used', async () => {
    const { url, connections } = await rawServer(agreeing)
    const pool = newPool({ trusted: 20 })
    ;(await upgraded(open(pool, url))).stream.destroy()
    ;(await upgraded(open(pool, url))).stream.destroy()
    expect(pings(connections[0]!)).toBe(0)
    await later(40)
    await upgraded(open(pool, url))
    expect(pings(connections[0]!)).toBe(1)
    expect(connections.length).toBe(1)
  })

  test('that does not answer the PING is replaced', async () => {
    const { url, connections } = await rawServer(agreeing)
    const pool = newPool({ trusted: 20, check: 40 })
    ;(await upgraded(open(pool, url))).stream.destroy()
    await later(40)
    silence(connections[0]!)
    await upgraded(open(pool, url))
    expect(connections.length).toBe(2)
  })

  test('is not used after its GOAWAY', async () => {
    const { url, connections } = await rawServer(agreeing)
    const pool = newPool()
    const first = await upgraded(open(pool, url))
    await connections[0]!.write(goawayFrame(2 ** 31 - 1))
    await later(20)
    await upgraded(open(pool, url))
    expect(connections.length).toBe(2)
    const { closed } = collect(first)
    expect(await Promise.race([closed, later(30).then(() => 'open')])).toBe('open')
  })
})

describe('a connection with streams', () => {
  test('is tried by PINGs', async () => {
    const { url, connections } = await rawServer(agreeing)
    const opened = await upgraded(open(newPool({ pingInterval: 20 }), url))
    await eventually(() => expect(pings(connections[0]!)).toBeGreaterThan(1))
    opened.stream.destroy()
    await later(20)
    const before = pings(connections[0]!)
    await later(60)
    expect(pings(connections[0]!)).toBe(before)
  })

  test('fails all of them when it is dead', async () => {
    const { url, connections } = await rawServer(agreeing)
    const pool = newPool({ pingInterval: 20, pingAnswer: 40 })
    const opened = await times(3, () => upgraded(open(pool, url)))
    const closed = opened.map((each) => collect(each).closed)
    silence(connections[0]!)
    for (const error of await Promise.all(closed)) expect(error?.message).toContain('PING')
    await upgraded(open(pool, url))
    expect(connections.length).toBe(2)
  })

  test('keeps the process alive, and does not without them', async () => {
    const { url, sessions } = await streamServer((stream) => stream.respond({ ':status': 200 }))
    const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
    const opened = await upgraded(open(newPool(), url))
    expect(sockets()).toBe(2)
    opened.stream.destroy()
    // The server's end of it is still there.
    await eventually(() => expect(sockets()).toBe(1))
    expect(sessions[0]!.destroyed).toBe(false)
  })
})

describe('what a host has answered', () => {
  test('is remembered for a while: no HTTP/2', async () => {
    const server = await http2Server({ tls: certificate, protocols: ['http/1.1'] })
    const pool = newPool({ memory: 100 })
    const options = { tls: { ca: authority.ca }, plan: 'negotiate', downgrades: [] as HandshakeError[] } as const
    const start = performance.now()
    for (let i = 0; i < 2; i++) await upgraded(open(pool, `${server.url}/echo`, options))
    expect(server.offers).toEqual([['h2', 'http/1.1'], ['http/1.1']])
    await later(start + 120 - performance.now())
    await upgraded(open(pool, `${server.url}/echo`, options))
    expect(server.offers.at(-1)).toEqual(['h2', 'http/1.1'])
    expect(options.downgrades.map(({ code }) => code)).toEqual(['HTTP2_UNAVAILABLE', 'HTTP2_UNAVAILABLE'])
  })

  test('is remembered for a while: no extended CONNECT; that connection is closed when it has been idle', async () => {
    const server = await http2Server({ tls: certificate, extendedConnect: false })
    const pool = newPool({ idle: 60 })
    const options = { tls: { ca: authority.ca }, plan: 'negotiate', downgrades: [] as HandshakeError[] } as const
    for (let i = 0; i < 2; i++) await upgraded(open(pool, `${server.url}/echo`, options))
    expect(server.offers).toEqual([['h2', 'http/1.1'], ['http/1.1'], ['http/1.1']])
    expect(options.downgrades.map(({ code }) => code)).toEqual(['EXTENDED_CONNECT_UNSUPPORTED'])
    expect(server.sessions[0]!.destroyed).toBe(false)
    await eventually(() => expect(server.sessions[0]!.destroyed).toBe(true))
  })

  test('does not count for who wants HTTP/2 only', async () => {
    const server = await http2Server({ tls: certificate, protocols: ['http/1.1'] })
    const pool = newPool()
    const tls = { ca: authority.ca }
    await upgraded(open(pool, `${server.url}/echo`, { tls, plan: 'negotiate' }))
    for (let i = 0; i < 2; i++) {
      expect((await failure(open(pool, server.url, { tls }))).code).toBe('HTTP2_UNAVAILABLE')
    }
    expect(server.offers).toEqual([['h2', 'http/1.1'], ['h2'], ['h2']])
  })

  test('does not count for other TLS options', async () => {
    const server = await http2Server({ tls: certificate, protocols: ['http/1.1'] })
    const pool = newPool()
    const url = `${server.url}/echo`
    await upgraded(open(pool, url, { tls: { ca: authority.ca }, plan: 'negotiate' }))
    await upgraded(open(pool, url, { tls: { rejectUnauthorized: false }, plan: 'negotiate' }))
    expect(server.offers).toEqual([
      ['h2', 'http/1.1'],
      ['h2', 'http/1.1'],
    ])
  })
})

test('a server that ends every connection at once is not asked for ever', async () => {
  const { url, connections } = await rawServer(async (connection) => {
    await connection.startWithoutSettings()
    await connection.write(settingsFrame(CONNECT_ALLOWED), goawayFrame(0, constants.NGHTTP2_NO_ERROR))
  })
  const error = await failure(open(newPool(), url))
  expect(error).toMatchObject({ code: 'CONNECTION_LOST', retriable: true })
  expect(connections.length).toBe(3)
})

test('a connection that is closed as soon as it stands is not opened for ever', async () => {
  const { url, connections } = await rawServer(agreeing)
  const open: OpenConnection = async () => {
    const socket = connectTcp(Number(new URL(url).port), '127.0.0.1')
    const session = connectHttp2(url.replace('ws', 'http'), { createConnection: () => socket })
    session.once('remoteSettings', () => session.close())
    await once(socket, 'connect')
    return { http2: { session, socket } }
  }
  const address = addressOf(new URL(url))
  const route = newPool().route(address, {}, { plan: 'http2', open, fresh: false, signal: NEVER })
  expect(await rejection(route)).toMatchObject({
    code: 'CONNECTION_LOST',
    message: expect.stringContaining('takes no requests'),
    retriable: true,
  })
  expect(connections.length).toBe(3)
})

test('a thread has one pool', () => {
  expect(sessionPool()).toBe(sessionPool())
})
