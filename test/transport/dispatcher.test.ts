import * as undici8 from 'undici'
import { beforeAll, describe, expect, test } from 'vitest'
import { globalDispatcher } from '../../src/transport/undici.ts'
import { type Authority, type Certificate, createAuthority } from '../support/certificates.ts'
import { startConnectProxy } from '../support/connect-proxy.ts'
import * as support from '../support/dispatching.ts'
import {
  afterwards,
  closing,
  eventually,
  expectEcho,
  failure,
  open,
  originOf,
  peer,
  refused,
  running,
  server,
  textOf,
  type Undici,
  upgraded,
  VERSIONS,
} from '../support/dispatching.ts'
import { frame } from '../support/scripted-peer.ts'

support.clearUpAfterEach()

interface Kind {
  readonly name: string
  readonly make: (undici: Undici, origin: string) => undici8.Dispatcher
  /** The first version that has it. Default: 6. */
  readonly since?: number
  /** Whether it drops the body of a refusal. */
  readonly noBody?: boolean
  /** Whether it makes an error of a refusal, which loses the reason phrase. */
  readonly noStatusText?: boolean
}

const QUICK = { maxRetries: 1, minTimeout: 1 }
const KINDS: readonly Kind[] = [
  { name: 'Agent', make: (undici) => new undici.Agent() },
  { name: 'Pool', make: (undici, origin) => new undici.Pool(origin) },
  { name: 'Client', make: (undici, origin) => new undici.Client(origin) },
  { name: 'BalancedPool', make: (undici, origin) => new undici.BalancedPool(origin) },
  { name: 'RetryAgent', make: (undici) => new undici.RetryAgent(new undici.Agent(), QUICK) },
  { name: 'retry', make: composed(({ retry }) => retry(QUICK)) },
  { name: 'redirect', make: composed(({ redirect }) => redirect({ maxRedirections: 2 })) },
  { name: 'dump', make: composed(({ dump }) => dump()), noBody: true },
  { name: 'dns', make: composed(({ dns }) => dns()) },
  { name: 'responseError', make: composed(({ responseError }) => responseError()), since: 7, noStatusText: true },
  { name: 'cache', make: composed(({ cache }) => cache()), since: 7 },
  { name: 'deduplicate', make: composed(({ deduplicate }) => deduplicate()), since: 7 },
  { name: 'an interceptor that is an async function', make: composed(() => asynchronous) },
]

function composed(
  interceptor: (interceptors: Undici['interceptors']) => undici8.Dispatcher.DispatcherComposeInterceptor,
) {
  return (undici: Undici) => new undici.Agent().compose(interceptor(undici.interceptors))
}

/** As one that fetches a token first. Its type does not allow for that, but people write it. */
function asynchronous(dispatch: undici8.Dispatcher.Dispatch): undici8.Dispatcher.Dispatch {
  const later = async (options: undici8.Dispatcher.DispatchOptions, handler: undici8.Dispatcher.DispatchHandler) => {
    await new Promise(setImmediate)
    return dispatch(options, handler)
  }
  return later as unknown as undici8.Dispatcher.Dispatch
}

let authority: Authority
let certificate: Certificate
beforeAll(async () => {
  authority = await createAuthority()
  certificate = await authority.issue()
})

