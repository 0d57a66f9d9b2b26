/** Handshakes over the tcp transport, and the servers for them, ended after each test. */
import { afterEach, expect, vi } from 'vitest'
import { HandshakeError } from '../../src/errors.ts'
import { buildRequest } from '../../src/handshake/request.ts'
import type { TlsOptions } from '../../src/options.ts'
import type { Refused, Upgraded } from '../../src/transport/contracts.ts'
import { lateTlsFailure, nodeDial } from '../../src/transport/socket.node.ts'
import { tcp } from '../../src/transport/tcp.ts'
import { type Script, type ScriptedPeer, startScriptedPeer } from './scripted-peer.ts'
import { type RunningServer, type ServerTls, startWebSocketServer } from './websocket-server.ts'

const readBuffer = new Uint8Array(16_384)
const cleanups: (() => unknown)[] = []

/** To be done after the test, the last one first. */
export function cleanUp(cleanup: () => unknown): void {
  cleanups.push(cleanup)
}

/** To be called once in a test file: ends what its tests have opened, and fails when a socket is left. */
export function cleanUpAfterEach(): void {
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
    await vi.waitFor(() => {
      expect(process.getActiveResourcesInfo().filter((name) => /TCP|TLS|GetAddrInfo/.test(name))).toEqual([])
    })
  })
}

export interface OpenOptions {
  readonly tls?: TlsOptions
  readonly signal?: AbortSignal
}

/** Makes the handshake over the tcp transport. All connections of a file read into the same memory. */
export function open(url: string, { tls, signal = new AbortController().signal }: OpenOptions = {}) {
  const request = buildRequest(new URL(url), { headers: [['X-Mine', 'yes']], subprotocols: ['a', 'b'] })
  return tcp(nodeDial({ tls, readBuffer }), lateTlsFailure)(request, signal)
}

export async function upgraded(url: string, options: OpenOptions = {}): Promise<Upgraded> {
  const outcome = await open(url, options)
  if (outcome.stream === undefined) throw new Error(`Refused with ${outcome.head.status}`)
  cleanups.push(() => outcome.stream.destroy())
  return outcome
}

export async function refused(url: string, options: OpenOptions = {}): Promise<Refused> {
  const outcome = await open(url, options)
  if (outcome.stream !== undefined) throw new Error('Not refused')
  return outcome
}

export async function failure(promise: Promise<unknown>): Promise<HandshakeError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(HandshakeError)
  return error as HandshakeError
}

export async function peer(script: Script, tls?: ServerTls): Promise<ScriptedPeer> {
  const running = await startScriptedPeer(script, tls === undefined ? {} : { tls })
  cleanups.push(running.close)
  return running
}

export async function server(tls?: ServerTls): Promise<RunningServer> {
  const running = await startWebSocketServer(tls === undefined ? {} : { tls })
  cleanups.push(running.close)
  return running
}

/** Everything that comes until the end. */
export function collect({ stream }: Upgraded): {
  text(): string
  ended: Promise<void>
  closed: Promise<Error | undefined>
} {
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
