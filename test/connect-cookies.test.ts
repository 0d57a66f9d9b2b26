import { CookieJar } from 'tough-cookie'
import { beforeAll, describe, expect, test } from 'vitest'
import { ClientWebSocket, type ClientWebSocketOptions, OptionsError } from '../src/index.ts'
import { type Authority, createAuthority } from './support/certificates.ts'
import { aborted, failure, rejection, server } from './support/servers.ts'

let authority: Authority
beforeAll(async () => {
  authority = await createAuthority()
})

function create(options: ClientWebSocketOptions): ClientWebSocket {
  return aborted(new ClientWebSocket({ tls: { ca: authority.ca }, ...options }))
}

/** What a jar holds for a path of a server, by name. */
async function held(jar: CookieJar, url: string): Promise<string[]> {
  return (await jar.getCookies(url.replace(/^ws/, 'http'))).map(({ key, value }) => `${key}=${value}`)
}

describe('a jar of tough-cookie', () => {
  test('gives its cookies, Secure ones on wss only', async () => {
    const clear = await server()
    const secure = await server(await authority.issue())
    // By itself it takes the loopback for safe.
    const jar = new CookieJar(undefined, { allowSecureOnLocal: false })
    for (const host of ['http://127.0.0.1/', 'https://localhost/']) {
      await jar.setCookie('plain=1', host)
      await jar.setCookie('elsewhere=1; Path=/elsewhere', host)
    }
    await jar.setCookie('safe=1; Secure', 'https://127.0.0.1/')
    await jar.setCookie('safe=1; Secure', 'https://localhost/')
    await create({ cookies: jar }).connect(`${clear.url}/echo`)
    expect(clear.requests[0]!.headers.cookie).toBe('plain=1')
    await create({ cookies: jar }).connect(`${secure.url}/echo`)
    expect(secure.requests[0]!.headers.cookie).toBe('plain=1; safe=1')
  })

  test('is sent beside the cookies among the headers, in one field', async () => {
    const { url, requests } = await server()
    const jar = new CookieJar()
    await jar.setCookie('b=2', 'http://127.0.0.1/')
    await create({ cookies: jar, headers: { cookie: 'a=1' } }).connect(`${url}/echo`)
    expect(requests[0]!.headers.cookie).toBe('a=1; b=2')
  })

  test('stores the cookies of a success, of a refusal, and of a response of which nothing is kept', async () => {
    const { url } = await server()
    for (const options of [{}, { collectHttpResponseDetails: false }]) {
      const jar = new CookieJar()
      await create({ cookies: jar, ...options }).connect(`${url}/headers`)
      expect(await held(jar, url)).toEqual(['a=1', 'b=2'])
      const other = new CookieJar()
      await failure(create({ cookies: other, ...options }).connect(`${url}/refuse`))
      expect(await held(other, url)).toEqual(['a=1', 'b=2'])
    }
  })

  test('is asked anew for each redirect', async () => {
    const first = await server(await authority.issue())
    const other = await server(await authority.issue({ names: ['127.0.0.1'] }))
    const jar = new CookieJar()
    await jar.setCookie('here=1', 'https://localhost/')
    await jar.setCookie('there=1; Path=/echo', 'https://127.0.0.1/')
    const to = encodeURIComponent(`wss://127.0.0.1:${other.port}/echo`)
    await create({ cookies: jar, redirect: 'follow' }).connect(`${first.url}/redirect?to=${to}`)
    expect(first.requests[0]!.headers.cookie).toBe('here=1')
    expect(other.requests[0]!.headers.cookie).toBe('there=1')
  })
})

describe('a jar', () => {
  test('is told http URLs without userinfo, and no cookie that it refuses matters', async () => {
    const { url, port } = await server()
    const asked: string[] = []
    const stored: [string, string][] = []
    const cookies = {
      getCookieString: (from: string) => {
        asked.push(from)
        return ''
      },
      setCookie: (cookie: string, from: string) => {
        stored.push([cookie, from])
        throw new Error('not this one')
      },
    }
    const socket = create({ cookies })
    await socket.connect(`${url.replace('//', '//user:secret@')}/headers?a=b`)
    const from = `http://127.0.0.1:${port}/headers?a=b`
    expect(asked).toEqual([from])
    expect(stored).toEqual([
      ['a=1', from],
      ['b=2', from],
    ])
    expect(socket.state).toBe('open')
  })

  test('that fails, or gives what is no cookie, makes connecting fail', async () => {
    const { url, connections } = await server()
    const reason = new Error('the disk is full')
    const setCookie = () => {}
    const failing = create({ cookies: { getCookieString: () => Promise.reject(reason), setCookie } })
    const error = await failure(failing.connect(url), 'CLIENT_FAILED')
    expect(error).toMatchObject({ cause: reason, response: undefined, retriable: false })
    expect(error.message).toContain(url)
    const throwing = () => {
      throw reason
    }
    const other = create({ cookies: { getCookieString: throwing, setCookie } })
    expect((await failure(other.connect(url), 'CLIENT_FAILED')).cause).toBe(reason)
    const smuggling = create({ cookies: { getCookieString: () => 'a=b\r\nX-Smuggled: yes', setCookie } })
    expect(await rejection(smuggling.connect(url))).toBeInstanceOf(OptionsError)
    expect(connections()).toBe(0)
  })

  test('that never answers is waited for no longer than handshakeTimeout', async () => {
    const { url } = await server()
    const never = () => new Promise<string>(() => {})
    const asking = { getCookieString: never, setCookie: () => {} }
    const unasked = await failure(create({ cookies: asking, handshakeTimeout: 30 }).connect(url), 'HANDSHAKE_TIMEOUT')
    expect(unasked.response).toBeUndefined()
    const storing = { getCookieString: () => '', setCookie: never }
    for (const [path, status] of [
      ['/headers', 101],
      ['/refuse', 403],
    ] as const) {
      const socket = create({ cookies: storing, handshakeTimeout: 100 })
      const error = await failure(socket.connect(url + path), 'HANDSHAKE_TIMEOUT')
      // The server did its part.
      expect(error.message).not.toContain('did not answer')
      expect(error).toMatchObject({ response: { status }, attempts: [{ status, error: 'HANDSHAKE_TIMEOUT' }] })
      expect(socket.httpStatusCode).toBe(status)
    }
  })
})
