/** Servers and sockets of the tests over HTTP/2, ended after each test. */
import { connect as connectHttp2 } from 'node:http2'
import { Agent } from 'undici'
import { afterEach, beforeAll, expect, vi } from 'vitest'
import { type Cancellable, ClientWebSocket, type ClientWebSocketOptions } from '../../src/index.ts'
import { sessionPool } from '../../src/transport/session-pool.ts'
import { type Certificate, createAuthority } from '../support/certificates.ts'
import { type Http2ServerOptions, type RunningHttp2Server, startHttp2Server } from '../support/http2-server.ts'
import {
  dataFrame,
  HEADERS,
  type Http2Script,
  headersFrame,
  type RawHttp2Connection,
  type RawHttp2Options,
  type RawHttp2Server,
  startRawHttp2Server,
} from '../support/raw-http2.ts'
import { frame } from '../support/scripted-peer.ts'

const cleanups: (() => unknown)[] = []

/** The authority of all certificates of a file, and the certificate of its servers. */
export const trust = { ca: '', certificate: { cert: '', key: '' } as Certificate }

/**
 * To be called once in a file: makes the certificates, ends what tests have opened, and fails one that leaves a socket
 * behind.
 */
export function setUp(): void {
  beforeAll(async () => {
    const authority = await createAuthority()
    trust.ca = authority.ca
    trust.certificate = await authority.issue()
  })
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
    await eventually(() => expect(openSockets()).toEqual([]))
    // The next server may get the port of this one, and must not be taken for it.
    sessionPool().clear()
  })
}

/** To be done after the test, the last one first. */
export function afterwards(cleanup: () => unknown): void {
  cleanups.push(cleanup)
}

/** Waits until it holds, but not for long. */
export function eventually(assertion: () => void): Promise<void> {
  return vi.waitFor(assertion, { interval: 5, timeout: 3000 })
}

export function later(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

export function openSockets(): string[] {
  return process.getActiveResourcesInfo().filter((name) => /TCPSocket|TLS|GetAddrInfo/.test(name))
}

export async function http2Server(options: Http2ServerOptions = {}): Promise<RunningHttp2Server> {
  const server = await startHttp2Server(options)
  cleanups.push(server.close)
  return server
}

export async function rawServer(script: Http2Script, options: RawHttp2Options = {}): Promise<RawHttp2Server> {
  const server = await startRawHttp2Server(script, options)
  cleanups.push(server.close)
  return server
}

/** Over HTTP/2 and nothing else. */
export const HTTP2: ClientWebSocketOptions = { httpVersion: '2', httpVersionPolicy: 'exact' }
/** Over HTTP/2, or HTTP/1.1 if need be. */
export const NEGOTIATED: ClientWebSocketOptions = { httpVersion: '2', httpVersionPolicy: 'or-lower' }

/** A socket that trusts the servers of these tests, and is aborted after its test. */
export function create(options: ClientWebSocketOptions = HTTP2): ClientWebSocket {
  const isOwn = options.session === undefined && options.dispatcher === undefined
  const socket = new ClientWebSocket({ ...(isOwn ? { tls: { ca: trust.ca } } : {}), ...options })
  cleanups.push(() => socket.abort())
  return socket
}

export async function open(
  url: string,
  { signal, ...options }: ClientWebSocketOptions & Cancellable = HTTP2,
): Promise<ClientWebSocket> {
  const socket = create(options)
  await socket.connect(url, { signal })
  return socket
}

/** What is known of a socket, as an object that can be compared and shown. */
export function detailsOf(socket: ClientWebSocket) {
  const { state, closeStatus, closeStatusDescription, bufferedAmount, transport, httpVersion } = socket
  const { httpStatusCode, httpStatusText, httpResponseHeaders } = socket
  const closing = { state, closeStatus, closeStatusDescription, bufferedAmount }
  return { ...closing, transport, httpVersion, httpStatusCode, httpStatusText, httpResponseHeaders }
}

export async function expectEcho(socket: ClientWebSocket, text = 'hello'): Promise<void> {
  await socket.send(text)
  expect(await socket.receive()).toBe(text)
}

export const OK = { ':status': '200' }

/** Answers the first request on each connection with these frames. */
export function answering(answer: (streamId: number) => readonly Uint8Array[]): Http2Script {
  return async (connection) => {
    await connection.start()
    await connection.write(...answer(await connection.nextRequest()))
  }
}

/** The frames of a success, and of a first message. */
export function welcome(streamId: number): Uint8Array[] {
  return [headersFrame(streamId, OK), dataFrame(streamId, frame(1, 'welcome'))]
}

/** The streams that the client has opened. */
export function requests({ frames }: RawHttp2Connection): number[] {
  return frames.filter(({ type }) => type === HEADERS).map(({ streamId }) => streamId)
}

/** What opens the streams: the options, for a server at this URL. */
export interface Carrier {
  readonly secure: boolean
  readonly options: (url: string) => ClientWebSocketOptions
}

export const CARRIERS: Readonly<Record<string, Carrier>> = {
  'a connection of our own': { secure: false, options: () => HTTP2 },
  "a caller's session": {
    secure: false,
    options: (url) => {
      const session = connectHttp2(url.replace('ws', 'http'))
      session.on('error', () => {})
      afterwards(() => session.destroy())
      return { session }
    },
  },
  "a caller's undici 8 Agent": {
    secure: true,
    options: () => {
      const dispatcher = new Agent({ allowH2: true, connections: 1, connect: { ca: trust.ca, preferH2: true } })
      afterwards(() => dispatcher.destroy())
      return { ...HTTP2, dispatcher }
    },
  },
}
