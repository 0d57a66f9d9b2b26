/**
 * `hawser/frame`: the frames and the protocol of RFC 6455 for a client, without I/O, for those who bring their own
 * connection and their own handshake. Bytes and calls go in, events and bytes come out; it never waits, writes, or
 * reads a clock.
 *
 *     const protocol = new FrameProtocol()
 *     socket.on('data', (bytes) => {
 *       for (const event of protocol.receive(bytes)) if (event.type === 'message') console.log(event.data)
 *       socket.write(protocol.output())
 *     })
 *     protocol.send('hello')
 *     socket.write(protocol.output())
 */
import { loadCodec } from '#codec'
import {
  boolean,
  bytesOf,
  checkBytes,
  checkClose,
  checkNames,
  checkObject,
  checkPing,
  type MessageData,
} from './arguments.ts'
import { FINAL, Opcode, RSV1 } from './codec/opcode.ts'
import { concatenated } from './concatenated.ts'
import { type HawserError, InvalidStateError, OptionsError } from './errors.ts'
import type { Message } from './protocol/message-parts.ts'
import { Outbox } from './protocol/outbox.ts'
import { Protocol } from './protocol/protocol.ts'
import { canSend, type State } from './protocol/states.ts'
import { randomWord } from './random-words.ts'
import { resolveOptions } from './resolve-options.ts'

export {
  ConnectionClosedError,
  HawserError,
  InvalidStateError,
  MessageTooBigError,
  OptionsError,
  ProtocolError,
} from './errors.ts'
export type { Message, MessageData, State }
export { Opcode }

/** The parts of a frame's first byte (RFC 6455 §5.2). */
export interface FrameOptions {
  /** Whether it is the last of its message. Default: true. */
  readonly fin?: boolean
  /** The bit that permessage-deflate gives a meaning to. Default: false. */
  readonly rsv1?: boolean
}

const FRAME_NAMES: Readonly<Record<keyof FrameOptions, true>> = { fin: true, rsv1: true }

/**
 * A masked frame, as a client sends it (RFC 6455 §5.2). The masking key is unpredictable. Whether the frame has its
 * place there is not judged. Fails with an OptionsError for an opcode that is not 0 to 15, for a payload that is not bytes,
 * and for options that cannot be used.
 */
export function encodeFrame(
  opcode: number,
  payload: Exclude<MessageData, string>,
  options: FrameOptions = {},
): Uint8Array {
  checkObject(options, 'options')
  checkNames('', options, FRAME_NAMES)
  const fin = boolean('fin', options.fin, true)
  const rsv1 = boolean('rsv1', options.rsv1, false)
  if (!Number.isInteger(opcode) || opcode < 0 || opcode > 15) {
    throw new OptionsError('opcode', 'opcode must be a whole number from 0 to 15.')
  }
  const { codec, arena } = loadCodec()
  const outbox = new Outbox(codec, arena, randomWord)
  outbox.push((fin ? FINAL : 0) | (rsv1 ? RSV1 : 0) | opcode, checkOnlyBytes(payload, 'payload'))
  return taken(outbox)
}

/** What came in, in the order of the wire. */
export type ProtocolEvent =
  | { readonly type: 'message'; readonly data: Message }
  | { readonly type: 'pong'; readonly payload: Uint8Array }
  /** The server's Close frame; the code is 1005 if it held none. */
  | { readonly type: 'close'; readonly code: number; readonly reason: string }
  /** The server broke a rule; the Close frame that says so is in the output, and nothing more is read. */
  | { readonly type: 'error'; readonly error: HawserError }

/** How a {@link FrameProtocol} judges what comes in. */
export interface FrameProtocolOptions {
  /**
   * The largest message, in bytes, at most 536,870,888; a larger one is an `error` event, and 1009. Default: 64 MiB.
   */
  readonly maxMessageSize?: number
  /** The most fragments that a message may have; more are treated as too many bytes are. Default: 131,072. */
  readonly maxFragments?: number
  /**
   * Whether the peer's Close frame is left to be answered by `close`. Otherwise it is answered at once. Default: false.
   */
  readonly allowHalfOpen?: boolean
}

const OPTION_NAMES: Readonly<Record<keyof FrameProtocolOptions, true>> = {
  maxMessageSize: true,
  maxFragments: true,
  allowHalfOpen: true,
}

/** One connection, from the end of its handshake. It begins in the state `open`. Pings are answered by themselves. */
export class FrameProtocol {
  #events: ProtocolEvent[] = []
  readonly #protocol: Protocol

  /** Fails with an OptionsError for options that cannot be used, or that are those of a whole client. */
  constructor(options: FrameProtocolOptions = {}) {
    checkObject(options, 'options')
    checkNames('', options, OPTION_NAMES)
    this.#protocol = new Protocol({ ...loadCodec(), nextKey: randomWord }, resolveOptions(options), {
      isFull: false,
      isAwaited: true,
      takeStream: () => undefined,
      onMessage: (data) => this.#events.push({ type: 'message', data }),
      onPong: (payload) => this.#events.push({ type: 'pong', payload }),
      onClose: (code, reason) => this.#events.push({ type: 'close', code, reason }),
    })
  }

  get state(): State {
    return this.#protocol.state
  }

  /** Takes bytes that came in, cut anywhere, and tells what they complete. They may be reused afterwards. */
  receive(bytes: Exclude<MessageData, string>): ProtocolEvent[] {
    const error = this.#protocol.receive(checkOnlyBytes(bytes, 'bytes'))
    if (error) this.#events.push({ type: 'error', error })
    const events = this.#events
    this.#events = []
    return events
  }

  /** Adds a message to the output. Fails with an InvalidStateError after `close`. */
  send(data: MessageData): void {
    this.#check('send')
    this.#protocol.send(typeof data === 'string' ? data : checkBytes(data, 'data'))
  }

  /** Adds a Ping of at most 125 bytes. */
  ping(payload: MessageData = ''): void {
    this.#check('ping')
    this.#protocol.sendPing(checkPing(payload))
  }

  /** Adds a Close frame; a second one is none. Codes and reasons as for `ClientWebSocket.close`. */
  close(code = 1000, reason = ''): void {
    checkClose(code, reason)
    this.#protocol.sendClose(code, reason)
  }

  /** The bytes to write, since the last call; empty if there are none. They are the caller's. */
  output(): Uint8Array {
    const protocol = this.#protocol
    const bytes = taken(protocol.outbox)
    // A Pong that was held back behind many bytes has its turn now.
    return protocol.sendOwedPong() ? concatenated([bytes, taken(protocol.outbox)]) : bytes
  }

  /** The connection is over: frees what it holds. */
  end(): void {
    this.#protocol.end()
  }

  #check(call: string): void {
    if (canSend(this.state)) return
    throw new InvalidStateError(`Cannot ${call} in the state ${this.state}.`, this.state)
  }
}

/** Bytes, where a string would be a mistake. */
function checkOnlyBytes(data: unknown, name: string): Uint8Array {
  const bytes = bytesOf(data)
  if (bytes) return bytes
  throw new OptionsError(name, `${name} must be an ArrayBuffer or a view of one.`)
}

/** Everything in an outbox, copied out of the memory that all share. */
function taken(outbox: Outbox): Uint8Array {
  const chunks = outbox.take()
  const bytes = concatenated(chunks)
  outbox.release(chunks)
  return bytes
}
