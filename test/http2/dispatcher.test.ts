/** The version matrix through a caller's undici, which decides by itself what its connections speak. */
import { Agent, H2CClient, interceptors } from 'undici'
import { Agent as Agent6 } from 'undici6'
import { Agent as Agent7 } from 'undici7'
import { describe, expect, test } from 'vitest'
import type { ClientWebSocketOptions, Dispatcher, HandshakeErrorCode } from '../../src/index.ts'
import type { Http2ServerOptions, Protocol } from '../support/http2-server.ts'
import { failure } from '../support/servers.ts'
import { afterwards, create, detailsOf, expectEcho, http2Server, open, setUp, trust } from './support.ts'

setUp()

type Plan = 'http1' | 'negotiate' | 'http2'

const OPTIONS: Readonly<Record<Plan, ClientWebSocketOptions>> = {
  http1: { httpVersion: '1.1' },
  negotiate: { httpVersion: '2', httpVersionPolicy: 'or-lower' },
  http2: { httpVersion: '2', httpVersionPolicy: 'exact' },
}

type Outcome = '1.1' | '2' | HandshakeErrorCode
type Outcomes = Readonly<Partial<Record<Plan, Outcome>>>

const SERVERS = {
  full: { name: 'HTTP/2 with extended CONNECT, and HTTP/1.1', options: {} },
  without: { name: 'HTTP/2 without extended CONNECT, and HTTP/1.1', options: { extendedConnect: false } },
  http1: { name: 'HTTP/1.1 alone', options: { protocols: ['http/1.1'] } },
} as const satisfies Record<string, { name: string; options: Http2ServerOptions }>

type Kind = keyof typeof SERVERS

interface Closable extends Dispatcher {
  destroy(): Promise<void>
}

interface Version {
  create(): Closable
  readonly outcomes: Readonly<Record<Kind, Outcomes>>
  /** Whether sockets share its connection. */
  readonly shares: boolean
}

const NO_HTTP2: Outcomes = { http1: '1.1', negotiate: '1.1', http2: 'HTTP2_UNAVAILABLE' }
const UNSUPPORTED = 'EXTENDED_CONNECT_UNSUPPORTED'
const WITHOUT_HTTP2: Version['outcomes'] = { full: NO_HTTP2, without: NO_HTTP2, http1: NO_HTTP2 }

const connectOptions = () => ({ connect: { ca: trust.ca } })

const DISPATCHERS: Readonly<Record<string, Version>> = {
  'an Agent of undici 6': { create: () => new Agent6(connectOptions()), outcomes: WITHOUT_HTTP2, shares: false },
  'an Agent of undici 7': { create: () => new Agent7(connectOptions()), outcomes: WITHOUT_HTTP2, shares: false },
  // It speaks HTTP/2 wherever it can, and takes no instruction to do otherwise.
  'an Agent of undici 7 with allowH2': {
    create: () => new Agent7({ ...connectOptions(), allowH2: true }),
    outcomes: {
      full: { negotiate: '2', http2: '2' },
      without: { negotiate: UNSUPPORTED, http2: UNSUPPORTED },
      http1: NO_HTTP2,
    },
    shares: false,
  },
  'an Agent of undici 8': {
    create: () => new Agent(connectOptions()),
    outcomes: {
      full: { http1: '1.1', negotiate: '2', http2: '2' },
      without: { http1: '1.1', negotiate: '1.1', http2: UNSUPPORTED },
      http1: NO_HTTP2,
    },
    shares: true,
  },
  'an Agent of undici 8 without allowH2': {
    create: () => new Agent({ ...connectOptions(), allowH2: false }),
    outcomes: WITHOUT_HTTP2,
    shares: false,
  },
}

function destroyed<T extends Closable>(dispatcher: T): T {
  afterwards(() => dispatcher.destroy())
  return dispatcher
}