describe.each(VERSIONS)('%s', (_, major, undici) => {
  describe.each(KINDS.filter(({ since = 6 }) => since <= major))('$name', ({ make, noBody, noStatusText }) => {
    test('hands over an open socket and all fields of the response', async () => {
      const { url, requests } = await server()
      const dispatcher = closing(make(undici, originOf(url)))
      const { head } = await upgraded(dispatcher, `${url}/headers?a=b`, { headers: [['X-Mine', 'yes']] })
      expect(head).toMatchObject({ status: 101, statusText: '', httpVersion: '1.1' })
      expect(head.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
      expect(head.headers.get('x-hello')).toBe('world')
      expect(requests[0]).toMatchObject({ url: '/headers?a=b', headers: { connection: 'upgrade', 'x-mine': 'yes' } })
      await expectEcho(await upgraded(dispatcher, `${url}/echo`))
    })

    test.each([
      [401, 'Unauthorized', 'length'],
      [403, 'Forbidden', 'chunked'],
    ])('gives status, fields and body of a refusal: %i %s, %s', async (status, statusText, framing) => {
      const { url } = await server()
      const dispatcher = closing(make(undici, originOf(url)))
      const outcome = await refused(dispatcher, `${url}/refuse?status=${status}&framing=${framing}`)
      expect(outcome.head).toMatchObject({ status, statusText: noStatusText ? '' : statusText, httpVersion: '1.1' })
      expect(outcome.head.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
      expect(outcome).toMatchObject({ bodyTruncated: false })
      expect(textOf(outcome)).toBe(noBody ? '' : 'refused')
    })
  })

  const agent = () => closing(new undici.Agent())

  test('frames that come with the 101 are delivered', async () => {
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.write(
        Buffer.concat([Buffer.from(connection.acceptance()), frame(1, 'first'), frame(2, 'second')]),
      )
    })
    const received = support.collect(await upgraded(agent(), url))
    const expected = Buffer.concat([frame(1, 'first'), frame(2, 'second')]).toString('latin1')
    await eventually(() => expect(received.text()).toBe(expected))
  })

  test('sends the fields in order, repeated ones too, and Host only if it is another', async () => {
    const { url, port, requests } = await server()
    const dispatcher = agent()
    const repeated = [
      ['X-A', '1'],
      ['x-a', '2'],
      ['Cache-Control', 'no-transform'],
    ] as const
    await upgraded(dispatcher, `${url}/echo`, { headers: repeated })
    await upgraded(dispatcher, `${url}/echo`, { headers: [['Host', 'other.example']] })
    expect(requests[0]?.rawHeaders).toEqual([
      ...['host', `127.0.0.1:${port}`, 'connection', 'upgrade', 'upgrade', 'websocket'],
      ...['Sec-WebSocket-Version', '13', 'Sec-WebSocket-Key', expect.any(String)],
      ...['X-A', '1', 'X-A', '2', 'cache-control', 'no-transform', 'cache-control', 'no-store'],
    ])
    expect(requests[1]?.headers.host).toBe('other.example')
  })

  test('keeps the first 64 KiB of a body, and lets go of the rest', async () => {
    const { url } = await server()
    for (const framing of ['length', 'chunked', 'close']) {
      const outcome = await refused(agent(), `${url}/refuse?status=503&size=71680&framing=${framing}`)
      expect(outcome).toMatchObject({ head: { status: 503 }, bodyTruncated: true })
      expect(outcome.body).toHaveLength(65_536)
    }
    const exact = await refused(agent(), `${url}/refuse?size=65536&framing=chunked`)
    expect(exact).toMatchObject({ bodyTruncated: false })
  })

  test('a body that is cut off is marked so', async () => {
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.write('HTTP/1.1 503 Busy\r\nContent-Length: 10\r\n\r\nhalf')
      connection.end()
    })
    const outcome = await refused(agent(), url)
    expect(outcome).toMatchObject({ head: { status: 503, statusText: 'Busy' }, bodyTruncated: true })
    expect(textOf(outcome)).toBe('half')
  })

  test('interim responses are passed over', async () => {
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n')
      await connection.write(connection.acceptance())
    })
    expect((await upgraded(agent(), url)).head).toMatchObject({ status: 101 })
  })

  test('a 101 that does not say to what it switched is given to be judged', async () => {
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.write('HTTP/1.1 101 Switching Protocols\r\nX-A: b\r\n\r\n')
    })
    const { head } = await upgraded(agent(), url)
    expect([...head.headers]).toEqual([['X-A', 'b']])
  })

  test('follows a redirect when the dispatcher does, with the same key', async () => {
    const { url, requests } = await server()
    const dispatcher = closing(composed(({ redirect }) => redirect({ maxRedirections: 1 }))(undici))
    await expectEcho(await upgraded(dispatcher, `${url}/redirect?to=/echo`))
    expect(requests[1]?.headers['sec-websocket-key']).toBe(requests[0]?.headers['sec-websocket-key'])
  })

  test('a redirect is a refusal when the dispatcher does not follow it', async () => {
    const { url } = await server()
    const { head } = await refused(agent(), `${url}/redirect?to=/echo`)
    expect([head.status, head.headers.get('location')]).toEqual([302, '/echo'])
  })

  test('an answer on which a dispatcher gave up retrying is a refusal, without its body', async () => {
    const { url, requests } = await server()
    const dispatcher = closing(new undici.RetryAgent(new undici.Agent(), QUICK))
    const { head, ...body } = await refused(dispatcher, `${url}/refuse?status=503&retry-after=0`)
    expect([head.status, head.headers.get('retry-after')]).toEqual([503, '0'])
    expect(head.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(body).toEqual({ body: new Uint8Array(0), bodyTruncated: true })
    expect(requests.length).toBeGreaterThan(1)
  })

  // undici 6 has no cache.
  const testCache = major >= 7 ? test : () => {}
  testCache('is never answered from a cache', async () => {
    const cacheable = `Cache-Control: public, max-age=60\r\nDate: ${new Date().toUTCString()}\r\nContent-Length: 2`
    const { url, connections } = await peer(async (connection) => {
      const { headers } = await connection.readRequest()
      if (headers.has('upgrade')) await connection.accept()
      else await connection.write(`HTTP/1.1 200 OK\r\n${cacheable}\r\n\r\nok`)
    })
    const dispatcher = closing(new undici.Agent().compose(undici.interceptors.cache()))
    for (const _ of [1, 2]) {
      const { body } = await dispatcher.request({ origin: originOf(url), path: '/', method: 'GET' })
      expect(await body.text()).toBe('ok')
    }
    expect(connections).toHaveLength(1)
    await upgraded(dispatcher, url)
  })

  test('a mocked refusal is a refusal; a mock cannot open a socket', async () => {
    const mock = closing(new undici.MockAgent())
    mock.disableNetConnect()
    const pool = mock.get('http://mock.example')
    pool.intercept({ path: '/refused' }).reply(403, 'no', { headers: { 'set-cookie': ['a', 'b'] } })
    pool.intercept({ path: '/101' }).reply(101, '')
    pool.intercept({ path: '/error' }).replyWithError(new Error('Mocked'))
    const outcome = await refused(mock, 'ws://mock.example/refused')
    expect(outcome).toMatchObject({ head: { status: 403 }, bodyTruncated: false })
    expect(outcome.head.headers.getSetCookie()).toEqual(['a', 'b'])
    expect(textOf(outcome)).toBe('no')
    const opened = await failure(open(mock, 'ws://mock.example/101'))
    expect(opened).toMatchObject({ code: 'CLIENT_FAILED', message: expect.stringContaining('mock') })
    const error = await failure(open(mock, 'ws://mock.example/error'))
    expect(error).toMatchObject({ code: 'CLIENT_FAILED', cause: { message: 'Mocked' } })
    expect(await failure(open(mock, 'ws://mock.example/other'))).toMatchObject({ code: 'CLIENT_FAILED' })
  })

  test('trusts the authority that the dispatcher trusts, and no other', async () => {
    const { url } = await server(certificate)
    const trusting = closing(new undici.Agent({ connect: { ca: authority.ca } }))
    await expectEcho(await upgraded(trusting, `${url}/echo`))
    expect(await failure(open(agent(), `${url}/echo`))).toMatchObject({ code: 'TLS_FAILED', retriable: false })
  })

  test('goes through a ProxyAgent', async () => {
    const { url } = await server()
    const secure = await server(certificate)
    for (const tls of [undefined, certificate]) {
      const proxy = running(await startConnectProxy({ ...(tls && { tls }), user: { name: 'u', password: 'p' } }))
      const trust = { ca: authority.ca }
      const options = { uri: proxy.url, proxyTunnel: true, requestTls: trust, proxyTls: trust }
      const token = `Basic ${Buffer.from('u:p').toString('base64')}`
      const dispatcher = closing(new undici.ProxyAgent({ ...options, token }))
      await expectEcho(await upgraded(dispatcher, `${url}/echo`))
      await expectEcho(await upgraded(dispatcher, `${secure.url}/echo`))
      expect(proxy.targets).toEqual([new URL(url).host, new URL(secure.url).host])
      const stranger = closing(new undici.ProxyAgent(options))
      const error = await failure(open(stranger, `${secure.url}/echo`))
      expect(error).toMatchObject({ code: 'PROXY_REFUSED', proxyStatus: 407, retriable: false })
    }
  })

  test('sockets and ordinary requests share an Agent, which they leave empty', async () => {
    const { url, connections } = await server()
    const dispatcher = new undici.Agent({ connections: 20 })
    const sockets = Array.from({ length: 100 }, () => upgraded(dispatcher, `${url}/echo`))
    const requests = Array.from({ length: 100 }, async () => {
      const { body } = await dispatcher.request({ origin: originOf(url), path: '/', method: 'GET' })
      return body.text()
    })
    expect(await Promise.all(requests)).toEqual(Array(100).fill('GET /'))
    const opened = await Promise.all(sockets)
    expect(connections()).toBeGreaterThanOrEqual(100)
    await dispatcher.close()
    // They are not the dispatcher's any more.
    await expectEcho(opened[0]!)
    await expectEcho(opened[99]!)
  })
})

describe('the global dispatcher', () => {
  const globals = globalThis as { [key: symbol]: unknown }

  test('is the one that was set', async () => {
    const { url } = await server()
    const origins: unknown[] = []
    const recording: undici8.Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) => {
      origins.push(options.origin)
      return dispatch(options, handler)
    }
    const before = undici8.getGlobalDispatcher()
    undici8.setGlobalDispatcher(closing(new undici8.Agent().compose(recording)))
    afterwards(() => undici8.setGlobalDispatcher(before))
    await expectEcho(await upgraded(await globalDispatcher(), `${url}/echo`))
    expect(origins).toEqual([originOf(url)])
  })

  test('is that of an older undici where there is no other', async () => {
    const [current, legacy] = [Symbol.for('undici.globalDispatcher.2'), Symbol.for('undici.globalDispatcher.1')]
    const before = [globals[current], globals[legacy]]
    globals[current] = undefined
    try {
      const older = closing(new VERSIONS[0]![2].Agent())
      globals[legacy] = older
      expect(await globalDispatcher()).toBe(older)
      globals[legacy] = undefined
      globals[current] = before[0]
      expect(await globalDispatcher()).toBe(before[0])
    } finally {
      ;[globals[current], globals[legacy]] = before
    }
  })
})
