import { ConnectionClosedError, TimeoutError } from '../errors.ts'
import { canSend } from '../protocol/states.ts'
import type { Connection } from './connection.ts'

/** What ends a call, with the end of its connection as far as it is known. */
export function closedError(connection: Connection, message: string, cause?: unknown): ConnectionClosedError {
  const { closeStatus = 1006, closeReason: reason, state } = connection
  const details = { closeStatus, reason, wasClean: state === 'closed', ...(cause !== undefined && { cause }) }
  return new ConnectionClosedError(message, details)
}

/** Resolves when the Close frame is told to have been sent; fails when the connection is over before. */
export function closeSent(connection: Connection, sendClose: (onSent: () => void) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  // Nobody has to look at it.
  promise.catch(() => {})
  sendClose(resolve)
  // What was not sent by then never will be; whoever was told that it was does not notice.
  connection.over.then(() => reject(connection.failure ?? closedError(connection, 'The connection is closed.')))
  return promise
}

/** Whom a closing handshake waited for in vain: without our Close frame it was not the server. */
export function closeTimedOut(connection: Connection, closeTimeout: number): ConnectionClosedError {
  const who = canSend(connection.state) ? 'A message or sendStream did not end' : 'The server did not close'
  const cause = new TimeoutError('CLOSE_TIMEOUT', `${who} within ${closeTimeout} ms.`, closeTimeout)
  return closedError(connection, 'Closing took too long.', cause)
}
