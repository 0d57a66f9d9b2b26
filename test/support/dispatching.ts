/**
 * What the tests of the dispatcher transport share: the versions of undici, handshakes, and the clearing up after them.
 */
import * as undici8 from 'undici'
import * as undici6 from 'undici6'
import * as undici7 from 'undici7'
import { afterEach, expect, vi } from 'vitest'
import { HandshakeError } from '../../src/errors.ts'
import { buildRequest } from '../../src/handshake/request.ts'
import type { HeaderField } from '../../src/http-headers.ts'
import type { Dispatcher } from '../../src/options.ts'
import type { Refused, Upgraded } from '../../src/transport/contracts.ts'
import { dispatcherTransport } from '../../src/transport/dispatcher.ts'
import { frame, type Script, type ScriptedPeer, startScriptedPeer } from './scripted-peer.ts'
import { type RunningServer, type ServerTls, startWebSocketServer } from './websocket-server.ts'

export type Undici = typeof undici8

/** The older ones have all that is used here, under types of their own. */
export const VERSIONS: readonly (readonly [name: string, major: number, undici: Undici])[] = [
  ['undici 6', 6, undici6 as unknown as Undici],
  ['undici 7', 7, undici7 as unknown as Undici],
  ['undici 8', 8, undici8],
]

const cleanups: (() => unknown)[] = []

/** Has to be called by each file: runs the cleanups after each test, and fails it if a socket is left. */
export function clearUpAfterEach(): void {
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
    await eventually(() => {
      expect(process.getActiveResourcesInfo().filter((name) => /TCP|TLS|GetAddrInfo/.test(name))).toEqual([])
    })
  })
}

export function afterwards(cleanup: () => unknown): void {
  cleanups.push(cleanup)
}

export function eventually(assertion: () => void): Promise<void> {
  return vi.waitFor(assertion, { interval: 5, timeout: 5000 })
}

/** Closes the dispatcher after the test, which waits until everything is let go of. */
export function closing<D extends { close(): Promise<void> }>(dispatcher: D): D {
  afterwards(() => dispatcher.close())
  return dispatcher
}

export async function server(tls?: ServerTls): Promise<RunningServer> {
  return running(await startWebSocketServer(tls === undefined ? {} : { tls }))
}

export async function peer(script: Script, tls?: ServerTls): Promise<ScriptedPeer> {
  return running(await startScriptedPeer(script, tls === undefined ? {} : { tls }))
}

/** Closes it after the test. */
export function running<S extends { close(): Promise<void> }>(started: S): S {
  afterwards(() => started.close())
  return started
}

/** As undici wants it. */
export function originOf(url: string): string {
  return url.replace(/^ws/, 'http')
}

const NEVER = new AbortController().signal

export interface OpenOptions {
  readonly signal?: AbortSignal
  readonly headers?: readonly HeaderField[]
}

export function open(dispatcher: Dispatcher, url: string, { signal = NEVER, headers = [] }: OpenOptions = {}) {
  return dispatcherTransport(dispatcher)(buildRequest(new URL(url), { headers, subprotocols: [] }), signal)
}

export async function upgraded(...parameters: Parameters<typeof open>): Promise<Upgraded> {
  const outcome = await open(...parameters)
  if (outcome.stream === undefined) throw new Error(`Refused with ${outcome.head.status}`)
  afterwards(() => outcome.stream.destroy())
  return outcome
}

export async function refused(...parameters: Parameters<typeof open>): Promise<Refused> {
  const outcome = await open(...parameters)
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

/** Everything that comes, as latin1. */
export function collect({ stream }: Upgraded): { text(): string; closed: Promise<Error | undefined> } {
  let received = ''
  const closed = Promise.withResolvers<Error | undefined>()
  stream.attach({
    onData: (bytes) => {
      received += Buffer.from(bytes).toString('latin1')
    },
    onEnd: () => {},
    onClosed: closed.resolve,
  })
  return { text: () => received, closed: closed.promise }
}

export async function expectEcho(outcome: Upgraded): Promise<void> {
  const received = collect(outcome)
  outcome.stream.write([frame(1, 'hello', { mask: true })], () => {})
  await eventually(() => expect(received.text()).toBe(frame(1, 'hello').toString('latin1')))
}

export function textOf({ body }: Refused): string {
  return Buffer.from(body).toString()
}
