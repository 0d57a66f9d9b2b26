/**
 * What logs may show of a socket, of its failures and of its telemetry holds nothing that was meant for the server or
 * the proxy alone.
 */
import diagnosticsChannel from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { CookieJar } from 'tough-cookie'
import { Agent } from 'undici'
import { afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { ClientWebSocket, type ClientWebSocketOptions, type HandshakeError } from '../../src/index.ts'
import { sessionPool } from '../../src/transport/session-pool.ts'
import { toNodeStream } from '../../src/web/node-stream.ts'
import { WebSocket } from '../../src/web/websocket.ts'
import { WebSocketStream } from '../../src/web/websocketstream.ts'
import { hawser } from '../cli/hawser.ts'
import { type Authority, type Certificate, createAuthority } from '../support/certificates.ts'
import { startConnectProxy, startSocksProxy } from '../support/connect-proxy.ts'
import { startHttp2Server } from '../support/http2-server.ts'
import { passphrase, pfx } from '../support/pfx.ts'
import { aborted, peer, rejection, server, untilFinished } from '../support/servers.ts'

const SECRET = 'hunter2'
/** As it is, in Base64 of Basic authentication, and percent-encoded. */
const TRACES = /hunter2|dXNlcjpodW50ZXIy|aHVudGVyM|68756e74/i

let authority: Authority
let certificate: Certificate
beforeAll(async () => {
  authority = await createAuthority()
  certificate = await authority.issue()
})
afterEach(() => {
  vi.unstubAllEnvs()
  sessionPool().clear()
})

/** Everything that a log could show. */
function shown(value: unknown): string {
  const error = value as Partial<Error>
  const all = inspect(value, {
    depth: Number.POSITIVE_INFINITY,
    showHidden: true,
    getters: false,
    maxStringLength: null,
  })
  return [String(value), error?.message, error?.stack, JSON.stringify(value), inspect(value), all].join('\n')
}

const CHANNELS = ['handshake:start', 'handshake:response', 'handshake:error', 'open', 'ping', 'close']

/** All that is told on the channels, until the test is over. */
function listen(): unknown[] {
  const events: unknown[] = []
  for (const name of CHANNELS) {
    const onMessage = (message: unknown) => void events.push(message)
    diagnosticsChannel.subscribe(`hawser:${name}`, onMessage)
    onTestFinished(() => void diagnosticsChannel.unsubscribe(`hawser:${name}`, onMessage))
  }
  return events
}

/** Secrets in every place for them. */
async function secrets(url: string): Promise<ClientWebSocketOptions> {
  const cookies = new CookieJar()
  await cookies.setCookie(`session=${SECRET}`, url.replace('ws', 'http'))
  return {
    headers: { 'x-api-key': SECRET, cookie: `mine=${SECRET}` },
    credentials: { username: 'user', password: SECRET },
    cookies,
    handshakeTimeout: 300,
    redirect: 'follow',
  }
}

function withSecrets(url: string): string {
  return `${url.replace('//', `//user:${SECRET}@`)}?token=${SECRET}`
}

const ANSWERS: Readonly<Record<string, string>> = {
  'a refusal': 'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n',
  'a violation': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n',
  garbage: '\0\0garbage\r\n\r\n',
  silence: '',
  'a redirect to nowhere': 'HTTP/1.1 302 Found\r\nLocation: ftp://x\r\nContent-Length: 0\r\n\r\n',
}

const PROXIES = {
  'an http: proxy': () => startConnectProxy({ user: { name: 'user', password: SECRET } }),
  'an https: proxy': () => startConnectProxy({ user: { name: 'user', password: SECRET }, tls: certificate }),
  'a socks5: proxy': () => startSocksProxy({ user: { name: 'user', password: SECRET } }),
  'a proxy that refuses': () => startConnectProxy({ status: 502 }),
  'a proxy that is silent': () => startConnectProxy({ silent: true }),
}

/** How a server fails a handshake, and who fails with it. */
async function failing(bytes: string): Promise<string> {
  const { url } = await peer(async (connection) => {
    await connection.readRequest()
    await connection.write(bytes)
  })
  return url
}

describe('no failure shows a secret', () => {
  test.each(Object.keys(PROXIES))('through %s', async (name) => {
    const events = listen()
    const proxy = untilFinished(await PROXIES[name as keyof typeof PROXIES]())
    const through = proxy.url.replace('//', `//user:${SECRET}@`)
    for (const bytes of Object.values(ANSWERS)) {
      const url = await failing(bytes)
      const options = { ...(await secrets(url)), proxy: through, tls: { ca: authority.ca } }
      expect(shown(await rejection(aborted(new ClientWebSocket(options)).connect(withSecrets(url))))).not.toMatch(
        TRACES,
      )
      vi.stubEnv('HTTP_PROXY', through)
      const environment = { ...options, proxy: 'env' as const }
      expect(shown(await rejection(aborted(new ClientWebSocket(environment)).connect(withSecrets(url))))).not.toMatch(
        TRACES,
      )
    }
    await proxy.close()
    const gone = { ...(await secrets('ws://127.0.0.1')), proxy: through }
    expect(shown(await rejection(new ClientWebSocket(gone).connect(withSecrets('ws://127.0.0.1/'))))).not.toMatch(
      TRACES,
    )
    expect(events.length).toBeGreaterThan(5)
    expect(shown(events)).not.toMatch(TRACES)
  })

  test('over HTTP/2', async () => {
    const events = listen()
    const { url, close } = await startHttp2Server({ tls: certificate })
    onTestFinished(close)
    const without = await startHttp2Server({ tls: certificate, extendedConnect: false })
    onTestFinished(without.close)
    const tls = { ca: authority.ca }
    for (const target of [`${url}/refuse`, `${url}/silent`, `${url}/redirect?to=ftp://x`, `${without.url}/echo`]) {
      const options = { ...(await secrets(url)), tls, httpVersion: '2', httpVersionPolicy: 'exact' } as const
      const connecting = aborted(new ClientWebSocket(options)).connect(
        `${withSecrets(target).replace(/\?(.*)\?/, '?$1&')}`,
      )
      const text = shown(await rejection(connecting))
      expect(text).not.toMatch(TRACES)
    }
    expect(shown(events)).not.toMatch(TRACES)
  })

  test('of TLS, with a passphrase that is wrong, a key that is none, or a certificate that is not wanted', async () => {
    const { url } = await server({ ...certificate, ca: authority.ca, requestCert: true })
    for (const tls of [
      { ca: authority.ca, pfx, passphrase: `${passphrase}${SECRET}` },
      { ca: authority.ca, key: `-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----`, cert: SECRET },
      { ca: authority.ca, ...certificate, passphrase: SECRET },
      { ca: SECRET },
    ]) {
      for (const more of [{}, { httpVersion: '2' }, { proxy: untilFinished(await startConnectProxy()).url }] as const) {
        const socket = aborted(new ClientWebSocket({ ...more, tls }))
        const text = shown(await rejection(socket.connect(`${url}/echo`)))
        expect(text).not.toMatch(TRACES)
        expect(text).not.toContain(certificate.key.split('\n')[1])
      }
    }
  })

  test('of the web classes', async () => {
    const url = await failing(ANSWERS['a refusal']!)
    const { cookies: _jar, ...options } = await secrets(url)
    const webSocket = new WebSocket(withSecrets(url), options)
    const event = await new Promise((resolve) => {
      webSocket.onerror = resolve
    })
    const stream = new WebSocketStream(withSecrets(url), options)
    const errors = await Promise.all([rejection(stream.opened), rejection(stream.closed)])
    for (const each of [event, ...errors]) expect(shown(each)).not.toMatch(TRACES)
    for (const bad of ['wrong://', `ws://x/#${SECRET}`, `ws://${SECRET}:${SECRET}@[/`]) {
      expect(() => new WebSocket(bad)).toThrow(expect.objectContaining({ message: expect.not.stringMatching(TRACES) }))
    }
  })
})

test('no socket that is open shows what it was opened with', async () => {
  const events = listen()
  const { url } = await server()
  const options = { ...(await secrets(url)), subprotocols: ['other'] }
  const socket = aborted(new ClientWebSocket(options))
  await socket.connect(withSecrets(`${url}/echo`).replace(/\?.*/, ''))
  const stream = toNodeStream(socket)
  for (const each of [socket, stream]) expect(shown(each)).not.toMatch(TRACES)
  await socket.ping()
  await socket.close()
  expect(events.length).toBeGreaterThan(3)
  expect(shown(events)).not.toMatch(TRACES)
})

test.each(['is open', 'has failed'])('a socket that %s is shown without the query of its URL', async (outcome) => {
  const { url } = await server()
  const socket = aborted(new ClientWebSocket())
  const path = outcome === 'is open' ? '/echo' : '/refuse'
  await socket.connect(`${url}${path}?token=${SECRET}`).catch(() => {})
  expect(socket.url).toContain(SECRET)
  expect(inspect(socket)).toContain(path)
  expect(inspect(socket)).not.toMatch(TRACES)
})

/** Some servers take a token as a subprotocol, since browsers can send nothing else. */
test.each([
  ['all that were offered', `v1, token.${SECRET}`],
  ['one in other letters', `TOKEN.${SECRET.toUpperCase()}`],
  ['one with something behind it', `token.${SECRET};x`],
])('a subprotocol that is a secret is not shown when the server chooses %s', async (_, chosen) => {
  const { url } = await peer((connection) => connection.accept([`Sec-WebSocket-Protocol: ${chosen}`]))
  for (const more of [{}, { dispatcher: new Agent() }]) {
    const socket = new ClientWebSocket({
      subprotocols: ['v1', `token.${SECRET}`],
      collectHttpResponseDetails: false,
      ...more,
    })
    const error = await rejection(aborted(socket).connect(url))
    expect(error).toMatchObject({ code: 'INVALID_SUBPROTOCOL' })
    expect(shown(error)).not.toMatch(TRACES)
  }
})

test('what the server has answered is shown as it came, unless nothing of it is to be kept', async () => {
  const url = await failing(`HTTP/1.1 403 Forbidden\r\nSet-Cookie: a=${SECRET}\r\nContent-Length: 0\r\n\r\n`)
  const error = await rejection(aborted(new ClientWebSocket()).connect(url))
  expect((error as HandshakeError).response?.headers.getSetCookie()).toEqual([`a=${SECRET}`])
  expect(String(error)).not.toMatch(TRACES)
  const without = aborted(new ClientWebSocket({ collectHttpResponseDetails: false }))
  expect(shown(await rejection(without.connect(url)))).not.toMatch(TRACES)
  expect(shown(without)).not.toMatch(TRACES)
})

test('the command shows no secret that it was given, whatever becomes of it', { timeout: 60_000 }, async () => {
  const running = await server()
  const secure = await server(certificate)
  const proxy = untilFinished(await startConnectProxy({ status: 407 }))
  const header = ['-H', `Authorization: Bearer ${SECRET}`, '-H', `Cookie: a=${SECRET}`]
  const through = proxy.url.replace('//', `//user:${SECRET}@`)
  const query = `token=${SECRET}`
  const runs: (readonly string[])[] = [
    [withSecrets(`${running.url}/echo`), '-w', '0.01'],
    [withSecrets(`${running.url}/echo`), '--json'],
    [withSecrets(`${running.url}/refuse`)],
    [withSecrets(`${running.url}/refuse`), '--json'],
    [withSecrets(`${running.url}/silent`), '--timeout', '0.2'],
    [`${running.url}/redirect?to=${encodeURIComponent(`/refuse?${query}`)}`, '--follow', '--json'],
    [withSecrets(`${secure.url}/echo`)],
    [withSecrets('ws://hawser.invalid/')],
    [withSecrets('wrong://x/')],
    [`ws://user:${SECRET}@[/?${query}`],
    [`ws://a:${SECRET}@x/#${SECRET}`],
    [withSecrets(`${running.url}/echo`), '--proxy', through],
    [withSecrets(`${running.url}/echo`), '--proxy', `ftp://user:${SECRET}@127.0.0.1`],
    [running.url, '-H', `${SECRET}`],
    [running.url, '-H', `Authorization: ${SECRET}\r\nx`],
    [running.url, '-H', `bad name ${SECRET}: x`],
    [running.url, `--authorization=${SECRET}`],
  ]
  for (const args of runs) {
    const { code, stdout, stderr } = await hawser([...args, ...header])
    const what = args.join(' ')
    expect(`${stdout}${stderr}`.length, what).toBeGreaterThan(10)
    expect(`${stdout}${stderr}`, what).not.toMatch(TRACES)
    expect(code, what).not.toBeNull()
  }
})
