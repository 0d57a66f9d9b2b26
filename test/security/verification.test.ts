/** TLS is verified on every way to a server, each time, for the one who asks. */
import { createServer, type TLSSocket } from 'node:tls'
import { Agent } from 'undici'
import { afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { ClientWebSocket, type ClientWebSocketOptions, type TlsOptions } from '../../src/index.ts'
import { sessionPool } from '../../src/transport/session-pool.ts'
import { type Authority, type Certificate, createAuthority } from '../support/certificates.ts'
import { startConnectProxy, startSocksProxy } from '../support/connect-proxy.ts'
import { type RunningHttp2Server, startHttp2Server } from '../support/http2-server.ts'
import { passphrase, pfx } from '../support/pfx.ts'
import { aborted, failure, server, untilFinished } from '../support/servers.ts'

let authority: Authority
let foreign: Authority
let certificate: Certificate
const bad: Record<string, Certificate> = {}
beforeAll(async () => {
  authority = await createAuthority()
  foreign = await createAuthority()
  certificate = await authority.issue()
  bad['of another authority'] = await foreign.issue()
  bad['for another name'] = await authority.issue({ names: ['other.example'] })
  bad['that has expired'] = await authority.issue({ expired: true })
})
afterEach(() => {
  vi.unstubAllEnvs()
  sessionPool().clear()
})

const HTTP2 = { httpVersion: '2', httpVersionPolicy: 'exact' } as const

/** How to get there, with TLS options for the server. */
const WAYS: Readonly<Record<string, (tls: TlsOptions) => Promise<ClientWebSocketOptions>>> = {
  tcp: async (tls) => ({ tls }),
  http2: async (tls) => ({ tls, ...HTTP2 }),
  'http2, or else 1.1': async (tls) => ({ tls, httpVersion: '2' }),
  'an http: proxy': async (tls) => ({ tls, proxy: untilFinished(await startConnectProxy()).url }),
  'an https: proxy': async (tls) => ({
    // The proxy's own certificate is a good one.
    tls: { ...tls, ca: authority.ca },
    proxy: untilFinished(await startConnectProxy({ tls: certificate })).url,
  }),
  'a socks5: proxy': async (tls) => ({ tls, proxy: untilFinished(await startSocksProxy()).url }),
  'a proxy of the environment': async (tls) => {
    vi.stubEnv('HTTPS_PROXY', untilFinished(await startConnectProxy()).url)
    vi.stubEnv('NO_PROXY', '')
    return { tls, proxy: 'env' }
  },
  'no proxy, as the environment says': async (tls) => {
    vi.stubEnv('NO_PROXY', '*')
    return { tls, proxy: 'env' }
  },
  "a caller's Agent": async (tls) => {
    const dispatcher = new Agent({ connect: tls as object })
    onTestFinished(() => dispatcher.destroy())
    return { dispatcher }
  },
}

async function serving(tls: Certificate): Promise<RunningHttp2Server> {
  const running = await startHttp2Server({ tls })
  onTestFinished(running.close)
  return running
}

/** What has come through TLS. */
function asked({ connects, backendRequests }: RunningHttp2Server): number {
  return connects.length + backendRequests.length
}

function connecting(url: string, options: ClientWebSocketOptions): Promise<void> {
  return aborted(new ClientWebSocket(options)).connect(url)
}

describe.each(Object.keys(WAYS))('over %s', (way) => {
  test('a certificate that is not good is refused, and nothing is asked of its server', async () => {
    for (const [what, tls] of Object.entries(bad)) {
      const running = await serving(tls)
      const options = await WAYS[way]!({ ca: authority.ca })
      await failure(connecting(`${running.url}/echo`, options), 'TLS_FAILED')
      expect(asked(running), what).toBe(0)
    }
  })

  test('only false turns the verification off', async () => {
    const running = await serving(bad['of another authority']!)
    for (const odd of [undefined, null, 0, '', Number.NaN]) {
      const options = await WAYS[way]!({ rejectUnauthorized: odd as unknown as boolean })
      await failure(connecting(`${running.url}/echo`, options), 'TLS_FAILED')
    }
    expect(asked(running)).toBe(0)
    await connecting(`${running.url}/echo`, await WAYS[way]!({ rejectUnauthorized: false }))
    expect(asked(running)).toBeGreaterThan(0)
  })
})

/** undici takes the name for TLS from the Host field: with a caller's client that is the caller's business. */
const OWN = Object.keys(WAYS).filter((way) => way !== "a caller's Agent")

test.each(OWN)('over %s a Host field does not choose the name that is verified', async (way) => {
  const running = await serving(bad['for another name']!)
  const options = await WAYS[way]!({ ca: authority.ca })
  const headers = { host: 'other.example' }
  await failure(connecting(`${running.url}/echo`, { ...options, headers }), 'TLS_FAILED')
  expect(asked(running)).toBe(0)
})

test('a redirect from ws to wss does not get around it', async () => {
  const clear = await server()
  const secure = await serving(bad['of another authority']!)
  const to = `/redirect?to=${encodeURIComponent(`${secure.url}/echo`)}`
  await failure(connecting(clear.url + to, { redirect: 'follow', tls: { ca: authority.ca } }), 'TLS_FAILED')
  await failure(
    connecting(clear.url + to, { redirect: 'follow', proxy: untilFinished(await startConnectProxy()).url }),
    'TLS_FAILED',
  )
  expect(asked(secure)).toBe(0)
})

test.each(Object.keys(WAYS))(
  'over %s a certificate for another purpose is refused as one that is not good',
  async (way) => {
    const running = await serving(await authority.issue({ client: true }))
    const error = await failure(connecting(`${running.url}/echo`, await WAYS[way]!({ ca: authority.ca })))
    expect(asked(running)).toBe(0)
    expect(error).toMatchObject({ code: 'TLS_FAILED', retriable: false, cause: { code: 'INVALID_PURPOSE' } })
  },
)

test('what is said of the server does not excuse the proxy', async () => {
  const { url, requests } = await server(certificate)
  for (const [what, tls] of Object.entries(bad)) {
    const proxy = untilFinished(await startConnectProxy({ tls }))
    const options = { ca: authority.ca, rejectUnauthorized: false, checkServerIdentity: () => undefined }
    const error = await failure(
      connecting(`${url}/echo`, { proxy: proxy.url, tls: { ...options, servername: 'other.example' } }),
    )
    expect([what, error.code, proxy.targets]).toEqual([what, 'TLS_FAILED', []])
  }
  expect(requests).toEqual([])
})

test('a client certificate is shown to the server, and not to the proxy', async () => {
  const names: string[] = []
  const proxy = createServer(
    { ...certificate, ca: authority.ca, requestCert: true, rejectUnauthorized: false },
    (socket) => {
      names.push(String(socket.getPeerCertificate().subject?.CN))
      socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n')
    },
  )
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void proxy.close())
  const mine = await authority.issue({ names: ['mine'], client: true })
  const { port } = proxy.address() as { port: number }
  const options = { proxy: `https://localhost:${port}`, tls: { ca: authority.ca, ...mine } }
  await failure(connecting('wss://server.example', options), 'PROXY_REFUSED')
  expect(names).toEqual(['undefined'])
})

