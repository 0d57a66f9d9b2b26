/**
 * What a transport is: it takes a handshake request, and yields either the refusal or an open stream of bytes.
 *
 * A transport knows nothing of frames, options or states. It never judges an answer: `handshake/accept.ts` does.
 */
import type { HandshakeError } from '../errors.ts'
import type { HandshakeRequest } from '../handshake/request.ts'
import type { ResponseHead } from '../handshake/response-head.ts'

/** Bytes in both directions, with back-pressure. */
export interface ByteStream {
  /**
   * Starts delivery to a sink; bytes that came before go to it first. Called once. Nothing is delivered before this call
   * returns.
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

/** The server switched protocols: the stream is ours, unverified. */
export interface Upgraded {
  readonly head: ResponseHead
  readonly stream: ByteStream
}

/** The server gave an ordinary answer; its connection has been let go. */
export interface Refused {
  readonly head: ResponseHead
  readonly stream?: undefined
  readonly body: Uint8Array
  readonly bodyTruncated: boolean
}

/**
 * Makes the handshake over one kind of connection.
 *
 * - Fails with a HandshakeError (without `attempts`) when there is no response; its `cause` is the runtime's error.
 * - When the signal aborts, everything is released and the promise rejects with the signal's reason; but once the head of a
 *   refusal has been read, it resolves with as much of the body as has come.
 * - One that goes on to HTTP/1.1 tells `onDowngrade` before it does: why HTTP/2 has failed, or undefined if it is known to and was not
 *   tried.
 */
export type Transport = (
  request: HandshakeRequest,
  signal: AbortSignal,
  onDowngrade?: (error: HandshakeError | undefined) => void,
) => Promise<Upgraded | Refused>
