import { Agent } from 'undici'
import { beforeAll, describe, expect, test } from 'vitest'
import { ClientWebSocket, type ClientWebSocketOptions, type TlsOptions } from '../src/index.ts'
import { type Authority, createAuthority } from './support/certificates.ts'
import { aborted, failure, peer, server } from './support/servers.ts'
import type { RecordedRequest, RunningServer } from './support/websocket-server.ts'

let authority: Authority
beforeAll(async () => {
  authority = await createAuthority()
})

/** A path that redirects to a URL. */
function redirectTo(to: string, status = 302): string {
  return `/redirect?status=${status}&to=${encodeURIComponent(to)}`
}

/** A path that redirects so many times before it ends at another. */
function chain(redirects: number, end: string): string {
  return redirects === 0 ? end : redirectTo(chain(redirects - 1, end))
}

function last({ requests }: RunningServer): RecordedRequest {
  return requests.at(-1)!
}

const SECRETS = {
  authorization: 'Bearer mine',
  cookie: 'session=mine',
  'x-other': 'kept',
}

const TRANSPORTS: Readonly<Record<string, () => ClientWebSocketOptions>> = {
  tcp: () => ({ tls: { ca: authority.ca } }),
  dispatcher: () => ({ dispatcher: new Agent({ connect: { ca: authority.ca } }) }),
}

describe.each(Object.keys(TRANSPORTS))('over %s', (transport) => {
  const create = (options: ClientWebSocketOptions = {}) =>
    aborted(new ClientWebSocket({ ...TRANSPORTS[transport]!(), redirect: 'follow', ...options }))

  test('a redirect is a refusal unless it is to be followed', async () => {
    const { url, requests } = await server()
    const path = redirectTo('/echo')
    const socket = create({ redirect: 'error' })
    const error = await failure(socket.connect(url + path), 'UPGRADE_REFUSED')
    expect(error.response?.status).toBe(302)
    expect(error.response?.headers.get('location')).toBe('/echo')
    expect(requests.length).toBe(1)
  })

  test.each([301, 302, 303, 307, 308])('%i is followed', async (status) => {
    const { url } = await server()
    const socket = create()
    await socket.connect(url + redirectTo('/echo?a=b', status))
    expect(socket).toMatchObject({ state: 'open', url: `${url}/echo?a=b`, httpStatusCode: 101 })
  })

  test('five redirects are followed, each by a request of its own', async () => {
    const { url, requests } = await server()
    const socket = create()
    await socket.connect(url + chain(5, '/echo'))
    expect(socket.url).toBe(`${url}/echo`)
    expect(requests.length).toBe(6)
    expect(new Set(requests.map(({ headers }) => headers['sec-websocket-key'])).size).toBe(6)
  })

  test('the sixth is refused', async () => {
    const { url, requests } = await server()
    const socket = create()
    const error = await failure(socket.connect(url + chain(6, '/echo')), 'REDIRECT_REFUSED')
    expect(error).toMatchObject({ retriable: false, response: { status: 302 } })
    expect(error.attempts.map(({ status, error }) => [status, error])).toEqual([
      ...Array.from({ length: 5 }, () => [302, undefined]),
      [302, 'REDIRECT_REFUSED'],
    ])
    expect(requests.length).toBe(6)
    expect(socket).toMatchObject({ state: 'closed', httpStatusCode: 302 })
  })

  test('a Location may be relative, or of http:', async () => {
    const { url, port } = await server()
    for (const location of ['../echo', '//127.0.0.1:PORT/echo', 'http://127.0.0.1:PORT/echo', '?to=/echo']) {
      const socket = create()
      await socket.connect(url + redirectTo(location.replace('PORT', String(port))))
      expect(socket.url).toBe(`${url}/echo`)
    }
  })

  test.each([
    ['another scheme', ['Location: ftp://127.0.0.1/']],
    ['nowhere', []],
    ['two places', ['Location: /a', 'Location: /b']],
    ['what is no URL', ['Location: ws://[']],
  ])('a redirect to %s is refused', async (_, fields) => {
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.write(['HTTP/1.1 302 Found', ...fields, 'Content-Length: 0', '', ''].join('\r\n'))
    })
    const error = await failure(create().connect(url), 'REDIRECT_REFUSED')
    expect(error).toMatchObject({ retriable: false, response: { status: 302 } })
  })

  test('a redirect to a refusal names both attempts', async () => {
    const { url } = await server()
    const error = await failure(create().connect(url + redirectTo('/refuse?status=429&retry-after=1')))
    expect(error).toMatchObject({ code: 'UPGRADE_REFUSED', retriable: true, retryAfter: 1000 })
    expect(error.attempts).toEqual([
      { url: `${url}/redirect`, transport, httpVersion: '1.1', status: 302 },
      { url: `${url}/refuse`, transport, httpVersion: '1.1', status: 429, error: 'UPGRADE_REFUSED' },
    ])
  })

  test('a redirect may lead from ws to wss, but not back', async () => {
    const clear = await server()
    const secure = await server(await authority.issue())
    const socket = create()
    await socket.connect(clear.url + redirectTo(`${secure.url}/echo`))
    expect(socket.url).toBe(`${secure.url}/echo`)
    const error = await failure(create().connect(secure.url + redirectTo(`${clear.url}/echo`)), 'REDIRECT_REFUSED')
    expect(error.response?.status).toBe(302)
    expect(clear.requests.length).toBe(1)
  })

  test("the caller's secrets stay within the origin", async () => {
    const first = await server()
    const other = await server()
    const headers = { ...SECRETS, host: 'name.example' }
    await create({ headers }).connect(first.url + redirectTo('/echo'))
    expect(last(first).headers).toMatchObject(headers)
    await create({ headers }).connect(first.url + redirectTo(`${other.url}/echo`))
    expect(last(other).headers).toMatchObject({ 'x-other': 'kept', host: `127.0.0.1:${other.port}` })
    expect(last(other).headers).not.toHaveProperty('authorization')
    expect(last(other).headers).not.toHaveProperty('cookie')
  })

  test('what was dropped for another origin does not come back on the way home', async () => {
    const first = await server()
    const other = await server()
    await create({ headers: SECRETS }).connect(first.url + redirectTo(other.url + redirectTo(`${first.url}/echo`)))
    expect(last(first).url).toBe('/echo')
    expect(last(first).headers).not.toHaveProperty('authorization')
  })

  test('userinfo stays within the origin', async () => {
    const first = await server()
    const other = await server()
    const from = first.url.replace('//', '//user:secret@')
    const basic = `Basic ${btoa('user:secret')}`
    await create().connect(from + redirectTo('/echo'))
    expect(first.requests.map(({ headers }) => headers.authorization)).toEqual([basic, basic])
    await create().connect(from + redirectTo(other.url + redirectTo(`${first.url}/echo`)))
    expect(first.requests[2]!.headers.authorization).toBe(basic)
    expect(last(other).headers).not.toHaveProperty('authorization')
    expect(last(first).headers).not.toHaveProperty('authorization')
    // A Location does not get to choose who we are.
    await create().connect(first.url + redirectTo(`${other.url.replace('//', '//them:theirs@')}/echo`))
    expect(last(other).headers).not.toHaveProperty('authorization')
  })
})

