import { createPrivateKey } from 'node:crypto'
import { inspect } from 'node:util'
import { Agent } from 'undici'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { ClientWebSocket, type ClientWebSocketOptions } from '../src/index.ts'
import { type Authority, createAuthority } from './support/certificates.ts'
import { startConnectProxy } from './support/connect-proxy.ts'
import * as carol from './support/pfx.ts'
import { aborted, failure, peer, rejection, server, untilFinished } from './support/servers.ts'

let authority: Authority
beforeAll(async () => {
  authority = await createAuthority()
})

function create(options: ClientWebSocketOptions = {}): ClientWebSocket {
  return aborted(new ClientWebSocket(options))
}

describe('TLS', () => {
  test.each([
    ['an authority that nobody trusts', {}, false],
    ['another name', { names: ['elsewhere.example'] }, true],
    ['yesterday', { expired: true }, true],
  ])("a server's certificate of %s is refused, by hawser and by a dispatcher", async (_, issue, trusted) => {
    const { url, requests } = await server(await authority.issue(issue))
    const tls = trusted ? { ca: authority.ca } : {}
    for (const options of [{ tls }, { dispatcher: new Agent({ connect: tls }) }]) {
      const error = await failure(create(options).connect(`${url}/echo`), 'TLS_FAILED')
      expect(error).toMatchObject({ retriable: false, response: undefined })
      expect(error.cause).toBeInstanceOf(Error)
    }
    expect(requests).toEqual([])
  })

  test('rejectUnauthorized: false takes any certificate', async () => {
    const { url } = await server(await authority.issue({ expired: true, names: ['elsewhere.example'] }))
    await create({ tls: { rejectUnauthorized: false } }).connect(`${url}/echo`)
  })

  test('checkServerIdentity is asked for wss alone', async () => {
    const clear = await server()
    const secure = await server(await authority.issue())
    const asked: string[] = []
    const checkServerIdentity = (hostname: string) => {
      asked.push(hostname)
      return undefined
    }
    const tls = { ca: authority.ca, checkServerIdentity }
    await create({ tls }).connect(`${clear.url}/echo`)
    expect(asked).toEqual([])
    await create({ tls }).connect(`${secure.url}/echo`)
    expect(asked).toEqual(['localhost'])
    const reason = new Error('not this one')
    const refusing = create({ tls: { ...tls, checkServerIdentity: () => reason } })
    expect((await failure(refusing.connect(`${secure.url}/echo`), 'TLS_FAILED')).cause).toBe(reason)
  })

  test("the client's certificate reaches the server", async () => {
    const { url, requests } = await server({ ...(await authority.issue()), ca: authority.ca, requestCert: true })
    const mine = await authority.issue({ names: ['a client'], client: true })
    await create({ tls: { ca: authority.ca, ...mine } }).connect(`${url}/echo`)
    expect(requests[0]!.clientName).toBe('a client')
  })

  test("the client's certificate may come as a pfx with a passphrase, or its key be encrypted with one", async () => {
    const { url, requests } = await server({
      ...(await authority.issue()),
      ca: `${authority.ca}\n${carol.cert}`,
      requestCert: true,
    })
    const { pfx, passphrase } = carol
    await create({ tls: { ca: authority.ca, pfx, passphrase } }).connect(`${url}/echo`)
    const mine = await authority.issue({ names: ['a client'], client: true })
    const encrypted = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as const
    const key = createPrivateKey(mine.key).export(encrypted)
    await create({ tls: { ca: authority.ca, cert: mine.cert, key, passphrase } }).connect(`${url}/echo`)
    expect(requests.map(({ clientName }) => clientName)).toEqual(['carol', 'a client'])
    const wrong = create({ tls: { ca: authority.ca, pfx, passphrase: 'open it' } })
    const error = await failure(wrong.connect(`${url}/echo`), 'TLS_FAILED')
    expect(error.message).not.toContain('open it')
  })

  test('wss to a server without TLS, and ws to one with it', async () => {
    const clear = await server()
    const secure = await server(await authority.issue())
    await failure(create().connect(`wss://127.0.0.1:${clear.port}/echo`), 'TLS_FAILED')
    const { code } = await failure(create().connect(`ws://127.0.0.1:${secure.port}/echo`))
    expect(['CONNECTION_LOST', 'INVALID_RESPONSE']).toContain(code)
  })
})