/** Callers without types can hand in any function. */
const CHECKS: readonly (readonly [how: string, check: () => unknown])[] = [
  ['returns a promise', () => Promise.resolve()],
  ['returns a promise that is rejected', () => Promise.reject(new Error('no'))],
  ['returns what is no error', () => 'no'],
  // As one who compares fingerprints, and believes that this is how to say so.
  ['returns false', () => false],
  ['returns true', () => true],
  [
    'throws',
    () => {
      throw new Error('no')
    },
  ],
]

test.each(CHECKS)('a checkServerIdentity that %s fails the handshake', async (_, check) => {
  const running = await serving(certificate)
  for (const way of ['tcp', 'http2', 'an http: proxy']) {
    const tls = {
      ca: authority.ca,
      checkServerIdentity: check as NonNullable<TlsOptions['checkServerIdentity']>,
    }
    const error = await failure(connecting(`${running.url}/echo`, await WAYS[way]!(tls)))
    expect(error.retriable).toBe(false)
  }
  expect(asked(running)).toBe(0)
})

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('of %s a session', (version) => {
  test.each(['tcp', 'http2', 'an http: proxy'])(
    'is not resumed, so that each connection is verified: over %s',
    async (way) => {
      const reused: boolean[] = []
      const tls = { ...certificate, minVersion: version, maxVersion: version, ALPNProtocols: ['h2', 'http/1.1'] }
      const front = createServer(tls, (socket: TLSSocket) => {
        reused.push(socket.isSessionReused())
        socket.on('error', () => {}).resume()
        // A ticket comes with the first bytes that are read, or before.
        setTimeout(() => socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n'), 20)
      })
      await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
      onTestFinished(() => void front.close())
      const url = `wss://localhost:${(front.address() as { port: number }).port}`
      const check = vi.fn(() => undefined)
      const trusting = { ca: authority.ca, checkServerIdentity: check }
      for (let i = 0; i < 3; i++) await failure(connecting(url, await WAYS[way]!(trusting)))
      expect(check.mock.calls.length).toBe(reused.length)
      await failure(connecting(url, await WAYS[way]!({})), 'TLS_FAILED')
      await failure(connecting(url, await WAYS[way]!({ ca: foreign.ca })), 'TLS_FAILED')
      expect(reused.length).toBeGreaterThanOrEqual(3)
      expect(reused).not.toContain(true)
    },
  )
})

describe('a connection of HTTP/2', () => {
  /** Each of these alone makes another identity. They all are let in. */
  async function others(): Promise<Readonly<Record<string, TlsOptions>>> {
    const mine = await authority.issue({ names: ['mine'], client: true })
    const { ca } = authority
    return {
      ca: { ca: [ca, foreign.ca] },
      'cert and key': { ca, ...mine },
      'another cert and key': { ca, ...(await authority.issue({ names: ['mine'], client: true })) },
      pfx: { ca, pfx, passphrase },
      servername: { ca, servername: 'localhost' },
      checkServerIdentity: { ca, checkServerIdentity: () => undefined },
      'another checkServerIdentity': { ca, checkServerIdentity: () => undefined },
      rejectUnauthorized: { ca, rejectUnauthorized: false },
      'rejectUnauthorized without ca': { rejectUnauthorized: false },
    }
  }

  test('is shared by nobody with another identity, one after the other or all at once', async () => {
    const all = Object.entries({ 'the first': { ca: authority.ca }, ...(await others()) })
    for (const atOnce of [false, true]) {
      const running = await serving(certificate)
      const open = (tls: TlsOptions) => connecting(`${running.url}/echo`, { tls, ...HTTP2 })
      if (atOnce) await Promise.all(all.flatMap(([, tls]) => [open(tls), open(tls)]))
      for (const [index, [name, tls]] of all.entries()) {
        if (!atOnce) await open(tls)
        if (!atOnce) expect(running.handshakes(), name).toBe(index + 1)
        // Who is the same is let in.
        await open({ ...tls })
      }
      expect(running.handshakes()).toBe(all.length)
      const streams = new Map<unknown, number>()
      for (const { stream } of running.connects) streams.set(stream.session, (streams.get(stream.session) ?? 0) + 1)
      expect([...streams.values()]).toEqual(all.map(() => (atOnce ? 3 : 2)))
    }
  })

  test.each<readonly [string, TlsOptions, () => TlsOptions]>([
    ['who trusts nobody', { rejectUnauthorized: false }, () => ({})],
    ['who trusts another', { rejectUnauthorized: false }, () => ({ ca: foreign.ca })],
    ['who wants another name', {}, () => ({ ca: authority.ca, servername: 'other.example' })],
    ['whose check says no', {}, () => ({ ca: authority.ca, checkServerIdentity: () => new Error('no') })],
    ['whose key is none', {}, () => ({ ca: authority.ca, cert: 'none', key: 'none' })],
  ])('is no way in for one %s', async (_, tls, of) => {
    const running = await serving(certificate)
    const first = { tls: { ca: authority.ca, ...tls }, ...HTTP2 }
    await connecting(`${running.url}/echo`, first)
    for (const policy of ['exact', 'or-lower'] as const) {
      const options = { tls: of(), httpVersion: '2', httpVersionPolicy: policy } as const
      const both = [
        failure(connecting(`${running.url}/echo`, options), 'TLS_FAILED'),
        connecting(`${running.url}/echo`, first),
      ]
      await Promise.all(both)
    }
    expect(running.connects.length).toBe(3)
  })
})
