import { execFile } from 'node:child_process'
import { connect } from 'node:http2'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import type { HandshakeError } from '../../src/errors.ts'
import { overSession } from '../../src/transport/direct.ts'
import { type Authority, type Certificate, createAuthority } from '../support/certificates.ts'
import {
  afterwards,
  cleanUpAfterEach,
  collect,
  eventually,
  failure,
  http2Server,
  later,
  listenersOf,
  NEVER,
  newPool,
  open,
  rawServer,
  requestTo,
  streamServer,
  upgraded,
} from '../support/http2-dialing.ts'
import {
  ERROR_CODES,
  type Http2Script,
  headersFrame,
  rstFrame,
  settingsFrame,
  startRawHttp2Server,
} from '../support/raw-http2.ts'

cleanUpAfterEach()

let authority: Authority
let certificate: Certificate
beforeAll(async () => {
  authority = await createAuthority()
  certificate = await authority.issue()
})

describe('a negotiation', () => {
  /** Opens one, and tells in what it ended. */
  async function negotiated(server: { readonly url: string }, pool = newPool()) {
    const downgrades: HandshakeError[] = []
    const options = { plan: 'negotiate', tls: { ca: authority.ca }, downgrades } as const
    const { head } = await upgraded(open(pool, `${server.url}/echo`, options))
    return { version: head.httpVersion, downgrades: downgrades.map(({ code }) => code) }
  }

  test('comes out at HTTP/2 where the server can do it', async () => {
    const server = await http2Server({ tls: certificate })
    expect(await negotiated(server)).toEqual({ version: '2', downgrades: [] })
  })

  test('goes on in HTTP/1.1 on the same connection when the server chooses that, and tells why', async () => {
    const server = await http2Server({ tls: certificate, protocols: ['http/1.1', 'h2'] })
    expect(await negotiated(server)).toEqual({ version: '1.1', downgrades: ['HTTP2_UNAVAILABLE'] })
    expect(server.connections()).toBe(1)
  })

  test('goes on on another connection without extended CONNECT', async () => {
    const server = await http2Server({ tls: certificate, extendedConnect: false })
    expect(await negotiated(server)).toEqual({ version: '1.1', downgrades: ['EXTENDED_CONNECT_UNSUPPORTED'] })
    expect(server.offers).toEqual([['h2', 'http/1.1'], ['http/1.1']])
  })

  test('of many at once makes one probe, and a connection of HTTP/1.1 for each', async () => {
    const server = await http2Server({ tls: certificate, protocols: ['http/1.1'] })
    const pool = newPool()
    const outcomes = await Promise.all([1, 2, 3].map(() => negotiated(server, pool)))
    expect(outcomes.map(({ version }) => version)).toEqual(['1.1', '1.1', '1.1'])
    expect(server.offers.filter((offer) => offer.length === 2).length).toBe(1)
    expect(server.connections()).toBe(3)
  })

  test('that is given up when the server has chosen HTTP/1.1 leaves nothing', async () => {
    const server = await http2Server({ tls: certificate, protocols: ['http/1.1'] })
    const controller = new AbortController()
    const options = { plan: 'negotiate', tls: { ca: authority.ca }, signal: controller.signal } as const
    const outcome = open(newPool(), `${server.url}/silent`, options)
    await eventually(() => expect(server.backendRequests.length).toBe(1))
    controller.abort('mine')
    await expect(outcome).rejects.toBe('mine')
  })
})

describe('something else than HTTP/2', () => {
  const script: Http2Script = async ({ peer }) => {
    await peer.read()
    await peer.write('HTTP/1.1 400 Bad Request\r\n\r\n')
  }

  test('makes it unavailable where nothing was agreed on', async () => {
    const { url } = await rawServer(script)
    expect(await failure(open(newPool(), url))).toMatchObject({ code: 'HTTP2_UNAVAILABLE', retriable: false })
  })

  test('is an invalid response where the server has chosen HTTP/2, and no reason to try another version', async () => {
    const server = await startRawHttp2Server(script, { tls: certificate })
    afterwards(server.close)
    const pool = newPool()
    for (const _ of [1, 2]) {
      const outcome = open(pool, server.url, { plan: 'negotiate', tls: { ca: authority.ca } })
      expect(await failure(outcome)).toMatchObject({ code: 'INVALID_RESPONSE', retriable: false })
    }
  })
})

describe('a refused stream', () => {
  test('is tried again, three times in all', async () => {
    let asked = 0
    const { url } = await rawServer(async (connection) => {
      await connection.start()
      for (;;) {
        await connection.write(rstFrame(await connection.nextRequest(), ERROR_CODES.REFUSED_STREAM))
        asked++
      }
    })
    const error = await failure(open(newPool(), url))
    expect(error).toMatchObject({ code: 'STREAM_RESET', retriable: true })
    expect(asked).toBe(3)
  })
})

