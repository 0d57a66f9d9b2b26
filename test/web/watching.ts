/** What happens to a socket, as promises. */
import { holds, same } from '../contract/check.ts'
import type { Socket } from './suite.ts'

export interface SocketEvent extends Event {
  readonly data?: unknown
  readonly origin?: string
  readonly code?: number
  readonly reason?: string
  readonly wasClean?: boolean
  readonly error?: unknown
}

/** The next event of a type. */
export function next(socket: Socket, type: string): Promise<SocketEvent> {
  return new Promise((resolve) => socket.addEventListener(type, resolve as (event: Event) => void, { once: true }))
}

/** Waits for `open`; fails when it closes instead. */
export async function opened(socket: Socket): Promise<Socket> {
  if (socket.readyState === 1) return socket
  const first = await Promise.race([next(socket, 'open'), next(socket, 'close')])
  if (first.type !== 'open') throw new Error(`It closed with ${first.code} instead of opening`)
  return socket
}

/** Closes it, and waits until it is closed. */
export async function closed(socket: Socket): Promise<SocketEvent> {
  const event = next(socket, 'close')
  socket.close()
  return event
}

/** So many messages, as their data. */
export function received(socket: Socket, count: number): Promise<unknown[]> {
  const data: unknown[] = []
  return new Promise((resolve) => {
    const take = (event: Event) => {
      data.push((event as SocketEvent).data)
      if (data.length < count) return
      socket.removeEventListener('message', take)
      resolve(data)
    }
    socket.addEventListener('message', take)
  })
}

/** All events of a socket from now on, with the ready state that their listeners saw. */
export function recorded(socket: Socket): {
  readonly events: (readonly [string, number])[]
  closed: Promise<SocketEvent>
} {
  const events: (readonly [string, number])[] = []
  for (const type of ['open', 'message', 'error', 'close']) {
    socket.addEventListener(type, () => events.push([type, socket.readyState]))
  }
  return { events, closed: next(socket, 'close') }
}

/** What a failed handshake looks like: an error, and then the end. */
export async function failsToOpen(socket: Socket): Promise<void> {
  const { events, closed: end } = recorded(socket)
  const { code, reason, wasClean } = await end
  same({ code, reason, wasClean }, { code: 1006, reason: '', wasClean: false })
  same(events, [
    ['error', 3],
    ['close', 3],
  ])
}

/** Fails unless a call throws a DOMException of this name. */
export function throwsDom(name: string, call: () => unknown): void {
  const error = thrown(call)
  holds(error instanceof DOMException, `${String(error)} is a DOMException`)
  same((error as DOMException).name, name)
}

export function throwsTypeError(call: () => unknown): void {
  holds(thrown(call) instanceof TypeError, 'a TypeError is thrown')
}

export function thrown(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new Error('It should have thrown')
}

/** Long enough for what should not happen. */
export function aWhile(milliseconds = 30): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

/** The exceptions that nobody has caught while something was done. */
export async function uncaught(run: () => Promise<unknown>): Promise<unknown[]> {
  const others = process.listeners('uncaughtException')
  const errors: unknown[] = []
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => errors.push(error))
  try {
    await run()
    await aWhile(5)
  } finally {
    process.removeAllListeners('uncaughtException')
    for (const listener of others) process.on('uncaughtException', listener)
  }
  return errors
}
