import { Agent } from 'undici'
import { describe, expect, test } from 'vitest'
import { ClientWebSocket, type ClientWebSocketOptions, connect, OptionsError } from '../src/index.ts'
import { resolveOptions } from '../src/resolve-options.ts'
import { rejection, server } from './support/servers.ts'

/** The option that is refused, and the message. */
function refused(options: unknown): OptionsError {
  try {
    resolveOptions(options as ClientWebSocketOptions)
  } catch (error) {
    expect(error).toBeInstanceOf(OptionsError)
    return error as OptionsError
  }
  throw new Error('The options were taken')
}

test('the defaults', () => {
  expect(resolveOptions({})).toEqual({
    subprotocols: [],
    headers: [],
    dispatcher: undefined,
    session: undefined,
    fetch: undefined,
    transport: 'auto',
    tcpNeed: undefined,
    httpVersion: '1.1',
    httpVersionPolicy: 'or-lower',
    tls: undefined,
    proxy: undefined,
    cookies: undefined,
    credentials: undefined,
    redirect: 'error',
    perMessageDeflate: undefined,
    collectHttpResponseDetails: true,
    handshakeTimeout: 30_000,
    closeTimeout: 10_000,
    keepAliveInterval: 30_000,
    keepAliveTimeout: Infinity,
    allowHalfOpen: false,
    maxMessageSize: 64 * 1024 * 1024,
    maxFragments: 131_072,
    highWaterMark: 256 * 1024,
  })
})

test('an option that is undefined has its default', () => {
  const names = Object.keys(resolveOptions({})).filter((name) => name !== 'tcpNeed')
  const options = Object.fromEntries(names.map((name) => [name, undefined]))
  expect(resolveOptions(options)).toEqual(resolveOptions({}))
})

test('a name that no option has is refused', () => {
  for (const name of ['protocols', 'agent', 'Headers', 'toString', 'constructor']) {
    expect(refused({ [name]: 1 })).toMatchObject({ option: name, message: expect.stringContaining(name) })
  }
})

test('options that are no object are refused', () => {
  for (const options of [null, 'protocol', 1, true]) expect(refused(options).option).toBe('options')
})

const DEFLATE = {
  clientMaxWindowBits: 15,
  serverMaxWindowBits: 15,
  clientContextTakeover: true,
  serverContextTakeover: true,
  threshold: 1024,
}

const PROCEDURES = { getCookieString: () => '', setCookie: () => {} }

describe('each option is taken', () => {
  test.each<[keyof ClientWebSocketOptions, unknown, unknown?]>([
    ['subprotocols', ['a', 'B.c']],
    ['subprotocols', []],
    ['headers', { a: 'b', c: ['d', 'e'] }, [['a', 'b'], ['c', 'd'], ['c', 'e']]], // biome-ignore format: one row
    ['headers', new Headers({ a: 'b' }), [['a', 'b']]],
    ['dispatcher', 'global'],
    ['tls', { ca: 'x' }],
    ['proxy', 'http://127.0.0.1:1', new URL('http://127.0.0.1:1')],
    ['proxy', new URL('socks5://127.0.0.1:1')],
    ['proxy', 'env'],
    ['proxy', false, undefined],
    ['cookies', PROCEDURES],
    ['credentials', { username: '', password: ':' }],
    ['redirect', 'follow'],
    ['perMessageDeflate', true, DEFLATE],
    ['perMessageDeflate', {}, DEFLATE],
    ['perMessageDeflate', false, undefined],
    ['perMessageDeflate', { clientMaxWindowBits: 9 }, { ...DEFLATE, clientMaxWindowBits: 9 }],
    ['perMessageDeflate', { serverMaxWindowBits: 9 }, { ...DEFLATE, serverMaxWindowBits: 9 }],
    ['perMessageDeflate', { clientContextTakeover: false }, { ...DEFLATE, clientContextTakeover: false }],
    ['perMessageDeflate', { serverContextTakeover: false }, { ...DEFLATE, serverContextTakeover: false }],
    ['perMessageDeflate', { threshold: 0 }, { ...DEFLATE, threshold: 0 }],
    ['collectHttpResponseDetails', false],
    ['handshakeTimeout', 0, Infinity],
    ['closeTimeout', Infinity],
    ['keepAliveInterval', 0, Infinity],
    ['keepAliveTimeout', 0.5],
    ['allowHalfOpen', true],
    ['maxMessageSize', 1],
    ['maxFragments', 1],
    ['highWaterMark', 2 ** 31 - 1],
  ])('%s: %o', (name, value, resolved = value) => {
    const expected = (name === 'proxy' || name === 'perMessageDeflate') && value === false ? undefined : resolved
    expect(resolveOptions({ [name]: value })[name]).toEqual(expected)
  })
})

