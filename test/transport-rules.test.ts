import { Agent } from 'undici'
import { describe, expect, test } from 'vitest'
import { type ClientWebSocketOptions, connect, OptionsError } from '../src/index.ts'
import { resolveOptions } from '../src/resolve-options.ts'
import { rejection, server } from './support/servers.ts'

const MiB = 1024 * 1024
const own = async () => undefined
const agent = new Agent()
const session = { closed: false, destroyed: false, request: () => {} }

/** The option that an OptionsError names, and its message. */
function refused(options: ClientWebSocketOptions): OptionsError {
  try {
    resolveOptions(options)
  } catch (error) {
    if (error instanceof OptionsError) return error
    throw error
  }
  throw new Error('The options were taken')
}

/** What only a socket of hawser's own can do, and the option to blame. */
const NEEDS: readonly (readonly [ClientWebSocketOptions, string])[] = [
  [{ keepAliveInterval: 1000 }, 'keepAliveInterval'],
  [{ keepAliveTimeout: 1000 }, 'keepAliveTimeout'],
  [{ highWaterMark: 1 }, 'highWaterMark'],
  [{ maxFragments: 1 }, 'maxFragments'],
  [{ maxMessageSize: 32 * MiB + 1 }, 'maxMessageSize'],
  [{ headers: [['hOST', 'example.com']] }, 'headers'],
]
/** What looks like it, and asks for nothing that a fetch could not do. */
const NO_NEEDS: readonly ClientWebSocketOptions[] = [
  {},
  { keepAliveInterval: 0 },
  { keepAliveInterval: Infinity, keepAliveTimeout: 0 },
  { maxMessageSize: 32 * MiB, closeTimeout: 1, allowHalfOpen: true },
  { headers: { 'x-host': 'example.com' } },
]

describe('over a fetch', () => {
  test.each(NEEDS)('%o is refused, with what to do', (options, option) => {
    const beside = refused({ ...options, fetch: own })
    expect(beside).toMatchObject({ option, message: expect.stringMatching(/leave it out/) })
    const instead = refused({ ...options, transport: 'fetch' })
    expect(instead).toMatchObject({ option, message: expect.stringMatching(/'tcp'/) })
  })

  test.each(NO_NEEDS)('%o is taken', (options) => {
    expect(resolveOptions({ ...options, fetch: own })).toMatchObject({ fetch: own, transport: 'auto' })
    expect(resolveOptions({ ...options, transport: 'fetch' }).tcpNeed).toBeUndefined()
  })

  test.each(NEEDS)('with %o nothing is refused when the choice is free', (options, option) => {
    expect(resolveOptions(options).tcpNeed).toMatchObject({ option })
    expect(resolveOptions({ ...options, transport: 'tcp' }).transport).toBe('tcp')
  })
})

describe('beside a fetch', () => {
  test.each<[ClientWebSocketOptions, string]>([
    [{ dispatcher: agent }, 'fetch'],
    [{ session }, 'fetch'],
    [{ tls: {} }, 'tls'],
    [{ proxy: 'http://127.0.0.1:1' }, 'proxy'],
    [{ cookies: { getCookieString: () => '', setCookie: () => {} } }, 'cookies'],
    [{ credentials: { username: '', password: '' } }, 'credentials'],
    [{ httpVersion: '2' }, 'httpVersion'],
    [{ transport: 'tcp' }, 'transport'],
  ])('%o is refused', (options, option) => {
    expect(refused({ ...options, fetch: own }).option).toBe(option)
  })

  test('other options are taken', () => {
    const options = { transport: 'fetch', httpVersion: '1.1', proxy: false, redirect: 'follow' } as const
    expect(resolveOptions({ ...options, fetch: own })).toMatchObject({ transport: 'fetch', fetch: own })
  })
})

test.each<[ClientWebSocketOptions, string]>([
  [{ transport: 'tcp', dispatcher: 'global' }, 'transport'],
  [{ transport: 'tcp', session }, 'transport'],
  [{ transport: 'tcp', proxy: 'env' }, 'transport'],
  [{ transport: 'tcp', httpVersion: '2', httpVersionPolicy: 'exact' }, 'httpVersion'],
  [{ transport: 'tcp', httpVersion: '2', httpVersionPolicy: 'or-higher' }, 'httpVersion'],
  [{ transport: 'fetch', dispatcher: 'global' }, 'transport'],
  [{ transport: 'fetch', session }, 'transport'],
  [{ transport: 'http2' as never }, 'transport'],
  [{ fetch: {} as never }, 'fetch'],
  [{ fetch: 'fetch' as never }, 'fetch'],
  [{ fetch: null as never }, 'fetch'],
])('%o is refused', (options, option) => {
  expect(refused(options).option).toBe(option)
})

test('the fetch of an object is called on it, with an http URL and what an upgrade needs', async () => {
  const calls: unknown[] = []
  class Binding {
    async fetch(this: Binding, url: string, init: unknown): Promise<unknown> {
      calls.push([this instanceof Binding, url, init])
      return { status: 403, statusText: 'Forbidden', headers: [], body: null }
    }
  }
  const options = { fetch: new Binding(), subprotocols: ['a', 'b'], headers: { 'X-Mine': 'yes' } }
  const error = await rejection(connect('wss://user:pass@example.com:8443/path?query', options))
  expect(error).toMatchObject({ code: 'UPGRADE_REFUSED', response: { status: 403, statusText: 'Forbidden' } })
  const headers = [
    ['Upgrade', 'websocket'],
    ['Sec-WebSocket-Protocol', 'a, b'],
    ['Authorization', 'Basic dXNlcjpwYXNz'],
    ['X-Mine', 'yes'],
  ]
  const init = { headers, redirect: 'manual', encodeResponseBody: 'manual', signal: expect.any(AbortSignal) }
  expect(calls).toEqual([[true, 'https://example.com:8443/path?query', init]])
})

test('a function that is an object with a fetch as well is called by that', async () => {
  const both = Object.assign(own, { fetch: async () => ({ status: 404, statusText: '', headers: [], body: null }) })
  expect(await rejection(connect('ws://example.com', { fetch: both }))).toMatchObject({ response: { status: 404 } })
})

describe('outside of Workers', () => {
  test('only a fetch of the caller can be used, and it cannot be half open', async () => {
    const { url, requests } = await server()
    const none = await rejection(connect(url, { transport: 'fetch' }))
    expect(none).toMatchObject({ name: 'OptionsError', option: 'transport' })
    const halfOpen = await rejection(connect(url, { fetch: own, allowHalfOpen: true }))
    expect(halfOpen).toMatchObject({ name: 'OptionsError', option: 'allowHalfOpen' })
    expect(requests).toEqual([])
  })

  test("transport 'tcp' offers HTTP/1.1 alone", async () => {
    const { url } = await server()
    const socket = await connect(`${url}/echo`, { transport: 'tcp', httpVersion: '2' })
    expect(socket).toMatchObject({ transport: 'tcp', httpVersion: '1.1' })
    await socket.close()
  })
})
