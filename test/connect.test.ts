import { Agent } from 'undici'
import { describe, expect, test } from 'vitest'
import { ClientWebSocket, type ClientWebSocketOptions, connect } from '../src/index.ts'
import type { PeerConnection, Script } from './support/scripted-peer.ts'
import { frame } from './support/scripted-peer.ts'
import { aborted, failure, peer, server } from './support/servers.ts'

const TEXT = 1
const GOOD = ['Upgrade: websocket', 'Connection: Upgrade']

/** Reads the request and answers it with these bytes; the connection stays. */
function answering(response: string): Script {
  return async (connection) => {
    await connection.readRequest()
    await connection.write(response)
  }
}

function response(status: string, fields: readonly string[], body = ''): string {
  return `HTTP/1.1 ${[status, ...fields].join('\r\n')}\r\n\r\n${body}`
}

function refusal(status: string, fields: readonly string[] = []): string {
  return response(status, [...fields, 'X-Reason: none', 'Content-Length: 4'], 'body')
}

/** A 101 with the right accept key, but other fields than it should have. */
function switching(fields: readonly string[]): Script {
  return async (connection: PeerConnection) => {
    await connection.readRequest()
    const accept = /Sec-WebSocket-Accept: .*/.exec(connection.acceptance())![0]
    await connection.write(response('101 Switching Protocols', [accept, ...fields]))
  }
}

const TRANSPORTS: Readonly<Record<string, () => ClientWebSocketOptions>> = {
  tcp: () => ({}),
  dispatcher: () => ({ dispatcher: new Agent() }),
}

