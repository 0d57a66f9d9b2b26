/** Handshakes over HTTP/2 through a pool of the test's own, and the servers for them, ended after each test. */
import {
  type ClientHttp2Session,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, vi } from 'vitest'
import { HandshakeError } from '../../src/errors.ts'
import { buildRequest, type HandshakeRequest } from '../../src/handshake/request.ts'
import type { HeaderField } from '../../src/http-headers.ts'
import type { TlsOptions } from '../../src/options.ts'
import type { Refused, Transport, Upgraded } from '../../src/transport/contracts.ts'
import { overHttp2 } from '../../src/transport/direct.ts'
import type { PoolTimes } from '../../src/transport/pooled-session.ts'
import { type Http2Plan, SessionPool } from '../../src/transport/session-pool.ts'
import { type Http2ServerOptions, type RunningHttp2Server, startHttp2Server } from './http2-server.ts'
import { type Http2Script, type RawHttp2Server, startRawHttp2Server } from './raw-http2.ts'

const readBuffer = new Uint8Array(16_384)
const cleanups: (() => unknown)[] = []

export const NEVER = new AbortController().signal

/** To be done after the test, the last one first. */
export function afterwards(cleanup: () => unknown): void {
  cleanups.push(cleanup)
}

/** To be called once in a test file: ends what its tests have opened, and fails when a socket is left. */
export function cleanUpAfterEach(): void {
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
    await eventually(() => {
      expect(process.getActiveResourcesInfo().filter((name) => /TCP|TLS|GetAddrInfo/.test(name))).toEqual([])
    })
  })
}

export function eventually(assertion: () => void): Promise<void> {
  return vi.waitFor(assertion, { interval: 5, timeout: 5000 })
}

export function later(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

export async function http2Server(options: Http2ServerOptions = {}): Promise<RunningHttp2Server> {
  const running = await startHttp2Server(options)
  afterwards(running.close)
  return running
}

export async function rawServer(script: Http2Script): Promise<RawHttp2Server> {
  const running = await startRawHttp2Server(script)
  afterwards(running.close)
  return running
}

export interface StreamServer {
  /** ws://127.0.0.1:port */
  readonly url: string
  readonly sessions: readonly ServerHttp2Session[]
  readonly streams: readonly ServerHttp2Stream[]
}

/** A server over which a test has every stream for itself. */
export async function streamServer(
  onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
  settings: Settings = {},
): Promise<StreamServer> {
  const server = createServer({ settings: { enableConnectProtocol: true, ...settings }, maxSessionMemory: 1000 })
  const sessions: ServerHttp2Session[] = []
  const streams: ServerHttp2Stream[] = []
  server.on('session', (session) => {
    sessions.push(session)
    session.on('error', () => {})
  })
  server.on('stream', (stream, headers) => {
    streams.push(stream)
    stream.on('error', () => {})
    onStream(stream, headers)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  afterwards(async () => {
    for (const session of sessions) session.destroy()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  })
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, sessions, streams }
}

/** A pool that is cleared after the test. */
export function newPool(times: Partial<PoolTimes> = {}): SessionPool {
  const pool = new SessionPool(times)
  afterwards(() => pool.clear())
  return pool
}

export function requestTo(url: string, headers: readonly HeaderField[] = []): HandshakeRequest {
  return buildRequest(new URL(url), { headers, subprotocols: ['a', 'b'] })
}

export interface OpenOptions {
  readonly plan?: Http2Plan
  readonly tls?: TlsOptions
  readonly signal?: AbortSignal
  readonly headers?: readonly HeaderField[]
  readonly downgrades?: HandshakeError[]
}

export function open(pool: SessionPool, url: string, options: OpenOptions = {}): ReturnType<Transport> {
  const { plan = 'http2', tls, signal = NEVER, headers = [], downgrades = [] } = options
  const transport = overHttp2(plan, { tls, readBuffer }, pool)
  return transport(requestTo(url, headers), signal, (error) => error && downgrades.push(error))
}

export async function upgraded(outcome: ReturnType<Transport>): Promise<Upgraded> {
  const answer = await outcome
  if (answer.stream === undefined) throw new Error(`Refused with ${answer.head.status}`)
  afterwards(() => answer.stream.destroy())
  return answer
}

export async function refused(outcome: ReturnType<Transport>): Promise<Refused> {
  const answer = await outcome
  if (answer.stream !== undefined) throw new Error('Not refused')
  return answer
}

export async function failure(promise: Promise<unknown>): Promise<HandshakeError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(HandshakeError)
  return error as HandshakeError
}

export interface Collected {
  text(): string
  readonly ended: Promise<void>
  readonly closed: Promise<Error | undefined>
}

/** Everything that comes until the end, as latin1. */
export function collect({ stream }: Upgraded): Collected {
  let received = ''
  const ended = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<Error | undefined>()
  stream.attach({
    onData: (bytes) => {
      received += Buffer.from(bytes).toString('latin1')
    },
    onEnd: ended.resolve,
    onClosed: closed.resolve,
  })
  return { text: () => received, ended: ended.promise, closed: closed.promise }
}

/** How many listeners a session has, by event. */
export function listenersOf(session: ClientHttp2Session): (readonly [string | symbol, number])[] {
  return session.eventNames().map((name) => [name, session.listenerCount(name)] as const)
}
