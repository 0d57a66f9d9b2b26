import type { Arena } from '../codec/arena.ts'
import type { Codec } from '../codec/codec.ts'
import { FINAL, Opcode } from '../codec/opcode.ts'
import { INVALID_CLOSE_CODE, INVALID_CLOSE_REASON } from '../codec/violations.ts'
import { type HawserError, MessageTooBigError, type ProtocolError } from '../errors.ts'
import { closePayload, parseClose } from './close-frame.ts'
import type { Message } from './message-parts.ts'
import {
  type MessageInflater,
  type MessageLimits,
  MessageReader,
  type MessageSink,
  type PartSink,
  protocolError,
} from './message-reader.ts'
import { type MessageDeflater, MessageWriter } from './message-writer.ts'
import { Outbox } from './outbox.ts'
import { canReceive, canSend, nextState, type State } from './states.ts'

/** What comes out of the protocol, in the order of the wire. */
export interface ProtocolSink extends Omit<MessageSink, 'onControl'> {
  onPong(payload: Uint8Array): void
  /** The peer's Close frame; code 1005 if it held none. */
  onClose(code: number, reason: string): void
}

export interface ProtocolOptions extends MessageLimits {
  /** Whether the peer's Close frame is left for the caller to answer. */
  readonly allowHalfOpen: boolean
}

/** permessage-deflate as it was agreed (RFC 7692). */
export interface Compression {
  readonly inflater: MessageInflater
  /** Undefined when the server allows a window only that we cannot make. */
  readonly deflater: MessageDeflater | undefined
  /** The size from which on messages are compressed, in bytes. */
  readonly threshold: number
  /** The connection is over. */
  close(): void
}

/** What a connection's protocol works with. */
export interface ProtocolParts {
  readonly codec: Codec
  readonly arena: Arena
  readonly nextKey: () => number
  readonly compression?: Compression | undefined
}

/** While more than this is unsent, Pongs wait, and only the last of them is kept. */
const PONG_BACKLOG = 65536

/**
 * RFC 6455 for a client, without I/O: bytes and calls go in; messages and events go to the sink, bytes to the outbox.
 * It begins in the state open.
 */
export class Protocol implements MessageSink {
  readonly outbox: Outbox
  readonly writer: MessageWriter
  #state: State = 'open'
  readonly #reader: MessageReader
  readonly #codec: Codec
  readonly #allowHalfOpen: boolean
  readonly #compression: Compression | undefined
  readonly #sink: ProtocolSink
  #owedPong: Uint8Array | undefined
  #failure: HawserError | undefined

  constructor({ codec, arena, nextKey, compression }: ProtocolParts, options: ProtocolOptions, sink: ProtocolSink) {
    this.#codec = codec
    this.#allowHalfOpen = options.allowHalfOpen
    this.#compression = compression
    this.#sink = sink
    this.outbox = new Outbox(codec, arena, nextKey)
    this.writer = new MessageWriter(this.outbox, compression?.deflater, compression?.threshold ?? 0)
    this.#reader = new MessageReader(codec, options, this, compression?.inflater)
  }

  get state(): State {
    return this.#state
  }

  /** Bytes of a received message that is not complete yet. */
  get pending(): number {
    return this.#reader.pending
  }

  /**
   * Whether bytes that came in are held until `resume`: because the sink is full, or because it is the turn of others.
   */
  get isHolding(): boolean {
    return this.#reader.isHolding
  }

  /** Whether a message is held that is too big, unless somebody wants it as a stream. */
  get needsReceiver(): boolean {
    return this.#reader.needsReceiver
  }

  get isFull(): boolean {
    return this.#sink.isFull
  }

  get isAwaited(): boolean {
    return this.#sink.isAwaited
  }