describe('each option is checked', () => {
  const TIMES = ['handshakeTimeout', 'closeTimeout', 'keepAliveInterval', 'keepAliveTimeout']
  const COUNTS = ['maxMessageSize', 'maxFragments', 'highWaterMark']
  test.each<[string, unknown]>([
    ['subprotocols', 'chat'],
    ['subprotocols', ['not a token']],
    ['subprotocols', ['']],
    ['subprotocols', [1]],
    ['subprotocols', [1n]],
    ['subprotocols', ['chat', 'Chat']],
    ['headers', 'a: b'],
    ['headers', { upgrade: 'websocket' }],
    ['headers', { a: 'b\r\nc: d' }],
    ['dispatcher', {}],
    ['dispatcher', null],
    ['dispatcher', 'other'],
    ['tls', 'cert'],
    ['tls', null],
    ['tls.minVersion', 'TLSv1'],
    ['tls.toString', 'x'],
    ['proxy', 'localhost'],
    ['proxy', 'ftp://127.0.0.1'],
    ['proxy', true],
    ['cookies', { getCookieString: () => '' }],
    ['cookies', null],
    ['credentials', { username: 'me' }],
    ['credentials', { username: 'a:b', password: '' }],
    ['credentials', 'me:mine'],
    ['redirect', 'manual'],
    ['perMessageDeflate', 'yes'],
    ['perMessageDeflate', null],
    ['perMessageDeflate.level', 9],
    ...['clientMaxWindowBits', 'serverMaxWindowBits'].flatMap((name) =>
      [8, 16, 9.5, '9', Number.NaN].map((value): [string, unknown] => [`perMessageDeflate.${name}`, value]),
    ),
    ...['clientContextTakeover', 'serverContextTakeover'].flatMap((name) =>
      [0, 'no', null].map((value): [string, unknown] => [`perMessageDeflate.${name}`, value]),
    ),
    ...[-1, 0.5, Infinity, '1', null].map((value): [string, unknown] => ['perMessageDeflate.threshold', value]),
    ['collectHttpResponseDetails', 1],
    ['allowHalfOpen', 'yes'],
    ...TIMES.flatMap((name) => [-1, Number.NaN, 2 ** 31, '5'].map((value): [string, unknown] => [name, value])),
    ...COUNTS.flatMap((name) => [0, -1, 1.5, Infinity, 2 ** 31, '5'].map((value): [string, unknown] => [name, value])),
  ])('%s: %o', (name, value) => {
    const [option = name, parameter] = name.split('.')
    const error = refused({ [option]: parameter === undefined ? value : { [parameter]: value } })
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ option: name, code: 'INVALID_OPTION' })
  })
})

test('a subprotocol that is refused is named by its place: it may be a token for authentication', () => {
  for (const subprotocols of [
    ['chat', 'secret token'],
    ['secret', 'Secret'],
  ]) {
    const { message, stack, cause } = refused({ subprotocols })
    expect(message).toContain('subprotocols[1]')
    expect(`${message}${stack}`.toLowerCase()).not.toContain('secret')
    expect(cause).toBeUndefined()
  }
})

test("options of the HTTP client are refused beside a caller's own, before any I/O", async () => {
  const { url, connections } = await server()
  const ofTheClient = {
    tls: { ca: 'x' },
    proxy: 'http://127.0.0.1:1',
    cookies: PROCEDURES,
    credentials: { username: 'me', password: 'mine' },
  }
  for (const [name, value] of Object.entries(ofTheClient)) {
    for (const dispatcher of [new Agent(), 'global' as const]) {
      const error = await rejection(connect(`${url}/echo`, { dispatcher, [name]: value }))
      expect(error).toMatchObject({ option: name, message: expect.stringContaining(name) })
      expect(() => new ClientWebSocket({ dispatcher, [name]: value })).toThrow(OptionsError)
    }
  }
  expect(connections()).toBe(0)
})

test("every other option works beside a caller's own client", async () => {
  const { url, requests } = await server()
  await using socket = await connect(`${url}/subprotocols`, {
    dispatcher: new Agent(),
    subprotocols: ['a'],
    headers: { 'x-mine': 'yes' },
    proxy: false,
    redirect: 'follow',
    perMessageDeflate: true,
    collectHttpResponseDetails: true,
    handshakeTimeout: 5000,
    closeTimeout: 5000,
    keepAliveInterval: 5000,
    keepAliveTimeout: 5000,
    allowHalfOpen: true,
    maxMessageSize: 1000,
    maxFragments: 10,
    highWaterMark: 1000,
  })
  expect(socket.subprotocol).toBe('a')
  expect(requests[0]!.headers['x-mine']).toBe('yes')
})

test('tls is copied', () => {
  const tls = { servername: 'before' }
  const resolved = resolveOptions({ tls })
  tls.servername = 'after'
  expect(resolved.tls).toEqual({ servername: 'before' })
})

test('options are read once, when the socket is made', async () => {
  const { url, requests } = await server()
  const subprotocols = ['a']
  const headers = { 'x-mine': 'before' }
  await using socket = new ClientWebSocket({ subprotocols, headers })
  subprotocols.push('b')
  headers['x-mine'] = 'after'
  await socket.connect(`${url}/echo`)
  expect(requests[0]!.headers).toMatchObject({ 'x-mine': 'before', 'sec-websocket-protocol': 'a' })
})
