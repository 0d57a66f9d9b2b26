import { isValidCloseCode } from '../codec/close-code.ts'
import { concatenated } from '../concatenated.ts'
import { HawserError, MessageTooBigError, OptionsError, ProtocolError } from '../errors.ts'
import type { Message } from '../protocol/message-parts.ts'
import { canReceive, canSend, nextState, type State } from '../protocol/states.ts'
import type { SocketTelemetry } from '../telemetry.ts'
import type { MessageSocket, MessageSocketSink } from '../transport/contracts.ts'
import { closedError, closeSent, closeTimedOut } from './closed-error.ts'
import type { Connection } from './connection.ts'
import { Inbox, type InboxOwner } from './inbox.ts'
import { OutgoingQueue } from './outgoing-queue.ts'
import { OutgoingStream } from './outgoing-stream.ts'

export interface MessageDriverOptions {
  /** Milliseconds; Infinity is never. */
  readonly closeTimeout: number
  /** Bytes. */
  readonly maxMessageSize: number
  readonly highWaterMark: number
  /** Whether the peer's Close frame is left for the caller to answer. */
  readonly allowHalfOpen: boolean
}

/**
 * Bytes of memory that may be unread before the connection is failed, since the peer cannot be made to wait: half of
 * what a Worker has. A message that is there alone is kept, so that `maxMessageSize` need not count.
 */
const UNREAD_LIMIT = 64 * 1024 * 1024
/** Text that is not Latin-1 takes two bytes for each unit. */
const UNIT_BYTES = 2
/** After our Close frame in a failure: for it to leave, before the connection is cut. */
const LINGER = 500
/** A message that is sent piece by piece is collected: the runtime sends no fragments. */
const COLLECT_LIMIT = 32 * 1024 * 1024
const TOO_LARGE = `Over the fetch transport a message has at most ${COLLECT_LIMIT} bytes: connect with transport: 'tcp'.`
const POLICY_VIOLATION = 1008
const READY = Promise.resolve()