describe('what TLS says of the client', () => {
  const connecting = (tls: TlsOptions, url: string) =>
    aborted(new ClientWebSocket({ tls: { ca: authority.ca, ...tls }, redirect: 'follow' })).connect(url)

  test('is said within the origin, and to no other', async () => {
    const mutual = { ...(await authority.issue()), ca: authority.ca, requestCert: true }
    const [first, other] = [await server(mutual), await server(mutual)]
    const mine = await authority.issue({ names: ['a client'], client: true })
    await connecting(mine, first.url + redirectTo('/echo'))
    expect(first.requests.map(({ clientName }) => clientName)).toEqual(['a client', 'a client'])
    const error = await failure(connecting(mine, first.url + redirectTo(`${other.url}/echo`)), 'TLS_FAILED')
    expect(error.attempts).toMatchObject([{ status: 302 }, { status: 0, error: 'TLS_FAILED' }])
    expect(other.requests).toEqual([])
  })

  test('is not even looked at elsewhere', async () => {
    const clear = await server()
    const secure = await server(await authority.issue())
    const garbage = { cert: 'none', key: 'none', pfx: 'none', passphrase: 'none', servername: 'name.example' }
    await connecting(garbage, clear.url + redirectTo(`${secure.url}/echo`))
    await failure(connecting(garbage, `${secure.url}/echo`), 'TLS_FAILED')
  })

  test('does not come back on the way home', async () => {
    const named = await server(await authority.issue({ names: ['name.example'] }))
    const other = await server(await authority.issue())
    const tls = { servername: 'name.example' }
    await connecting(tls, named.url + redirectTo(`${other.url}/echo`))
    await failure(connecting(tls, named.url + redirectTo(other.url + redirectTo(`${named.url}/echo`))), 'TLS_FAILED')
    expect(named.requests.length).toBe(2)
  })
})

test('credentials are sent within the origin, and to no other', async () => {
  const first = await server()
  const other = await server()
  const credentials = { username: 'user', password: 'secret' }
  const options = { credentials, redirect: 'follow' } as const
  await aborted(new ClientWebSocket(options)).connect(first.url + redirectTo('/echo'))
  expect(first.requests.map(({ headers }) => headers.authorization)).toEqual(
    Array.from({ length: 2 }, () => `Basic ${btoa('user:secret')}`),
  )
  await aborted(new ClientWebSocket(options)).connect(first.url + redirectTo(`${other.url}/echo`))
  expect(last(other).headers).not.toHaveProperty('authorization')
})
