import type { Arena } from '../codec/arena.ts'
import type { Codec } from '../codec/codec.ts'
import { FINAL, Opcode } from '../codec/opcode.ts'
import { INVALID_CLOSE_CODE, INVALID_CLOSE_REASON } from '../codec/violations.ts'
import { type HawserError, MessageTooBigError, type ProtocolError } from '../errors.ts'
import { closePayload, parseClose } from './close-frame.ts'
import { type Message, type MessageLimits, MessageReader, type MessageSink, protocolError } from './message-reader.ts'
import { Outbox } from './outbox.ts'
import { canReceive, canSend, nextState, type State } from './states.ts'

/** What comes out of the protocol, in the order of the wire. */
export interface ProtocolSink {
  onMessage(message: Message): void
  onPong(payload: Uint8Array): void
  /** The peer's Close frame; code 1005 if it held none. */
  onClose(code: number, reason: string): void
}

export interface ProtocolOptions extends MessageLimits {
  /** Whether the peer's Close frame is left for the caller to answer. */
  readonly allowHalfOpen: boolean
}

/** While more than this is unsent, Pongs wait, and only the last of them is kept. */
const PONG_BACKLOG = 65536

/**
 * RFC 6455 for a client, without I/O: bytes and calls go in; messages and events go to the sink, bytes to the outbox. It
 * begins in the state open.
 */
export class Protocol implements MessageSink {
  readonly outbox: Outbox
  #state: State = 'open'
  readonly #reader: MessageReader
  readonly #codec: Codec
  readonly #allowHalfOpen: boolean
  readonly #sink: ProtocolSink
  #owedPong: Uint8Array | undefined
  #failure: HawserError | undefined

  constructor(codec: Codec, arena: Arena, nextKey: () => number, options: ProtocolOptions, sink: ProtocolSink) {
    this.#codec = codec
    this.#allowHalfOpen = options.allowHalfOpen
    this.#sink = sink
    this.outbox = new Outbox(codec, arena, nextKey)
    this.#reader = new MessageReader(codec, options, this)
  }

  get state(): State {
    return this.#state
  }

  /** Bytes of a received message that is not complete yet. */
  get pending(): number {
    return this.#reader.pending
  }

  /**
   * Takes bytes that came in. If they break a rule, the Close frame that says so is in the outbox, the state is aborted, and
   * the error is returned.
   */
  receive(bytes: Uint8Array): HawserError | undefined {
    if (!canReceive(this.#state)) return undefined
    const failure = this.#reader.push(bytes) ?? this.#failure
    if (failure) this.#fail(failure)
    return failure
  }

  /** Adds a message to the outbox. The state must allow it. */
  send(message: Message): void {
    if (typeof message === 'string') this.outbox.pushText(FINAL | Opcode.text, message)
    else this.outbox.push(FINAL | Opcode.binary, message)
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

  /** RFC 6455 §7.1.7: Fail the WebSocket Connection. */
  #fail(failure: HawserError): void {
    if (failure instanceof MessageTooBigError) this.sendClose(1009, 'The message is too big.')
    else this.sendClose((failure as ProtocolError).closeCode, failure.message)
    this.#state = nextState(this.#state, 'aborted')
    this.#reader.clear()
  }
}
