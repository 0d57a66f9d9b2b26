import { expect } from 'vitest'
import { type ClientWebSocket, ConnectionClosedError, type Message } from '../../src/index.ts'

/** Compares fast: the messages may be long. */
export function expectSame(actual: Message | undefined, expected: Message): void {
  const isSame =
    typeof actual === 'string' || typeof expected === 'string' || actual === undefined
      ? actual === expected
      : Buffer.compare(actual, expected) === 0
  if (!isSame) throw new Error(`Got ${describe(actual)} instead of ${describe(expected)}`)
}

export async function expectEcho(socket: ClientWebSocket, message: Message): Promise<void> {
  const [received] = await Promise.all([socket.receive(), socket.send(message)])
  expectSame(received, message)
}

/** Reads until the connection is over, which has to be without a Close frame. */
export async function expectLost(socket: ClientWebSocket): Promise<void> {
  await expect(receiveAll(socket)).rejects.toThrow(ConnectionClosedError)
  expect(socket).toMatchObject({ state: 'aborted', closeStatus: 1006 })
}

export async function receiveAll(socket: ClientWebSocket): Promise<Message[]> {
  const received: Message[] = []
  for await (const message of socket) received.push(message)
  return received
}

function describe(message: Message | undefined): string {
  if (message === undefined) return 'nothing'
  return `${message.length} ${typeof message === 'string' ? 'characters' : 'bytes'}`
}
