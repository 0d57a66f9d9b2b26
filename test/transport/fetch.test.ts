/** The handshake in Workers, over a fetch and over a socket, in the real runtime. */
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PeerConnection, type ScriptedPeer, startScriptedPeer } from '../support/scripted-peer.ts'
import type { Script, Told } from '../support/socket-worker.ts'
import { type SocketWorker, startSocketWorker } from '../support/socket-worker-host.ts'
import { type RunningServer, startWebSocketServer } from '../support/websocket-server.ts'

const DATE = '2026-10-01'
const TEXT = 'Not you'
const SWITCH = 'HTTP/1.1 101 Switching Protocols'

/** What the peer does with a request, by its path. */
const ANSWERS: Readonly<Record<string, (peer: PeerConnection) => Promise<unknown> | unknown>> = {
  '/bad-accept': (peer) =>
    peer.write(`${SWITCH}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n`),
  '/no-accept': (peer) => peer.write(`${SWITCH}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`),
  '/other-upgrade': (peer) => peer.write(peer.acceptance().replace('websocket', 'h2c')),
  '/subprotocol': (peer) => peer.accept(['Sec-WebSocket-Protocol: other']),
  '/extension': (peer) => peer.accept(['Sec-WebSocket-Extensions: permessage-deflate']),
  '/end': (peer) => peer.end(),
  '/reset': (peer) => peer.reset(),
  '/garbage': (peer) => peer.write('this is no HTTP\r\n\r\n'),
  '/half': async (peer) => {
    await peer.write(`${SWITCH}\r\nUpgr`)
    peer.end()
  },
  // As the runtime's own, but with a field.
  '/bad-gateway': (peer) =>
    peer.write(
      'HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 38\r\n\r\nServer failed WebSocket handshake: own',
    ),
  '/endless': (peer) =>
    peer.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\nConnection: close\r\n\r\nonly this'),
  '/silent': () => {},
  '/gzip': (peer) => peer.write(encodedRefusal('gzip', gzipSync(TEXT))),
  '/br': (peer) => peer.write(encodedRefusal('br', brotliCompressSync(TEXT))),
  '/deflate': (peer) => peer.write(encodedRefusal('deflate', deflateSync(TEXT))),
}

