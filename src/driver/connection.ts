import type { Message } from '../protocol/message-parts.ts'
import type { State } from '../protocol/states.ts'
import type { Inbox } from './inbox.ts'

/** An open WebSocket connection, whatever carries it. Arguments have been checked. */
export interface Connection {
  readonly state: State
  /**
   * The code of the peer's Close frame (1005 if it held none), 1006 if the connection ended without; undefined before.
   */
  readonly closeStatus: number | undefined
  readonly closeReason: string
  /** Bytes that are not yet handed to the operating system, frame headers included. */
  readonly bufferedAmount: number
  /** Bytes, as in `bufferedAmount`, that never will be, since the connection has failed. */
  readonly unsent: number
  readonly inbox: Inbox
  /** Settles when everything is over, however it ended; it never rejects. */
  readonly over: Promise<void>
  /** Why the connection failed, once it has. */
  readonly failure: unknown
  /** Whether nothing has been said yet that ends our direction. */
  readonly canSend: boolean
  /** Resolves when there is room for more. */
  send(message: Message, compress?: boolean): Promise<void>
  /** One message, written piece by piece. Without a type the first piece decides. */
  sendStream(type: 'text' | 'binary' | undefined, compress: boolean): WritableStream<string | Uint8Array>
  /** Resolves to the round-trip time in milliseconds. */
  ping(payload: Uint8Array | undefined, signal: AbortSignal | undefined): Promise<number>
  /** Resolves when everything is over. */
  close(code: number | undefined, reason: string): Promise<void>
  /** Resolves when our Close frame has been handed to the operating system. */
  closeOutput(code: number | undefined, reason: string): Promise<void>
  abort(reason: unknown): void
}
