import * as undici6 from 'undici6'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { OptionsError } from '../../src/errors.ts'
import type { TlsOptions } from '../../src/options.ts'
import { proxyDispatcher } from '../../src/transport/proxy.ts'
import { loadUndici } from '../../src/transport/undici.ts'
import { type Authority, type Certificate, createAuthority } from '../support/certificates.ts'
import { type ProxyOptions, type RunningProxy, startConnectProxy, startSocksProxy } from '../support/connect-proxy.ts'
import * as support from '../support/dispatching.ts'
import {
  afterwards,
  eventually,
  expectEcho,
  failure,
  open,
  peer,
  refused,
  running,
  server,
} from '../support/dispatching.ts'
import { startScriptedPeer } from '../support/scripted-peer.ts'

support.clearUpAfterEach()
afterEach(() => {
  vi.unstubAllEnvs()
})

let authority: Authority
let certificate: Certificate
beforeAll(async () => {
  authority = await createAuthority()
  certificate = await authority.issue()
})

const KINDS: readonly (readonly [name: string, start: (options?: ProxyOptions) => Promise<RunningProxy>])[] = [
  ['http:', startConnectProxy],
  ['https:', (options) => startConnectProxy({ ...options, tls: certificate })],
  ['socks5:', startSocksProxy],
]

/** A colon, a percent sign and what is not ASCII have to be encoded in a URL. */
const USER = { name: 'us er', password: 'p%:é' }
const ENCODED = 'us%20er:p%25%3A%C3%A9@'

async function through(proxy: string | 'env', tls: TlsOptions | undefined = { ca: authority.ca }) {
  const { dispatcher, destroy } = await proxyDispatcher(proxy === 'env' ? 'env' : new URL(proxy), tls)
  afterwards(destroy)
  return { dispatcher, destroy }
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
}

async function upgraded(proxy: string | 'env', url: string, tls?: TlsOptions) {
  const { dispatcher } = await through(proxy, tls)
  return support.upgraded(dispatcher, url)
}