describe.each(Object.keys(TRANSPORTS))('over %s', (transport) => {
  const create = (options: ClientWebSocketOptions = {}) =>
    aborted(new ClientWebSocket({ ...TRANSPORTS[transport]!(), ...options }))

  test.each([
    { status: '401 Unauthorized', fields: ['WWW-Authenticate: Basic realm="x"'] },
    { status: '403 Forbidden' },
    { status: '404 Not Found' },
    { status: '407 Proxy Authentication Required' },
    { status: '426 Upgrade Required', fields: ['Upgrade: websocket', 'Sec-WebSocket-Version: 13'] },
    { status: '429 Too Many Requests', fields: ['Retry-After: 7'], retriable: true, retryAfter: 7000 },
    { status: '503 Service Unavailable', retriable: true },
    { status: '200 OK' },
    { status: '302 Found', fields: ['Location: /elsewhere'] },
    { status: '500 Internal Server Error', fields: ['Retry-After: 7'] },
  ])('$status is a refusal, of which everything is known', async ({ status, fields = [], retriable, retryAfter }) => {
    const { url } = await peer(answering(refusal(status, fields)))
    const socket = create()
    const error = await failure(socket.connect(`${url}/path`), 'UPGRADE_REFUSED')
    const [code, ...phrase] = status.split(' ')
    expect(error.message).toContain(status)
    expect(error.message.split(url)).toHaveLength(2)
    expect(error.response).toMatchObject({ status: Number(code), statusText: phrase.join(' '), httpVersion: '1.1' })
    expect(error.response).toMatchObject({ body: new Uint8Array(Buffer.from('body')), bodyTruncated: false })
    const expected = [...fields, 'X-Reason: none', 'Content-Length: 4'].map((field) => field.split(': '))
    expect(error.response!.headers.toJSON()).toEqual(expected)
    expect(error.retriable).toBe(retriable ?? false)
    expect(error.retryAfter).toBe(retryAfter)
    expect(error.attempts).toEqual([
      { url: `${url}/path`, transport, httpVersion: '1.1', status: Number(code), error: 'UPGRADE_REFUSED' },
    ])
    expect(socket).toMatchObject({ state: 'closed', httpStatusCode: Number(code), httpStatusText: phrase.join(' ') })
    expect(socket.httpResponseHeaders).toEqual(error.response!.headers)
  })

  test('204 has no body', async () => {
    const { url } = await peer(answering(response('204 No Content', ['X-A: b'])))
    const error = await failure(create().connect(url), 'UPGRADE_REFUSED')
    expect(error.response).toMatchObject({ status: 204, body: new Uint8Array(0), bodyTruncated: false })
  })

  test('Retry-After may be a date', async () => {
    const date = new Date(Date.now() + 60_000).toUTCString()
    const { url } = await peer(answering(refusal('503 Service Unavailable', [`Retry-After: ${date}`])))
    const { retryAfter } = await failure(create().connect(url))
    expect(retryAfter).toBeGreaterThan(50_000)
    expect(retryAfter).toBeLessThanOrEqual(60_000)
  })

  test.each(['length', 'chunked', 'close'])('a long body framed by %s is kept up to 64 KiB', async (framing) => {
    const { url } = await server()
    const { response } = await failure(create().connect(`${url}/refuse?size=100000&framing=${framing}`))
    expect(response).toMatchObject({ status: 403, bodyTruncated: true })
    expect(response!.body.length).toBe(65_536)
  })

  test('a refusal whose body does not end is a refusal all the same', async () => {
    const { url } = await peer(answering(response('500 Oops', ['Content-Length: 100'], 'begun')))
    const { response: got } = await failure(create({ handshakeTimeout: 50 }).connect(url), 'UPGRADE_REFUSED')
    expect(got).toMatchObject({ status: 500, body: new Uint8Array(Buffer.from('begun')), bodyTruncated: true })
  })

  test.each([
    ['another accept key', [...GOOD, 'Sec-WebSocket-Accept: bm90IHRoZSByaWdodCBvbmU='], 'INVALID_ACCEPT'],
    ['no Upgrade', ['Connection: Upgrade'], 'INVALID_UPGRADE'],
    ['another Upgrade', ['Connection: Upgrade', 'Upgrade: h2c'], 'INVALID_UPGRADE'],
    ['no Connection', ['Upgrade: websocket'], 'INVALID_UPGRADE'],
    ['a Connection without Upgrade', ['Upgrade: websocket', 'Connection: keep-alive'], 'INVALID_UPGRADE'],
    ['a subprotocol that was not offered', [...GOOD, 'Sec-WebSocket-Protocol: foreign'], 'INVALID_SUBPROTOCOL'],
    ['two subprotocols', [...GOOD, 'Sec-WebSocket-Protocol: mine, yours'], 'INVALID_SUBPROTOCOL'],
    ['an extension', [...GOOD, 'Sec-WebSocket-Extensions: permessage-deflate'], 'INVALID_EXTENSION'],
  ] as const)('a 101 with %s opens no socket', async (_, fields, code) => {
    const { url, connections } = await peer(switching(fields))
    const socket = create({ subprotocols: ['mine', 'yours'] })
    const error = await failure(socket.connect(url), code)
    expect(error).toMatchObject({ retriable: false, response: { status: 101 } })
    expect(error.message.split(url)).toHaveLength(2)
    expect(error.attempts).toMatchObject([{ status: 101, error: code }])
    expect(socket).toMatchObject({ state: 'closed', httpStatusCode: 101, subprotocol: '' })
    await connections[0]?.readEnd()
  })

  test.each([
    ['a list in Connection', ['Upgrade: websocket', 'Connection: keep-alive, Upgrade']],
    ['other cases', ['upgrade: WebSocket', 'CONNECTION: upgrade']],
    ['two Connection fields', ['Upgrade: websocket', 'Connection: keep-alive', 'Connection: Upgrade']],
    ['an empty list of extensions', [...GOOD, 'Sec-WebSocket-Extensions: ']],
    ['a subprotocol that was offered', [...GOOD, 'Sec-WebSocket-Protocol: yours']],
  ])('a 101 with %s opens a socket', async (_, fields) => {
    const { url } = await peer(switching(fields))
    const socket = create({ subprotocols: ['mine', 'yours'] })
    await socket.connect(url)
    expect(socket.state).toBe('open')
  })

  test('frames right behind the 101 are received', async () => {
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.write(Buffer.concat([Buffer.from(connection.acceptance()), frame(TEXT, 'at once')]))
    })
    const socket = create()
    await socket.connect(url)
    expect(await socket.receive()).toBe('at once')
  })

  test('interim responses before the answer are passed over', async () => {
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.write(response('103 Early Hints', ['Link: </x>']) + connection.acceptance(['X-A: b']))
    })
    const socket = create()
    await socket.connect(url)
    expect(socket.httpStatusCode).toBe(101)
    expect(socket.httpResponseHeaders?.has('link')).toBe(false)
  })

  test.each([
    ['garbage', 'SSH-2.0-OpenSSH_9.9\r\n'],
    ['half an HTTP response', 'HTTP/1.1 \r\n\r\n'],
    ['a field that is none', response('101 Switching Protocols', ['Upgrade websocket'])],
  ])('%s is no answer', async (_, bytes) => {
    const { url, connections } = await peer(answering(bytes))
    const socket = create()
    const error = await failure(socket.connect(url), 'INVALID_RESPONSE')
    expect(error).toMatchObject({ response: undefined, retriable: false })
    expect(error.message.split(url)).toHaveLength(2)
    expect(error.attempts).toMatchObject([{ status: 0, error: 'INVALID_RESPONSE' }])
    expect(socket).toMatchObject({ httpStatusCode: 0, httpResponseHeaders: null, httpVersion: undefined })
    await connections[0]?.readEnd()
  })

  test.each([
    ['silence', answering('')],
    [
      'a head that trickles',
      async (connection: PeerConnection) => {
        await answering('HTTP/1.1 101 Switching Protocols\r\nX-A: ')(connection)
        for (;;) {
          await connection.write('b')
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
      },
    ],
  ])('%s is waited for no longer than handshakeTimeout', async (_, script) => {
    const { url, connections } = await peer(script)
    const error = await failure(create({ handshakeTimeout: 100 }).connect(url), 'HANDSHAKE_TIMEOUT')
    expect(error).toMatchObject({ response: undefined, retriable: true })
    await connections[0]?.readEnd()
  })

  test.each([
    ['at once', ''],
    ['in the middle of the head', 'HTTP/1.1 101 Switching Pro'],
    ['in the middle of the fields', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n'],
  ])('a server that ends %s', async (_, bytes) => {
    const { url } = await peer(async (connection) => {
      await answering(bytes)(connection)
      connection.end()
    })
    const error = await failure(create().connect(url), 'CONNECTION_LOST')
    expect(error).toMatchObject({ response: undefined, retriable: true })
  })

  test('nobody listens', async () => {
    const gone = await server()
    await gone.close()
    const error = await failure(create().connect(gone.url), 'CONNECTION_REFUSED')
    expect(error).toMatchObject({ response: undefined, retriable: true })
    expect((error.cause as { code?: string }).code).toBe('ECONNREFUSED')
  })

  test('a name that no name server knows', async () => {
    const error = await failure(create().connect('ws://hawser.invalid/'), 'HOST_NOT_FOUND')
    expect(error.response).toBeUndefined()
    expect(error.message).toContain('ws://hawser.invalid')
  })
})

