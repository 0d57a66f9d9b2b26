import { describe, expect, test } from 'vitest'
import type { ClientWebSocketOptions, HandshakeErrorCode } from '../../src/index.ts'
import type { Http2ServerOptions, Protocol, RunningHttp2Server } from '../support/http2-server.ts'
import { failure } from '../support/servers.ts'
import { create, detailsOf, expectEcho, http2Server, NEGOTIATED, open, setUp, trust } from './support.ts'

setUp()

/** What a connect may try. */
type Plan = 'http1' | 'negotiate' | 'http2'

const MATRIX: readonly (readonly [
  version: '1.1' | '2',
  policy: 'or-lower' | 'or-higher' | 'exact',
  ws: Plan,
  wss: Plan,
])[] = [
  ['1.1', 'or-lower', 'http1', 'http1'],
  ['1.1', 'exact', 'http1', 'http1'],
  ['1.1', 'or-higher', 'http1', 'negotiate'],
  ['2', 'or-lower', 'http1', 'negotiate'],
  ['2', 'or-higher', 'http2', 'http2'],
  ['2', 'exact', 'http2', 'http2'],
]

type Attempt = readonly [version: '1.1' | '2', error: HandshakeErrorCode]

/** What becomes of a connect, and what the server sees of it. */
interface Outcome {
  /** Of the open socket; or else it fails. */
  readonly opens?: '1.1' | '2'
  readonly attempts?: readonly Attempt[]
  /** The protocols that each ClientHello offers; undefined where the server does not look. */
  readonly offers: readonly (readonly string[])[] | undefined
  /** How many TCP connections it takes. */
  readonly connections: number
}

const H1 = ['http/1.1']
const H2 = ['h2']
const BOTH = ['h2', 'http/1.1']

function opens(version: '1.1' | '2', ...offers: (readonly string[])[]): Outcome {
  return { opens: version, offers, connections: offers.length }
}

function fails(attempts: readonly Attempt[], ...offers: (readonly string[])[]): Outcome {
  return { attempts, offers, connections: offers.length }
}

const UNSUPPORTED: Attempt = ['2', 'EXTENDED_CONNECT_UNSUPPORTED']
const UNAVAILABLE: Attempt = ['2', 'HTTP2_UNAVAILABLE']

interface Kind {
  readonly server: Http2ServerOptions
  readonly outcomes: Readonly<Partial<Record<Plan, Outcome>>>
}

const SECURE: Readonly<Record<string, Kind>> = {
  'HTTP/2 with extended CONNECT, and HTTP/1.1': {
    server: {},
    outcomes: { http1: opens('1.1', H1), negotiate: opens('2', BOTH), http2: opens('2', H2) },
  },
  'HTTP/1.1, and HTTP/2 with extended CONNECT, which likes the former better': {
    server: { protocols: ['http/1.1', 'h2'] },
    outcomes: { http1: opens('1.1', H1), negotiate: opens('1.1', BOTH), http2: opens('2', H2) },
  },
  'HTTP/2 without extended CONNECT, and HTTP/1.1': {
    server: { extendedConnect: false },
    outcomes: { http1: opens('1.1', H1), negotiate: opens('1.1', BOTH, H1), http2: fails([UNSUPPORTED], H2) },
  },
  'HTTP/2 with extended CONNECT alone': {
    server: { protocols: ['h2'] },
    outcomes: { http1: fails([['1.1', 'TLS_FAILED']], H1), negotiate: opens('2', BOTH), http2: opens('2', H2) },
  },
  'HTTP/2 without extended CONNECT alone': {
    server: { protocols: ['h2'], extendedConnect: false },
    outcomes: {
      http1: fails([['1.1', 'TLS_FAILED']], H1),
      negotiate: fails([UNSUPPORTED, ['1.1', 'TLS_FAILED']], BOTH, H1),
      http2: fails([UNSUPPORTED], H2),
    },
  },
  'HTTP/1.1 alone': {
    server: { protocols: ['http/1.1'] },
    outcomes: { http1: opens('1.1', H1), negotiate: opens('1.1', BOTH), http2: fails([UNAVAILABLE], H2) },
  },
  'HTTP/1.1 without ALPN': {
    server: { protocols: 'unsaid' },
    outcomes: {
      http1: { opens: '1.1', offers: undefined, connections: 1 },
      negotiate: { opens: '1.1', offers: undefined, connections: 1 },
      http2: { attempts: [UNAVAILABLE], offers: undefined, connections: 1 },
    },
  },
}