describe.each(KINDS)('an %s proxy', (kind, startProxy) => {
  const start = async (options?: ProxyOptions) => running(await startProxy(options))

  test('is asked for a tunnel, for ws and for wss', async () => {
    const [plain, secure, proxy] = [await server(), await server(certificate), await start()]
    await expectEcho(await upgraded(proxy.url, `${plain.url}/echo`))
    await expectEcho(await upgraded(proxy.url, `${secure.url}/echo`))
    expect(proxy.targets).toEqual([`127.0.0.1:${plain.port}`, `localhost:${secure.port}`])
  })

  test('gets the user and the password', async () => {
    const [{ url }, proxy] = [await server(), await start({ user: USER })]
    await expectEcho(await upgraded(proxy.url.replace('//', `//${ENCODED}`), `${url}/echo`))
  })

  test('that wants another user refuses', async () => {
    const [{ url }, proxy] = [await server(), await start({ user: USER })]
    for (const userinfo of ['', 'some:one@']) {
      const { dispatcher } = await through(proxy.url.replace('//', `//${userinfo}`))
      const error = await failure(open(dispatcher, `${url}/echo`))
      expect(error).toMatchObject({ code: 'PROXY_REFUSED', retriable: false })
      expect(error.proxyStatus).toBe(kind === 'socks5:' ? undefined : 407)
      expect(`${error.message}${(error.cause as Error).message}`).not.toMatch(/some/)
    }
  })

  test('that cannot reach the server refuses', async () => {
    const [{ url, close }, proxy] = [await startScriptedPeer(() => {}), await start()]
    await close()
    const { dispatcher } = await through(proxy.url)
    expect(await failure(open(dispatcher, url))).toMatchObject({ code: 'PROXY_REFUSED' })
  })

  test('that is not there', async () => {
    const proxy = await startProxy()
    await proxy.close()
    const { dispatcher } = await through(proxy.url)
    expect(await failure(open(dispatcher, 'ws://server.example'))).toMatchObject({
      code: 'CONNECTION_REFUSED',
      retriable: true,
    })
  })

  test('lets a refusal of the server through', async () => {
    const [{ url }, proxy] = [await server(certificate), await start()]
    const { dispatcher } = await through(proxy.url)
    const outcome = await refused(dispatcher, `${url}/refuse?status=401`)
    expect(outcome.head.status).toBe(401)
    expect(support.textOf(outcome)).toBe('refused')
    await eventually(() => expect(proxy.open()).toBe(0))
  })

  test('does not stand in the way of the check of the certificate', async () => {
    const [{ url }, proxy] = [await server(certificate), await start()]
    const names: string[] = []
    const note = (name: string) => void names.push(name)
    await expectEcho(
      await upgraded(proxy.url, `${url}/echo`, { ca: authority.ca, checkServerIdentity: note as () => undefined }),
    )
    expect(names).toContain('localhost')
    const refusing = {
      ca: authority.ca,
      checkServerIdentity: (name: string) => {
        if (name === 'localhost') throw new Error('Mine')
      },
    }
    const { dispatcher } = await through(proxy.url, refusing as unknown as TlsOptions)
    expect((await failure(open(dispatcher, `${url}/echo`))).cause).toMatchObject({ message: 'Mine' })
    const strict = await through(proxy.url, kind === 'https:' ? { ca: authority.ca, servername: 'other.example' } : {})
    expect(await failure(open(strict.dispatcher, `${url}/echo`))).toMatchObject({ code: 'TLS_FAILED' })
  })

  test('that is silent leaves nothing after an abort', async () => {
    const proxy = await start({ silent: true })
    const before = timers()
    const { dispatcher, destroy } = await through(proxy.url)
    const controller = new AbortController()
    const opening = open(dispatcher, 'wss://server.example', { signal: controller.signal })
    await eventually(() => expect(proxy.targets).toHaveLength(1))
    controller.abort(new Error('Enough'))
    await expect(opening).rejects.toThrow('Enough')
    await destroy()
    await eventually(() => expect(proxy.open()).toBe(0))
    expect(timers()).toBeLessThanOrEqual(before)
  })

  test('with a server that does not answer to TLS leaves nothing after an abort', async () => {
    const proxy = await start()
    const { url, connections } = await peer((connection) => connection.readEnd().catch(() => {}))
    const { dispatcher, destroy } = await through(proxy.url)
    const controller = new AbortController()
    const opening = open(dispatcher, url.replace('ws://127.0.0.1', 'wss://localhost'), { signal: controller.signal })
    await eventually(() => expect(connections).toHaveLength(1))
    controller.abort(new Error('Enough'))
    await expect(opening).rejects.toThrow('Enough')
    await destroy()
    connections[0]?.socket.destroy()
    await eventually(() => expect(proxy.open()).toBe(0))
  })

  test('is left with nothing when the socket has ended, which outlives the dispatcher', async () => {
    const [{ url }, proxy] = [await server(), await start()]
    const { dispatcher } = await proxyDispatcher(new URL(proxy.url), { ca: authority.ca })
    const outcome = await support.upgraded(dispatcher, `${url}/echo`)
    await dispatcher.close()
    await expectEcho(outcome)
    outcome.stream.destroy()
    await eventually(() => expect(proxy.open()).toBe(0))
  })
})

test('a SOCKS proxy may have an IPv6 address', async () => {
  const [{ url }, proxy] = [await server(), running(await startSocksProxy())]
  // One that leads to IPv4, so that the machine need not have the other.
  await expectEcho(await upgraded(proxy.url.replace('127.0.0.1', '[::ffff:127.0.0.1]'), `${url}/echo`))
})