/** A connection over a socket that frames by itself. */
export class MessageDriver implements Connection, InboxOwner, MessageSocketSink {
  readonly inbox: Inbox
  closeStatus: number | undefined
  closeReason = ''
  unsent = 0
  #state: State = 'open'
  readonly #socket: MessageSocket
  readonly #options: MessageDriverOptions
  readonly #telemetry: SocketTelemetry | undefined
  readonly #queue = new OutgoingQueue()
  /** Bytes of a message that is written piece by piece, until it is complete. */
  #collected = 0
  /** Our Close frame has gone, or waits for the messages before it. */
  #isOutputClosing = false
  /** close() was called: nobody insists on what is still to come. */
  #isClosing = false
  #isDropping = false
  /** Why the connection failed, once it has. */
  #failure: unknown
  readonly #over = Promise.withResolvers<void>()
  #isOver = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(socket: MessageSocket, options: MessageDriverOptions, telemetry?: SocketTelemetry) {
    this.#socket = socket
    this.#options = options
    this.#telemetry = telemetry
    this.inbox = new Inbox(this, options.highWaterMark, UNIT_BYTES)
    socket.attach(this)
  }

  get state(): State {
    return this.#state
  }

  get bufferedAmount(): number {
    return this.#isOver ? 0 : this.#socket.bufferedAmount + this.#queue.size + this.#collected
  }

  get over(): Promise<void> {
    return this.#over.promise
  }

  get failure(): unknown {
    return this.#failure
  }

  get canSend(): boolean {
    return canSend(this.#state) && !this.#isOutputClosing
  }

  /** Never waits for the network: when what was sent has left is not told. */
  send(message: Message): Promise<void> {
    if (this.#queue.isEmpty) return this.#sendNow(message)
    const isText = typeof message === 'string'
    const copy = isText ? message : new Uint8Array(message)
    const size = isText ? new TextEncoder().encode(message).length : message.length
    this.#whenItsTurn(size, () => this.#sendNow(copy))
    return READY
  }

  sendStream(type: 'text' | 'binary' | undefined): WritableStream<string | Uint8Array> {
    const pieces: Uint8Array[] = []
    let size = 0
    const outgoing = new OutgoingStream(type, {
      write: (piece) => {
        if (size + piece.length > COLLECT_LIMIT) return rejected(new OptionsError('piece', TOO_LARGE))
        size += piece.length
        this.#collected += piece.length
        pieces.push(new Uint8Array(piece))
        return READY
      },
      end: (isText) => {
        this.#collected -= size
        const bytes = concatenated(pieces)
        this.#sendNow(isText ? new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes) : bytes)
      },
      // Nothing of it has been sent.
      abandon: () => {
        this.#collected -= size
      },
    })
    this.#queue.add(outgoing)
    return outgoing.stream
  }

  ping(): Promise<number> {
    const message = "Over the fetch transport there are no Pings: connect with transport: 'tcp'."
    return rejected(new OptionsError('transport', message))
  }

  close(code: number | undefined, reason: string): Promise<void> {
    this.#isClosing = true
    this.#sendClose(code, reason)
    this.#limitClosing()
    return this.#over.promise
  }

  closeOutput(code: number | undefined, reason: string): Promise<void> {
    return closeSent(this, (onSent) => this.#sendClose(code, reason, onSent))
  }

  abort(reason: unknown): void {
    if (this.#failure === undefined) this.#telemetry?.aborted()
    this.#cut(reason ?? closedError(this, 'The connection was aborted.'))
  }

  // What the socket tells.

  onMessage(message: Message): void {
    if (this.#failure !== undefined || !canReceive(this.#state)) return
    if (this.#telemetry) this.#telemetry.received.messages++
    const { maxMessageSize } = this.#options
    if (isLongerThan(message, maxMessageSize)) {
      const text = `A message of the server is larger than maxMessageSize (${maxMessageSize} bytes).`
      this.#fail(new MessageTooBigError(text, maxMessageSize), 1009, 'The message is too big.')
      return
    }
    // Once one is dropped, so are all that follow: what is received has no holes.
    this.#isDropping ||= this.#isClosing && !this.inbox.isAwaited && this.inbox.size >= this.#options.highWaterMark
    if (this.#isDropping) return
    const wasEmpty = this.inbox.size === 0
    this.inbox.push(message)
    this.inbox.deliver()
    if (!wasEmpty && this.inbox.size > UNREAD_LIMIT) this.#failUnread()
  }

  onClose(code: number, reason: string): void {
    if (this.#failure !== undefined) {
      this.#finish()
    } else if (code !== 1005 && !isValidCloseCode(code)) {
      const message = 'A Close frame has a code that may not be sent (§7.4).'
      this.#fail(new ProtocolError('invalid-close-code', 1002, message), 1002, message)
    } else {
      this.#takeClose(code, reason)
    }
  }

  onLost(error: Error | undefined): void {
    const lost = error instanceof HawserError ? error : closedError(this, 'The connection was lost.', error)
    if (this.#state !== 'closed') this.#failure ??= lost
    this.#finish()
  }

  /** The peer cannot be made to wait, nor does it. */
  onTaken(): void {}

  // Outbound.

  #sendNow(message: Message): Promise<void> {
    try {
      this.#socket.send(message)
      if (this.#telemetry) this.#telemetry.sent.messages++
      return READY
    } catch (cause) {
      this.#cut(closedError(this, 'The connection was lost.', cause))
      return rejected(this.#failure)
    }
  }

  #whenItsTurn(size: number, action: () => void): void {
    const start = (done: () => void) => {
      action()
      done()
    }
    this.#queue.add({ size, start, fail: () => {} })
  }

  // Closing.

  #sendClose(code: number | undefined, reason: string, onSent?: () => void): void {
    this.#isOutputClosing = true
    this.#whenItsTurn(0, () => {
      if (!canSend(this.#state)) return
      this.#state = nextState(this.#state, 'close-sent')
      this.#socket.close(code, reason)
      onSent?.()
      if (this.#state === 'closed') this.#finish()
    })
  }

  #takeClose(code: number, reason: string): void {
    this.closeStatus = code
    this.closeReason = reason
    this.#state = nextState(this.#state, 'close-received')
    this.inbox.end()
    if (!this.#options.allowHalfOpen) {
      this.unsent = this.#collected + this.#queue.fail(closedError(this, 'The server closed before all was sent.'))
      // RFC 6455 §5.5.1: the answer carries the code that it answers.
      this.#sendClose(code === 1005 ? undefined : code, '')
    }
    if (this.#state === 'closed') this.#finish()
  }

  #limitClosing(): void {
    const { closeTimeout } = this.#options
    if (closeTimeout === Infinity || this.#isOver) return
    this.#timer ??= setTimeout(() => this.#cut(closeTimedOut(this, closeTimeout)), closeTimeout)
  }

  // The end.

  #failUnread(): void {
    const message = `More than ${UNREAD_LIMIT} bytes came that were not read. Read faster, or connect with transport: 'tcp'.`
    this.#fail(closedError(this, message), POLICY_VIOLATION, 'Messages come faster than they are read.')
  }

  /** The connection cannot go on: our Close frame says why; then it is cut. */
  #fail(failure: HawserError, code: number, reason: string): void {
    this.#failure = failure
    if (canSend(this.#state)) this.#socket.close(code, reason)
    this.#wake()
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#terminate(), LINGER)
  }

  /** Ends everything at once. */
  #cut(reason: unknown): void {
    if (this.#isOver) return
    this.#failure ??= reason
    this.#terminate()
  }

  #terminate(): void {
    this.#socket.terminate()
    this.#finish()
  }

  #finish(): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#wake()
    this.#telemetry?.closed(this)
    this.#over.resolve()
  }

  /** Everyone who waits is told why it is in vain. */
  #wake(): void {
    this.#state = nextState(this.#state, 'aborted')
    // After a failure it has been counted already.
    this.unsent ||= this.#queue.size + this.#collected
    if (this.#state === 'aborted') this.closeStatus ??= 1006
    this.inbox.end(this.#failure)
    this.#queue.fail(this.#failure ?? closedError(this, 'The connection is closed.'))
  }
}

/** Whether a message has more bytes than `limit`, as text in UTF-8. */
function isLongerThan(message: Message, limit: number): boolean {
  if (message.length > limit) return true
  // A UTF-16 unit takes at most three bytes.
  if (typeof message !== 'string' || message.length * 3 <= limit) return false
  return new TextEncoder().encode(message).length > limit
}

/** A failure that nobody has to look at. */
function rejected(error: unknown): Promise<never> {
  const promise = Promise.reject(error)
  promise.catch(() => {})
  return promise
}