  /**
   * Takes bytes that came in. If they break a rule, the Close frame that says so is in the outbox, the state is
   * aborted, and the error is returned.
   */
  receive(bytes: Uint8Array): HawserError | undefined {
    if (!canReceive(this.#state)) return undefined
    return this.#judge(this.#reader.push(bytes))
  }

  /** Goes on with what is held. Has a turn of its own: not to be called while bytes are being taken. */
  resume(): HawserError | undefined {
    if (!canReceive(this.#state)) return undefined
    return this.#judge(this.#reader.resume())
  }

  /** Somebody begins to want messages piece by piece. */
  offerStream(): void {
    this.#reader.offerStream()
  }

  /** Adds a message to the outbox. The state must allow it. */
  send(message: Message, compress = true): void {
    this.writer.write(message, compress)
  }

  /**
   * Fails the connection since a message of ours cannot be completed; the Close frame that says so is in the outbox.
   */
  abandonMessage(): void {
    this.sendClose(1011, 'The message was not completed.')
    this.#state = nextState(this.#state, 'aborted')
    this.#reader.clear()
  }

  /** Adds a Ping of at most 125 bytes. */
  sendPing(payload: Uint8Array): void {
    this.outbox.push(FINAL | Opcode.ping, payload)
  }

  /** Adds a Pong that nobody asked for: a heartbeat that wants no answer (RFC 6455 §5.5.3). */
  sendUnsolicitedPong(): void {
    this.outbox.push(FINAL | Opcode.pong, new Uint8Array(0))
  }

  /** Adds our Close frame, if it was not sent yet. Without a code it has no payload (RFC 6455 §5.5.1). */
  sendClose(code?: number, reason = ''): void {
    if (!canSend(this.#state)) return
    this.outbox.push(FINAL | Opcode.close, closePayload(code, reason))
    this.#state = nextState(this.#state, 'close-sent')
  }

  /** The connection is over, in whatever way. What was received or waited to be sent is dropped. */
  end(): void {
    this.#state = nextState(this.#state, 'aborted')
    this.#reader.clear()
    this.outbox.clear()
    this.#compression?.close()
  }

  /** Sends the Pong that waited for the outbox to become shorter; true if there was one. */
  sendOwedPong(): boolean {
    const payload = this.#owedPong
    if (!payload || this.outbox.buffered > PONG_BACKLOG) return false
    this.#owedPong = undefined
    this.#answerPing(payload)
    return true
  }

  onMessage(message: Message): void {
    this.#sink.onMessage(message)
  }

  takeStream(isText: boolean): PartSink | undefined {
    return this.#sink.takeStream(isText)
  }

  onControl(opcode: number, payload: Uint8Array): void {
    if (opcode === Opcode.ping) this.#answerPing(payload)
    else if (opcode === Opcode.pong) this.#sink.onPong(payload)
    else this.#takeClose(payload)
  }

  /** RFC 6455 §5.5.3: of several Pings, answering the last is enough. */
  #answerPing(payload: Uint8Array): void {
    if (!canSend(this.#state)) return
    if (this.outbox.buffered > PONG_BACKLOG) this.#owedPong = payload
    else this.outbox.push(FINAL | Opcode.pong, payload)
  }

  #takeClose(payload: Uint8Array): void {
    const close = parseClose(payload)
    if (close.code !== undefined && !this.#codec.isValidCloseCode(close.code)) {
      this.#failure = protocolError(INVALID_CLOSE_CODE)
    } else if (close.reason === undefined) {
      this.#failure = protocolError(INVALID_CLOSE_REASON)
    } else {
      this.#state = nextState(this.#state, 'close-received')
      // RFC 6455 §5.5.1: the answer carries the code that it answers.
      if (!this.#allowHalfOpen) this.sendClose(close.code)
      this.#sink.onClose(close.code ?? 1005, close.reason)
    }
  }

  #judge(failure = this.#failure): HawserError | undefined {
    if (failure) this.#fail(failure)
    return failure
  }

  /** RFC 6455 §7.1.7: Fail the WebSocket Connection. */
  #fail(failure: HawserError): void {
    if (failure instanceof MessageTooBigError) this.sendClose(1009, 'The message is too big.')
    else this.sendClose((failure as ProtocolError).closeCode, failure.message)
    this.#state = nextState(this.#state, 'aborted')
    this.#reader.clear()
  }
}