function clear(outcome: Omit<Outcome, 'offers' | 'connections'>): Outcome {
  return { ...outcome, offers: [], connections: 1 }
}

/** Without TLS nothing is ever negotiated. */
const CLEAR: Readonly<Record<string, Kind>> = {
  'HTTP/2 with extended CONNECT, and HTTP/1.1': {
    server: {},
    outcomes: { http1: clear({ opens: '1.1' }), http2: clear({ opens: '2' }) },
  },
  'HTTP/2 without extended CONNECT, and HTTP/1.1': {
    server: { extendedConnect: false },
    outcomes: { http1: clear({ opens: '1.1' }), http2: clear({ attempts: [UNSUPPORTED] }) },
  },
  'HTTP/2 with extended CONNECT alone': {
    server: { protocols: ['h2'] },
    outcomes: { http1: clear({ attempts: [['1.1', 'INVALID_RESPONSE']] }), http2: clear({ opens: '2' }) },
  },
  'HTTP/2 without extended CONNECT alone': {
    server: { protocols: ['h2'], extendedConnect: false },
    outcomes: {
      http1: clear({ attempts: [['1.1', 'INVALID_RESPONSE']] }),
      http2: clear({ attempts: [UNSUPPORTED] }),
    },
  },
  'HTTP/1.1 alone': {
    server: { protocols: ['http/1.1'] },
    outcomes: { http1: clear({ opens: '1.1' }), http2: clear({ attempts: [UNAVAILABLE] }) },
  },
}

for (const [version, policy, ws, wss] of MATRIX) {
  const options: ClientWebSocketOptions = { httpVersion: version, httpVersionPolicy: policy }
  describe(`${version} ${policy} over ws`, () => {
    defineCells(CLEAR, ws, () => ({}), options)
  })
  describe(`${version} ${policy} over wss`, () => {
    defineCells(SECURE, wss, () => ({ tls: trust.certificate }), options)
  })
}

function defineCells(
  kinds: Readonly<Record<string, Kind>>,
  plan: Plan,
  tls: () => Http2ServerOptions,
  options: ClientWebSocketOptions,
): void {
  for (const [name, kind] of Object.entries(kinds)) {
    const outcome = kind.outcomes[plan]!
    test(`${whatHappens(outcome)} with a server of ${name}`, async () => {
      const server = await http2Server({ ...kind.server, ...tls() })
      if (outcome.opens === undefined) await expectFailure(server, options, outcome)
      else await expectOpen(server, options, outcome.opens)
      expectSeen(server, outcome)
    })
  }
}

function whatHappens({ opens: version, attempts = [] }: Outcome): string {
  return version === undefined
    ? `fails with ${attempts.map(([, code]) => code).join(' and ')}`
    : `opens over ${version}`
}

async function expectOpen(
  server: RunningHttp2Server,
  options: ClientWebSocketOptions,
  httpVersion: '1.1' | '2',
): Promise<void> {
  const socket = await open(`${server.url}/headers`, options)
  const details =
    httpVersion === '2'
      ? { httpStatusCode: 200, httpStatusText: '', transport: 'http2' }
      : { httpStatusCode: 101, httpStatusText: 'Switching Protocols', transport: 'tcp' }
  expect(detailsOf(socket)).toMatchObject({ httpVersion, ...details })
  expect(socket.httpResponseHeaders?.get('x-hello')).toBe('world')
  expect(socket.httpResponseHeaders?.getSetCookie()).toEqual(['a=1', 'b=2'])
  expect(`${await socket.receive()}`.toLowerCase()).toContain('sec-websocket-version')
  await expectEcho(await open(`${server.url}/echo`, options))
}

async function expectFailure(
  server: RunningHttp2Server,
  options: ClientWebSocketOptions,
  { attempts = [] }: Outcome,
): Promise<void> {
  const socket = create(options)
  const error = await failure(socket.connect(`${server.url}/echo`), attempts.at(-1)![1])
  expect(error).toMatchObject({ response: undefined, retriable: false })
  expect(error.attempts.map(({ httpVersion, error: code }) => [httpVersion, code])).toEqual(attempts)
  expect(error.attempts.every(({ status }) => status === 0)).toBe(true)
  expect(detailsOf(socket)).toMatchObject({ state: 'closed', httpStatusCode: 0, httpResponseHeaders: null })
}