describe.each(Object.keys(DISPATCHERS))('%s', (name) => {
  const { create: createDispatcher, outcomes, shares } = DISPATCHERS[name]!
  for (const kind of Object.keys(SERVERS) as Kind[]) {
    for (const [plan, outcome] of Object.entries(outcomes[kind]) as [Plan, Outcome][]) {
      test(`comes out at ${outcome} with ${plan} and a server of ${SERVERS[kind].name}`, async () => {
        const server = await http2Server({ ...SERVERS[kind].options, tls: trust.certificate })
        const options = { ...OPTIONS[plan], dispatcher: destroyed(createDispatcher()) }
        // The second time it is known what the host can do.
        for (const path of ['/echo?1', '/echo?2']) await expectOutcome(server.url + path, options, outcome)
        expect(server.connects.length).toBe(outcome === '2' ? 2 : 0)
        if (outcome === '2' && shares) expect(server.connections()).toBe(1)
      })
    }
  }
})

async function expectOutcome(url: string, options: ClientWebSocketOptions, outcome: Outcome): Promise<void> {
  if (outcome === '1.1' || outcome === '2') {
    const socket = await open(url, options)
    const httpStatusCode = outcome === '2' ? 200 : 101
    expect(detailsOf(socket)).toMatchObject({ httpVersion: outcome, httpStatusCode, transport: 'dispatcher' })
    await expectEcho(socket)
  } else {
    const error = await failure(create(options).connect(url), outcome)
    expect(error).toMatchObject({ response: undefined, retriable: false })
    // undici 7 speaks HTTP/2 also when it is asked not to.
    expect(error.attempts[0]).toMatchObject({ status: 0, error: outcome })
  }
}

test('an interceptor that makes errors of answers does not hide that they came over HTTP/1.1', async () => {
  const server = await http2Server({ protocols: ['http/1.1'], tls: trust.certificate })
  const agent = destroyed(new Agent({ allowH2: true, ...connectOptions() }))
  const dispatcher = agent.compose(interceptors.responseError())
  await expectOutcome(`${server.url}/echo`, { ...OPTIONS.negotiate, dispatcher }, '1.1')
  await expectOutcome(`${server.url}/echo`, { ...OPTIONS.http2, dispatcher }, 'HTTP2_UNAVAILABLE')
})

test('a host that spoke HTTP/1.1 and speaks HTTP/2 alone now is asked in that', async () => {
  const protocols: Protocol[] = ['http/1.1']
  const server = await http2Server({ protocols, tls: trust.certificate })
  const options = { ...OPTIONS.negotiate, dispatcher: destroyed(new Agent(connectOptions())) }
  const socket = await open(`${server.url}/echo`, options)
  await expectEcho(socket)
  await socket.close()
  protocols[0] = 'h2'
  for (const _ of [1, 2]) await expectOutcome(`${server.url}/echo`, options, '2')
  expect(server.offers.at(-2)).toEqual(['http/1.1'])
  await failure(create({ ...options, ...OPTIONS.http1 }).connect(`${server.url}/echo`), 'TLS_FAILED')
})

describe('without TLS', () => {
  test('an Agent speaks HTTP/1.1, and nothing else', async () => {
    const server = await http2Server()
    const dispatcher = destroyed(new Agent({ allowH2: true }))
    for (const plan of ['http1', 'negotiate'] as const) {
      await expectOutcome(`${server.url}/echo`, { ...OPTIONS[plan], dispatcher }, '1.1')
    }
    await expectOutcome(`${server.url}/echo`, { ...OPTIONS.http2, dispatcher }, 'HTTP2_UNAVAILABLE')
  })

  test('an H2CClient speaks HTTP/2', async () => {
    const server = await http2Server()
    const dispatcher = destroyed(new H2CClient(server.url.replace('ws', 'http')))
    await expectOutcome(`${server.url}/echo`, { ...OPTIONS.http2, dispatcher }, '2')
  })
})

test('a refusal is told with its headers and body, and is no reason to try HTTP/1.1', async () => {
  const server = await http2Server({ tls: trust.certificate })
  const dispatcher = destroyed(new Agent(connectOptions()))
  const url = `${server.url}/refuse?status=403`
  const error = await failure(create({ ...OPTIONS.negotiate, dispatcher }).connect(url), 'UPGRADE_REFUSED')
  expect(error.response).toMatchObject({ status: 403, statusText: '', httpVersion: '2' })
  expect(error.response!.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  expect(Buffer.from(error.response!.body).toString()).toBe('refused')
  expect(error.attempts).toMatchObject([{ httpVersion: '2', status: 403, error: 'UPGRADE_REFUSED' }])
  expect(server.connections()).toBe(1)
})
