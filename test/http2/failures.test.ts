import { describe, expect, test } from 'vitest'
import { ClientWebSocket, type ClientWebSocketOptions } from '../../src/index.ts'
import { createAuthority } from '../support/certificates.ts'
import { ERROR_CODES } from '../support/raw-http2.ts'
import { startScriptedPeer } from '../support/scripted-peer.ts'
import { failure, handlesBecome, openHandles, rejection } from '../support/servers.ts'
import {
  afterwards,
  create,
  eventually,
  expectEcho,
  HTTP2,
  http2Server,
  later,
  NEGOTIATED,
  open,
  rawServer,
  requests,
  setUp,
  trust,
  welcome,
} from './support.ts'

setUp()

const { CANCEL } = ERROR_CODES

describe('a server that speaks something else', () => {
  /** Answers whatever comes with these bytes. */
  async function bytesServer(bytes: string, end = false): Promise<string> {
    const peer = await startScriptedPeer(async (connection) => {
      await connection.read()
      await connection.write(bytes)
      if (end) connection.end()
    })
    afterwards(() => peer.close())
    return peer.url
  }

  test.each([
    ['HTTP/1.1', 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'],
    ['HTTP/1.1 with a body', 'HTTP/1.1 505 HTTP Version Not Supported\r\nContent-Length: 4\r\n\r\noops'],
    ['nothing that is known', 'SSH-2.0-OpenSSH_9.9\r\n'],
    ['zeros', '\0'.repeat(64)],
  ])('answers in %s: HTTP/2 is unavailable', async (_, bytes) => {
    for (const end of [false, true]) {
      const error = await failure(create().connect(await bytesServer(bytes, end)), 'HTTP2_UNAVAILABLE')
      expect(error).toMatchObject({ retriable: false, response: undefined })
      expect(error.attempts).toMatchObject([{ httpVersion: '2', status: 0 }])
    }
  })

  test('or says nothing at all, and is given up after handshakeTimeout', async () => {
    const url = await bytesServer('')
    await failure(create({ ...HTTP2, handshakeTimeout: 60 }).connect(url), 'HANDSHAKE_TIMEOUT')
  })

  test('does not listen', async () => {
    const gone = await http2Server()
    await gone.close()
    const error = await failure(create().connect(gone.url), 'CONNECTION_REFUSED')
    expect(error).toMatchObject({ retriable: true, response: undefined })
    expect(error.attempts).toMatchObject([{ httpVersion: '2', status: 0, error: 'CONNECTION_REFUSED' }])
  })
})

describe('TLS that fails', () => {
  test.each(['or-lower', 'exact'] as const)(
    'because of the certificate is no reason to try again (%s)',
    async (policy) => {
      const stranger = await createAuthority()
      const server = await http2Server({ tls: await stranger.issue() })
      const options: ClientWebSocketOptions = { httpVersion: '2', httpVersionPolicy: policy }
      const error = await failure(create(options).connect(server.url), 'TLS_FAILED')
      expect(error).toMatchObject({ retriable: false, response: undefined })
      expect(error.attempts.length).toBe(1)
      expect(server.connections()).toBe(1)
    },
  )

  test('because of the name is no reason to try again', async () => {
    const authority = await createAuthority()
    const server = await http2Server({ tls: await authority.issue({ names: ['elsewhere.example'] }) })
    const options = { ...NEGOTIATED, tls: { ca: authority.ca } }
    await failure(create(options).connect(server.url), 'TLS_FAILED')
    expect(server.connections()).toBe(1)
  })

  test('because there is none is no reason to try again', async () => {
    const server = await http2Server()
    await failure(
      create(NEGOTIATED).connect(server.url.replace('ws:', 'wss:').replace('127.0.0.1', 'localhost')),
      'TLS_FAILED',
    )
    expect(server.connections()).toBe(1)
  })

  test("a certificate that the caller's own check refuses is asked about once", async () => {
    const server = await http2Server({ tls: trust.certificate })
    const asked: string[] = []
    const checkServerIdentity = (name: string) => {
      asked.push(name)
      return new Error('I do not like it')
    }
    const options = { ...NEGOTIATED, tls: { ca: trust.ca, checkServerIdentity } }
    await failure(create(options).connect(server.url), 'TLS_FAILED')
    expect(asked).toEqual(['localhost'])
    expect(server.connections()).toBe(1)
  })
})

describe('a connect that is given up', () => {
  test.each([
    ['by the caller', undefined],
    ['by the time', 60],
  ])('%s resets its stream, and nothing else', async (_, handshakeTimeout) => {
    const server = await http2Server()
    const neighbour = await open(`${server.url}/echo`)
    const controller = new AbortController()
    const options = handshakeTimeout === undefined ? HTTP2 : { ...HTTP2, handshakeTimeout }
    const connected = rejection(create(options).connect(`${server.url}/silent`, { signal: controller.signal }))
    await eventually(() => expect(server.connects.length).toBe(2))
    if (handshakeTimeout === undefined) controller.abort('enough')
    const error = await connected
    if (handshakeTimeout === undefined) expect(error).toBe('enough')
    else expect(error).toMatchObject({ code: 'HANDSHAKE_TIMEOUT', retriable: true })
    expect(await server.connects[1]!.closed).toBe(CANCEL)
    await expectEcho(neighbour)
    await expectEcho(await open(`${server.url}/echo`))
    expect(server.connections()).toBe(1)
  })

  test('while others wait for the same connection does not end that', async () => {
    const { url, connections } = await rawServer(async (connection) => {
      await connection.startWithoutSettings()
      await later(60)
      await connection.sendSettings()
      await connection.write(...welcome(await connection.nextRequest()))
    })
    const controller = new AbortController()
    const first = rejection(create().connect(url, { signal: controller.signal }))
    const second = open(url)
    await eventually(() => expect(connections.length).toBe(1))
    controller.abort('not I')
    expect(await first).toBe('not I')
    expect(await (await second).receive()).toBe('welcome')
    expect(connections.map(requests)).toEqual([[1]])
  })

  test('before it began connects nothing', async () => {
    const server = await http2Server()
    const signal = AbortSignal.abort('early')
    expect(await rejection(create().connect(`${server.url}/echo`, { signal }))).toBe('early')
    expect(server.connections()).toBe(0)
  })
})

test('nothing is left behind by connects that fail', async () => {
  const before = openHandles()
  const server = await http2Server({ tls: trust.certificate })
  const silent = await rawServer((connection) => connection.startWithoutSettings())
  const options = { ...HTTP2, tls: { ca: trust.ca }, handshakeTimeout: 80 }
  const failing = ['/refuse?status=403', '/silent', '/nowhere'].map((path) =>
    failure(new ClientWebSocket(options).connect(`${server.url}${path}`)),
  )
  await Promise.all([...failing, failure(new ClientWebSocket(options).connect(silent.url))])
  await eventually(() => expect(server.connects.every(({ stream }) => stream.closed)).toBe(true))
  await server.close()
  await silent.close()
  await handlesBecome(before)
})
