/**
 * What a transport is: it takes a handshake request, and yields the refusal, or an open stream of bytes, or a socket of
 * messages where the runtime does the framing.
 *
 * A transport knows nothing of options or states. It never judges an answer: `handshake/accept.ts` does.
 */
import type { HandshakeError } from '../errors.ts'
import type { HandshakeRequest } from '../handshake/request.ts'
import type { ResponseHead } from '../handshake/response-head.ts'

/** Bytes in both directions, with back-pressure. */
export interface ByteStream {
  /**
   * Starts delivery to a sink; bytes that came before go to it first. Called once. Nothing is delivered before this
   * call returns.
   */
  attach(sink: ByteSink): void
  /**
   * Queues chunks as one write. `released` is called exactly once, perhaps before this returns: from then on the bytes
   * may be reused. `sent` is false when the stream ended before it had taken them; why is told by `onClosed`.
   */
  write(chunks: readonly Uint8Array[], released: (sent: boolean) => void): void
  /** Ends our direction after what has been written. The other stays open. */
  end(): void
  /** Stops delivery: at most what has already been read still comes. A connection that is lost is told all the same. */
  pause(): void
  resume(): void
  /** Ends both directions at once and frees everything. Pending writes may be lost. `onClosed` follows. */
  destroy(): void
  /** Runs a callback when the work of this turn is done, so that all its sends can leave in one write. */
  defer(callback: () => void): void
}

/** Where a stream delivers to. No call comes from within a call on the stream, except `released`. */
export interface ByteSink {
  /** Bytes that came in. They are valid only during the call: the memory is the transport's. */
  onData(bytes: Uint8Array): void
  /** The peer has ended its direction. */
  onEnd(): void
  /** Both directions are over; the last call. `error` if it was not in good order. */
  onClosed(error: Error | undefined): void
}

/** Messages in both directions, framed by somebody else. There is no back-pressure in either direction. */
export interface MessageSocket {
  /** Bytes that were sent and have not left, as far as they can be told; 0 otherwise. */
  readonly bufferedAmount: number
  /** Starts delivery to a sink; what came before goes to it first, perhaps before this returns. Called once. */
  attach(sink: MessageSocketSink): void
  /** Queues a message, which may be changed afterwards. Throws when the socket is known to be of no more use. */
  send(message: string | Uint8Array): void
  /**
   * Queues a Close frame, without a payload if there is no code. Called once; the peer's answer is not waited for.
   * Never throws.
   */
  close(code: number | undefined, reason: string): void
  /** Ends both directions at once and frees everything. No call of the sink follows. */
  terminate(): void
}

/** Where a socket of messages delivers to. */
export interface MessageSocketSink {
  /** A message of which nobody else holds the bytes. */
  onMessage(message: string | Uint8Array): void
  /** The peer's Close frame, which is ours to answer; 1005 if it held no code. No message follows. */
  onClose(code: number, reason: string): void
  /**
   * The connection is over without the Close frames of both sides; the last call. A HawserError tells what the peer
   * did.
   */
  onLost(error: Error | undefined): void
}

/** The server switched protocols: the stream is ours, unverified. */
export interface Upgraded {
  readonly head: ResponseHead
  readonly stream: ByteStream
  readonly socket?: undefined
  readonly body?: undefined
  readonly bodyTruncated?: undefined
}

/** The server switched protocols, which the runtime has verified; subprotocol and extensions are not. */
export interface UpgradedSocket {
  readonly head: ResponseHead
  readonly socket: MessageSocket
  readonly stream?: undefined
  readonly body?: undefined
  readonly bodyTruncated?: undefined
}

/** The server gave an ordinary answer; its connection has been let go. */
export interface Refused {
  readonly head: ResponseHead
  readonly stream?: undefined
  readonly socket?: undefined
  readonly body: Uint8Array
  readonly bodyTruncated: boolean
}

/**
 * Makes the handshake over one kind of connection.
 *
 * - Fails with a HandshakeError (without `attempts`) when there is no response; its `cause` is the runtime's error.
 * - When the signal aborts, everything is released and the promise rejects with the signal's reason; but once the head
 *   of a refusal has been read, it resolves with as much of the body as has come.
 * - One that goes on to HTTP/1.1 tells `onDowngrade` before it does: why HTTP/2 has failed, or undefined if it is known
 *   to and was not tried.
 */
export type Transport<Opened extends Upgraded | UpgradedSocket = Upgraded> = (
  request: HandshakeRequest,
  signal: AbortSignal,
  onDowngrade?: (error: HandshakeError | undefined) => void,
) => Promise<Opened | Refused>