test('a refusal whose body never ends is told after about 2 s, with what has come of it', async () => {
  const bodies = {
    'of no length': response('403 No', [], 'begun'),
    'that stalls': response('403 No', ['Content-Length: 100'], 'begun'),
    'of events': response(
      '403 No',
      ['Content-Type: text/event-stream', 'Transfer-Encoding: chunked'],
      '5\r\nbegun\r\n',
    ),
  }
  const cases = Object.keys(TRANSPORTS).flatMap((transport) =>
    Object.entries(bodies).map(([body, bytes]) => ({ transport, body, bytes })),
  )
  await Promise.all(
    cases.map(async ({ transport, body, bytes }) => {
      const { url, connections } = await peer(answering(bytes))
      const socket = new ClientWebSocket({ ...TRANSPORTS[transport]!(), handshakeTimeout: 0 })
      const started = performance.now()
      const { response: got } = await failure(socket.connect(url), 'UPGRADE_REFUSED')
      const what = `a body ${body}, over ${transport}`
      expect(performance.now() - started, what).toBeLessThan(4000)
      expect(got, what).toMatchObject({ body: new Uint8Array(Buffer.from('begun')), bodyTruncated: true })
      await connections[0]!.readEnd()
    }),
  )
})

test('connect opens a socket, and says so by its state', async () => {
  const { url } = await server()
  const socket = aborted(await connect(new URL(`${url}/echo`)))
  expect(socket).toBeInstanceOf(ClientWebSocket)
  expect(socket.state).toBe('open')
})

test('http: and https: URLs are taken for ws: and wss:', async () => {
  const { url, port } = await server()
  const socket = aborted(await connect(`http://127.0.0.1:${port}/echo`))
  expect(socket.url).toBe(`${url}/echo`)
})