describe('a proxy', () => {
  test('is gone through for ws and wss, once each', async () => {
    const proxy = untilFinished(await startConnectProxy())
    const clear = await server()
    const secure = await server(await authority.issue())
    const options = { proxy: proxy.url, tls: { ca: authority.ca } }
    for (const { url, port } of [clear, secure]) {
      const socket = create(options)
      await socket.connect(`${url}/echo`)
      await socket.send('through')
      expect(await socket.receive()).toBe('through')
      expect(proxy.targets.at(-1)).toMatch(new RegExp(`:${port}$`))
      await socket.close()
    }
    expect(proxy.targets.length).toBe(2)
  })

  test('that wants to know who we are tells so by its status', async () => {
    const proxy = untilFinished(await startConnectProxy({ user: { name: 'user', password: 'secret' } }))
    const { url, connections } = await server()
    const socket = create({ proxy: proxy.url })
    const error = await failure(socket.connect(`${url}/echo`), 'PROXY_REFUSED')
    expect(error).toMatchObject({ proxyStatus: 407, response: undefined, retriable: false })
    expect(socket.httpStatusCode).toBe(0)
    expect(connections()).toBe(0)
    await create({ proxy: proxy.url.replace('//', '//user:secret@') }).connect(`${url}/echo`)
  })

  test('that is not there is no server that is not there', async () => {
    const { url } = await server()
    const gone = await startConnectProxy()
    await gone.close()
    const error = await failure(create({ proxy: gone.url.replace('//', '//user:secret@') }).connect(url))
    expect(error).toMatchObject({ code: 'CONNECTION_REFUSED', retriable: true, response: undefined })
    expect(error.message).toContain(`Cannot connect to ${url} through the proxy ${gone.url}: `)
    vi.stubEnv('HTTP_PROXY', gone.url)
    const other = await failure(create({ proxy: 'env' }).connect(url))
    vi.unstubAllEnvs()
    expect(other.message).toContain(`Cannot connect to ${url} through the proxy of the environment`)
  })
})

describe('no error shows a secret', () => {
  const SECRET = 'hunter2'
  const options: ClientWebSocketOptions = {
    headers: { authorization: `Bearer ${SECRET}`, cookie: `session=${SECRET}` },
    handshakeTimeout: 100,
    redirect: 'follow',
    subprotocols: ['mine'],
  }

  /** Everything that a log could show of what connecting fails with. */
  async function shown(url: string, more: ClientWebSocketOptions = {}): Promise<string> {
    const target = url.replace('//', `//user:${SECRET}@`)
    const connected = async () => create({ ...options, ...more }).connect(`${target}?token=${SECRET}`)
    const error = (await rejection(connected())) as Error
    return `${error.message}\n${error.stack}\n${JSON.stringify(error)}\n${inspect(error, { depth: 8, showHidden: true })}`
  }

  test.each([
    ['a refusal', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'],
    ['a violation', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n'],
    ['garbage', 'garbage\r\n\r\n'],
    ['silence', ''],
    ['a redirect that leads nowhere', 'HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n'],
  ])('%s', async (_, bytes) => {
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.write(bytes)
    })
    expect(await shown(url)).not.toContain(SECRET)
    expect(await shown(url, { credentials: { username: 'user', password: SECRET } })).not.toContain(SECRET)
    expect(await shown(url, { dispatcher: new Agent() })).not.toContain(SECRET)
  })

  test('a network that fails, and arguments that are wrong', async () => {
    const gone = await server()
    await gone.close()
    const password = SECRET
    for (const text of [
      await shown(gone.url),
      await shown('ws://hawser.invalid'),
      await shown('wrong://127.0.0.1'),
      await shown('ws://127.0.0.1:99999'),
      await shown(gone.url, { headers: { [`authorization: ${SECRET}`]: 'x' } }),
      await shown(gone.url, { headers: { authorization: `${SECRET}\r\n` } }),
      await shown(gone.url, { headers: { authorization: `${SECRET}\r\nx: y` } }),
      await shown(gone.url, { credentials: { username: 'a:b', password } }),
      await shown(gone.url, { proxy: `wrong://user:${SECRET}@127.0.0.1` }),
      await shown(gone.url, { proxy: `http://user:${SECRET}@127.0.0.1:99999` }),
      await shown(gone.url, { proxy: gone.url.replace('ws://', `http://user:${SECRET}@`) }),
    ]) {
      expect(text).not.toContain(SECRET)
    }
  })
})
