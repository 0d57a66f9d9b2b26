/** Servers that end with the test that started them, and what a failed handshake is looked at with. */
import { setImmediate } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import { type ClientWebSocket, HandshakeError, type HandshakeErrorCode } from '../../src/index.ts'
import { type Script, type ScriptedPeer, startScriptedPeer } from './scripted-peer.ts'
import { type RunningServer, type ServerTls, startWebSocketServer } from './websocket-server.ts'

export async function server(tls?: ServerTls): Promise<RunningServer> {
  return untilFinished(await startWebSocketServer(tls === undefined ? {} : { tls }))
}

export async function peer(script: Script, tls?: ServerTls): Promise<ScriptedPeer> {
  return untilFinished(await startScriptedPeer(script, tls === undefined ? {} : { tls }))
}

/** Ends something with the running test. */
export function untilFinished<T extends { close(): unknown }>(running: T): T {
  onTestFinished(async () => {
    await running.close()
  })
  return running
}

/** A socket that is aborted with the running test. */
export function aborted<T extends ClientWebSocket>(socket: T): T {
  onTestFinished(() => socket.abort())
  return socket
}

/** Anything that a promise is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error, 'it should have failed').toBeDefined()
  return error
}

/** The HandshakeError that a connect fails with. */
export async function failure(promise: Promise<unknown>, code?: HandshakeErrorCode): Promise<HandshakeError> {
  const error = await rejection(promise)
  expect(error).toBeInstanceOf(HandshakeError)
  if (code !== undefined) expect((error as HandshakeError).code).toBe(code)
  return error as HandshakeError
}

/** What keeps this process alive: connections, look-ups and timers. */
export function openHandles(): string[] {
  return process.getActiveResourcesInfo().filter((name) => /TCPSocket|TLS|GetAddrInfo|Timeout/.test(name))
}

/** Waits until nothing more than this keeps the process alive, but not for long. Has no timer of its own. */
export async function handlesBecome(expected: readonly string[]): Promise<void> {
  for (const end = performance.now() + 1000; performance.now() < end; await setImmediate()) {
    if (openHandles().length <= expected.length) break
  }
  // Others may have ended meanwhile, such as timers of the runner.
  const left = [...expected]
  const more = openHandles().filter((handle) => {
    const at = left.indexOf(handle)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
  expect(more).toEqual([])
}