function expectSeen(server: RunningHttp2Server, outcome: Outcome): void {
  const first = (all: readonly (readonly string[])[]) => all.slice(0, outcome.connections)
  if (outcome.offers !== undefined) expect(first(server.offers)).toEqual(outcome.offers)
  expect(server.connects.map(({ headers }) => headers[':path'])).toEqual(
    outcome.opens === '2' ? ['/headers', '/echo'] : [],
  )
  if (outcome.opens === undefined) expect(server.connections()).toBe(outcome.connections)
  // Two sockets were opened: over HTTP/2 on one connection, and the second of HTTP/1.1 went straight there.
  else expect(server.connections()).toBe(outcome.connections + (outcome.opens === '2' ? 0 : 1))
}

describe('a second connect', () => {
  test('costs one TLS handshake for each socket when the server does not speak HTTP/2', async () => {
    const server = await http2Server({ tls: trust.certificate, protocols: ['http/1.1'] })
    for (const count of [1, 2, 3]) {
      await expectEcho(await open(`${server.url}/echo`, NEGOTIATED))
      expect(server.connections()).toBe(count)
      expect(server.handshakes()).toBe(count)
    }
  })

  test('does not probe again when HTTP/2 is without extended CONNECT', async () => {
    const server = await http2Server({ tls: trust.certificate, extendedConnect: false })
    for (const _ of [1, 2, 3]) await expectEcho(await open(`${server.url}/echo`, NEGOTIATED))
    expect(server.offers).toEqual([BOTH, H1, H1, H1])
    expect(server.connects).toEqual([])
    expect(server.sessions.map(({ destroyed }) => destroyed)).toEqual([false])
  })

  test('knows of the first one that fails, too', async () => {
    const server = await http2Server({ tls: trust.certificate, extendedConnect: false })
    const exact: ClientWebSocketOptions = { httpVersion: '2', httpVersionPolicy: 'exact' }
    for (const _ of [1, 2]) {
      await failure(create(exact).connect(`${server.url}/echo`), 'EXTENDED_CONNECT_UNSUPPORTED')
    }
    expect(server.offers).toEqual([H2])
  })

  test('goes round once more when the server speaks HTTP/2 alone by then', async () => {
    const protocols: Protocol[] = ['http/1.1']
    const server = await http2Server({ tls: trust.certificate, protocols })
    await expectEcho(await open(`${server.url}/echo`, NEGOTIATED))
    protocols[0] = 'h2'
    for (const _ of [1, 2]) {
      const socket = await open(`${server.url}/echo`, NEGOTIATED)
      expect(socket.httpVersion).toBe('2')
      await expectEcho(socket)
    }
    expect(server.offers).toEqual([BOTH, H1, BOTH])
  })

  test.each(['ws', 'wss'])('shares the connection of the first one over %s', async (scheme) => {
    const server = await http2Server(scheme === 'wss' ? { tls: trust.certificate } : {})
    const options: ClientWebSocketOptions = { httpVersion: '2', httpVersionPolicy: 'exact' }
    const sockets = await Promise.all([1, 2, 3].map(() => open(`${server.url}/echo`, options)))
    sockets.push(await open(`${server.url}/echo`, options))
    await Promise.all(sockets.map((socket, index) => expectEcho(socket, `socket ${index}`)))
    expect(server.connections()).toBe(1)
    expect(server.connects.length).toBe(4)
  })
})

test('what is sent in a CONNECT', async () => {
  const server = await http2Server()
  await open(`${server.url}/subprotocols?a=b`, {
    httpVersion: '2',
    httpVersionPolicy: 'exact',
    subprotocols: ['one', 'two'],
    headers: [
      ['X-Mine', 'first'],
      ['Host', 'elsewhere.example'],
      ['X-Mine', 'second'],
    ],
  })
  const [{ rawHeaders } = { rawHeaders: [] as readonly string[] }] = server.connects
  const fields = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${rawHeaders[i + 1]}`] : []))
  expect(fields.slice(0, 5).sort()).toEqual([
    ':authority: elsewhere.example',
    ':method: CONNECT',
    ':path: /subprotocols?a=b',
    ':protocol: websocket',
    ':scheme: http',
  ])
  expect(fields.slice(5).sort()).toEqual([
    'sec-websocket-protocol: one, two',
    'sec-websocket-version: 13',
    'x-mine: first',
    'x-mine: second',
  ])
})