function encodedRefusal(coding: string, body: Buffer): Buffer {
  const head = `HTTP/1.1 403 Forbidden\r\ncontent-encoding: ${coding}\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), body])
}

let server: RunningServer
let peer: ScriptedPeer
let worker: SocketWorker

beforeAll(async () => {
  server = await startWebSocketServer()
  peer = await startScriptedPeer(async (connection) => {
    const { head } = await connection.readRequest()
    await ANSWERS[new URL(head.split(' ')[1]!, 'ws://peer').pathname]!(connection)
    // By its own end the connection of a client that has ended it is over.
    await connection.readEnd()
    connection.end()
  })
  worker = await startSocketWorker([DATE])
})
afterAll(async () => {
  await worker.close()
  await Promise.all([server.close(), peer.close()])
})

const play = (script: Script) => worker.play(DATE, script)

async function failureOf(script: Script): Promise<Told> {
  const { failure, unhandled } = await play(script)
  expect(unhandled).toEqual([])
  if (failure === undefined) throw new Error('The socket was opened')
  return failure
}

describe.each(['fetch', 'tcp'] as const)('over %s', (transport) => {
  test.each([
    [401, false],
    [403, false],
    [429, true],
    [503, true],
  ])('a refusal with %i comes with status, fields and body, retriable: %s', async (status, retriable) => {
    const url = `${server.url}/refuse?status=${status}&retry-after=7`
    const failure = await failureOf({ url, options: { transport } })
    expect(failure).toMatchObject({
      code: 'UPGRADE_REFUSED',
      retriable,
      response: { status, httpVersion: '1.1', body: 'refused', bodyTruncated: false },
      attempts: [{ transport, status, httpVersion: '1.1', error: 'UPGRADE_REFUSED' }],
    })
    expect(failure['retryAfter']).toBe(retriable ? 7000 : undefined)
    const { headers, statusText } = failure['response'] as { headers: string[][]; statusText: string }
    expect(statusText).not.toBe('')
    expect(headers.filter(([name]) => name === 'set-cookie')).toEqual([['set-cookie', 'a=1'], ['set-cookie', 'b=2']]) // biome-ignore format: one row
    expect(headers).toContainEqual(['x-reason', 'no'])
  })

  test('an ordinary answer with 200 is a refusal', async () => {
    const url = `${server.url}/refuse?status=200`
    expect(await failureOf({ url, options: { transport } })).toMatchObject({
      code: 'UPGRADE_REFUSED',
      retriable: false,
      response: { status: 200, body: 'refused' },
    })
  })

  test('of a large body the first 64 KiB are kept', async () => {
    for (const [size, bodyTruncated] of [
      [65_536, false],
      [65_537, true],
      [1_000_000, true],
    ] as const) {
      // biome-ignore format: one row
      for (const framing of ['length', 'chunked']) {
        const url = `${server.url}/refuse?status=403&size=${size}&framing=${framing}`
        const { response } = (await failureOf({ url, options: { transport } })) as { response?: { body: string } }
        expect(response).toMatchObject({ status: 403, bodyTruncated })
        expect(response?.body.length).toBe(65_536)
      }
    }
  })

  test('a body that does not come to its end is cut off', async () => {
    const started = performance.now()
    expect(await failureOf({ url: `${peer.url}/endless`, options: { transport } })).toMatchObject({
      code: 'UPGRADE_REFUSED',
      response: { status: 403, body: 'only this', bodyTruncated: true },
    })
    expect(performance.now() - started).toBeLessThan(4000)
  })

  test('a redirect is followed when it may be, and goes without what is meant for one origin', async () => {
    const target = `${server.url.replace('127.0.0.1', 'localhost')}/headers`
    const url = `${server.url}/redirect?to=${encodeURIComponent(target)}`
    const headers = { authorization: 'Bearer secret', 'x-mine': 'yes' }
    const { results, socket } = await play({
      url,
      options: { transport, redirect: 'follow', headers },
      steps: [['receive']],
    })
    expect(socket).toMatchObject({ url: target, transport })
    expect(String(results[0]).toLowerCase()).toContain('x-mine')
    expect(String(results[0])).not.toContain('secret')
  })

  test('a redirect is a refusal otherwise', async () => {
    const url = `${server.url}/redirect?to=/echo`
    expect(await failureOf({ url, options: { transport } })).toMatchObject({
      code: 'UPGRADE_REFUSED',
      response: { status: 302, headers: expect.arrayContaining([['location', '/echo']]) },
    })
  })

  test.each([
    ['/bad-accept', 'INVALID_ACCEPT'],
    ['/no-accept', 'INVALID_ACCEPT'],
    ['/other-upgrade', 'INVALID_UPGRADE'],
    ['/subprotocol', 'INVALID_SUBPROTOCOL'],
    ['/extension', 'INVALID_EXTENSION'],
  ])('a 101 that breaks a rule, %s, is %s', async (path, code) => {
    expect(await failureOf({ url: peer.url + path, options: { transport, subprotocols: ['mine'] } })).toMatchObject({
      code,
      retriable: false,
    })
  })

  test('a 502 of the server is a refusal, whatever its body says', async () => {
    expect(await failureOf({ url: `${peer.url}/bad-gateway`, options: { transport } })).toMatchObject({
      code: 'UPGRADE_REFUSED',
      retriable: true,
      response: { status: 502, body: 'Server failed WebSocket handshake: own' },
    })
  })

  test.each(['/end', '/reset', '/half'])('a connection that is lost before the answer, %s, is told', async (path) => {
    expect(await failureOf({ url: peer.url + path, options: { transport } })).toMatchObject({
      code: 'CONNECTION_LOST',
      retriable: true,
      attempts: [{ url: peer.url + path, transport, status: 0, error: 'CONNECTION_LOST' }],
    })
  })

  test('a port that nobody listens at is told, and may be tried again', async () => {
    const unused = await startWebSocketServer()
    await unused.close()
    expect(await failureOf({ url: `${unused.url}/echo`, options: { transport } })).toMatchObject({
      code: transport === 'fetch' ? 'CONNECTION_LOST' : 'NETWORK_FAILED',
      retriable: true,
    })
  })

  test('the caller ends the handshake by a signal, with its own reason', async () => {
    const connections = peer.connections.length
    const failure = await failureOf({ url: `${peer.url}/silent`, options: { transport }, abortAfter: 30 })
    expect(failure).toEqual({ name: 'Error', message: 'the reason' })
    await peer.connections[connections]!.closed
  })

  test('a server that does not answer is given up, and its connection ended', async () => {
    const connections = peer.connections.length
    const failure = await failureOf({ url: `${peer.url}/silent`, options: { transport, handshakeTimeout: 40 } })
    expect(failure).toMatchObject({ code: 'HANDSHAKE_TIMEOUT', retriable: true })
    await peer.connections[connections]!.closed
  })

  test('the subprotocol and the fields of the answer are there, and ours arrive', async () => {
    const headers = { 'x-mine': 'one', cookie: 'a=b', origin: 'https://mine.example', 'user-agent': 'me' }
    const { results, socket } = await play({
      url: `${server.url.replace('//', '//user:pass@')}/headers`,
      options: { transport, headers },
      steps: [['receive']],
    })
    const received: string[] = JSON.parse(String(results[0]))
    const sent = new Map(received.map((name, index) => [name.toLowerCase(), received[index + 1]]))
    for (const [name, value] of Object.entries(headers)) expect(sent.get(name)).toBe(value)
    expect(sent.get('authorization')).toBe('Basic dXNlcjpwYXNz')
    expect(socket).toMatchObject({ transport, httpStatusCode: 101, httpStatusText: 'Switching Protocols' })
    const cookies = socket.headers.filter(([name]) => name === 'set-cookie')
    expect(cookies).toEqual([['set-cookie', 'a=1'], ['set-cookie', 'b=2']]) // biome-ignore format: one row
    const chosen = await play({
      url: `${server.url}/subprotocols?choose=b`,
      options: { transport, subprotocols: ['a', 'b'] },
    })
    expect(chosen.socket.subprotocol).toBe('b')
  })
})

describe.each(['fetch', 'tcp'] as const)('over %s', (transport) => {
  test.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['deflate', deflateSync],
  ] as const)('a body in %s stays as it came', async (coding, encode) => {
    const { response } = await failureOf({ url: `${peer.url}/${coding}`, options: { transport } })
    const { headers, body } = response as { headers: string[][]; body: string }
    expect(headers).toContainEqual(['content-encoding', coding])
    expect(body).toBe(encode(TEXT).toString())
  })
})

test('what is not HTTP cannot be told from a lost connection over a fetch, but over a socket', async () => {
  const url = `${peer.url}/garbage`
  expect(await failureOf({ url })).toMatchObject({ code: 'CONNECTION_LOST', retriable: true })
  expect(await failureOf({ url, options: { transport: 'tcp' } })).toMatchObject({
    code: 'INVALID_RESPONSE',
    retriable: false,
  })
})

test.each(['fetch', 'tcp'] as const)(
  'over %s a name without an address, and a failure of TLS, may be tried again, since neither can be told',
  async (transport) => {
    for (const url of ['ws://no-such-host.invalid/', server.url.replace('ws:', 'wss:')]) {
      const failure = await failureOf({ url, options: { transport } })
      expect(failure).toMatchObject({ retriable: true })
      expect(['NETWORK_FAILED', 'CONNECTION_LOST']).toContain(failure['code'])
    }
  },
)

describe('the transport is', () => {
  test.each<[Script['options'], string]>([
    [{}, 'fetch'],
    [{ keepAliveInterval: 0, keepAliveTimeout: 0, maxMessageSize: 32 * 1024 * 1024 }, 'fetch'],
    [{ allowHalfOpen: true, httpVersion: '2' }, 'fetch'],
    [{ transport: 'tcp' }, 'tcp'],
    [{ keepAliveInterval: 1000 }, 'tcp'],
    [{ keepAliveTimeout: 1000 }, 'tcp'],
    [{ highWaterMark: 1000 }, 'tcp'],
    [{ maxFragments: 10 }, 'tcp'],
    [{ maxMessageSize: 32 * 1024 * 1024 + 1 }, 'tcp'],
    [{ headers: { HOST: 'example.com' } }, 'tcp'],
  ])('with %o, %s', async (options, transport) => {
    const { socket, failure } = await play({ url: `${server.url}/echo`, options: options! })
    expect(failure).toBeUndefined()
    expect(socket.transport).toBe(transport)
  })

  test.each([
    [{ tls: { ca: 'x' } }, 'tls'],
    [{ proxy: 'http://127.0.0.1:1' }, 'proxy'],
    [{ dispatcher: 'global' }, 'dispatcher'],
    [{ httpVersion: '2', httpVersionPolicy: 'exact' }, 'httpVersion'],
  ] as const)('none with %o: Workers have no means for it', async (options, option) => {
    const requests = server.requests.length
    expect(await failureOf({ url: `${server.url}/echo`, options })).toMatchObject({ name: 'OptionsError', option })
    expect(server.requests.length).toBe(requests)
  })
})

test('nothing was written to the console of the Worker', () => {
  expect(worker.output.join('')).not.toMatch(/uncaught|unhandled/i)
})