test('a proxy whose tunnels bring bytes of its own is not asked for one after the other without end', async () => {
  const { port, connections } = await peer(async (connection) => {
    await connection.readRequest()
    await connection.write('HTTP/1.1 200 Connection Established\r\n\r\nHTTP/1.1 200 OK\r\n\r\n')
  })
  const { dispatcher } = await through(`http://127.0.0.1:${port}`)
  const error = await failure(open(dispatcher, 'ws://server.example'))
  expect(error).toMatchObject({ code: 'PROXY_REFUSED', retriable: false, proxyStatus: undefined })
  expect(connections).toHaveLength(8)
})

describe("'env'", () => {
  const NAMES = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']

  function setEnvironment(variables: Readonly<Record<string, string>>): void {
    for (const name of NAMES) vi.stubEnv(name, variables[name])
  }

  test('takes HTTP_PROXY for ws, HTTPS_PROXY for wss, and neither for hosts in NO_PROXY', async () => {
    const [plain, secure] = [await server(), await server(certificate)]
    const [one, other] = [running(await startConnectProxy({ user: USER })), running(await startConnectProxy())]
    const proxies = { HTTP_PROXY: one.url.replace('//', `//${ENCODED}`), HTTPS_PROXY: other.url }
    setEnvironment(proxies)
    await expectEcho(await upgraded('env', `${plain.url}/echo`))
    await expectEcho(await upgraded('env', `${secure.url}/echo`))
    expect([one.targets, other.targets]).toEqual([[`127.0.0.1:${plain.port}`], [`localhost:${secure.port}`]])
    setEnvironment({ ...proxies, NO_PROXY: 'example.com,127.0.0.1,localhost' })
    await expectEcho(await upgraded('env', `${plain.url}/echo`))
    await expectEcho(await upgraded('env', `${secure.url}/echo`))
    expect([one.targets.length, other.targets.length]).toEqual([1, 1])
  })

  test('connects directly where there is no proxy, with the same TLS', async () => {
    setEnvironment({})
    const [plain, secure] = [await server(), await server(certificate)]
    await expectEcho(await upgraded('env', `${plain.url}/echo`))
    await expectEcho(await upgraded('env', `${secure.url}/echo`))
    const { dispatcher } = await through('env', {})
    expect(await failure(open(dispatcher, `${secure.url}/echo`))).toMatchObject({ code: 'TLS_FAILED' })
  })

  test.each(['HTTP_PROXY', 'https_proxy'])('a SOCKS proxy in %s is refused', async (name) => {
    setEnvironment({ [name]: 'socks5://user:secret@127.0.0.1:1080' })
    const error: OptionsError = await proxyDispatcher('env', undefined).then(
      () => undefined,
      (reason) => reason,
    )
    expect(error).toMatchObject({ code: 'INVALID_OPTION', option: 'proxy' })
    expect(error.message).toMatch(/SOCKS/)
    expect(error.message).not.toMatch(/secret/)
    setEnvironment({ HTTP_PROXY: 'socks5://127.0.0.1:1080', http_proxy: '' })
    const { url } = await server()
    await expectEcho(await upgraded('env', `${url}/echo`))
  })

  test('a variable that is not a URL is an error that does not show it', async () => {
    setEnvironment({ HTTP_PROXY: 'http://user:secret@:port' })
    const error: OptionsError = await proxyDispatcher('env', undefined).then(
      () => undefined,
      (reason) => reason,
    )
    expect(error).toMatchObject({ code: 'INVALID_OPTION', option: 'proxy' })
    expect(error.cause).toBeUndefined()
    expect(error.message).not.toMatch(/secret/)
  })
})

test('loading undici leaves an older global dispatcher in place', async () => {
  const globals = globalThis as { [key: symbol]: unknown }
  const legacy = Symbol.for('undici.globalDispatcher.1')
  const before = globals[legacy]
  const older = new undici6.Agent()
  try {
    globals[legacy] = older
    await loadUndici()
    expect(globals[legacy]).toBe(older)
  } finally {
    globals[legacy] = before
  }
})