describe("a caller's session", () => {
  function sessionTo(url: string, options = {}) {
    const session = connect(url.replace('ws', 'http'), options)
    session.on('error', () => {})
    afterwards(() => session.destroy())
    return session
  }

  test('is waited for, used by many at once, and left as it was', async () => {
    const { url, sessions } = await streamServer((stream) => {
      stream.respond({ ':status': 200 })
      stream.pipe(stream)
    })
    const session = sessionTo(url)
    const before = listenersOf(session)
    const pool = newPool()
    const transport = overSession(session, pool)
    const opened = await Promise.all(Array.from({ length: 50 }, () => upgraded(transport(requestTo(url), NEVER))))
    const received = opened.map((each, index) => {
      const collected = collect(each)
      each.stream.write([Buffer.from(`${index}`)], () => {})
      return collected
    })
    await eventually(() => expect(received.map(({ text }) => text())).toEqual(opened.map((_, index) => `${index}`)))
    for (const { stream } of opened) stream.destroy()
    await Promise.all(received.map(({ closed }) => closed))
    await eventually(() => expect(listenersOf(session).toString()).toBe(before.toString()))
    expect(session.closed || session.destroyed).toBe(false)
    expect(sessions.length).toBe(1)
  })

  test('may have got its SETTINGS long ago', async () => {
    const { url } = await rawServer(async (connection) => {
      await connection.start({})
      await connection.nextRequest()
    })
    const session = sessionTo(url)
    await new Promise((resolve) => session.once('localSettings', resolve))
    await later(10)
    const error = await failure(overSession(session, newPool())(requestTo(url), NEVER))
    expect(error).toMatchObject({ code: 'EXTENDED_CONNECT_UNSUPPORTED', retriable: false })
    expect(session.closed || session.destroyed).toBe(false)
  })

  test('may get its SETTINGS late', async () => {
    const { url } = await rawServer(async (connection) => {
      await connection.startWithoutSettings()
      await later(30)
      await connection.write(settingsFrame({ 8: 1 }))
      await connection.write(headersFrame(await connection.nextRequest(), { ':status': '200' }))
    })
    await upgraded(overSession(sessionTo(url), newPool())(requestTo(url), NEVER))
  })

  test('that never gets its SETTINGS can be given up', async () => {
    const { url } = await rawServer((connection) => connection.startWithoutSettings())
    const session = sessionTo(url)
    const before = listenersOf(session)
    const controller = new AbortController()
    const outcome = overSession(session, newPool())(requestTo(url), controller.signal)
    setTimeout(() => controller.abort('mine'), 20)
    await expect(outcome).rejects.toBe('mine')
    expect(listenersOf(session).filter(([name]) => name !== 'connect')).toEqual(
      before.filter(([name]) => name !== 'connect'),
    )
  })

  test('that is over is of no use', async () => {
    const { url } = await streamServer(() => {})
    const session = sessionTo(url)
    session.destroy()
    const error = await failure(overSession(session, newPool())(requestTo(url), NEVER))
    expect(error).toMatchObject({ code: 'CLIENT_FAILED', retriable: false })
  })

  test('that cannot connect says why', async () => {
    const session = sessionTo('ws://127.0.0.1:1')
    const error = await failure(overSession(session, newPool())(requestTo('ws://127.0.0.1:1'), NEVER))
    expect(error).toMatchObject({ code: 'CLIENT_FAILED', cause: { code: 'ECONNREFUSED' } })
  })

  test('has what is refused tried again on it, three times in all', async () => {
    let asked = 0
    const { url } = await rawServer(async (connection) => {
      await connection.start()
      for (;;) {
        await connection.write(rstFrame(await connection.nextRequest(), ERROR_CODES.REFUSED_STREAM))
        asked++
      }
    })
    const error = await failure(overSession(sessionTo(url), newPool())(requestTo(url), NEVER))
    expect(error.code).toBe('STREAM_RESET')
    expect(asked).toBe(3)
  })
})

test('who connects over HTTP/1.1 loads no library of HTTP', async () => {
  const { port } = await http2Server()
  const program = `
    import { ClientWebSocket } from './src/index.ts'
    const socket = new ClientWebSocket()
    await socket.connect('ws://127.0.0.1:${port}/echo')
    await socket.send('hello')
    console.log(await socket.receive())
    socket.abort()
    console.log(process.moduleLoadList.filter((name) => /internal\\/http2|_http_client|tls$/.test(name)).join())`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', './test/support/from-source.ts', '--input-type=module', '--eval', program],
    { cwd: new URL('../..', import.meta.url) },
  )
  expect(stdout.split('\n').slice(0, 2)).toEqual(['hello', ''])
})
