import { type HawserError, TimeoutError } from '../errors.ts'
import type { Message } from '../protocol/message-parts.ts'
import type { PartSink } from '../protocol/message-reader.ts'
import { Protocol, type ProtocolOptions, type ProtocolParts, type ProtocolSink } from '../protocol/protocol.ts'
import { canReceive, canSend, type State } from '../protocol/states.ts'
import type { SocketTelemetry } from '../telemetry.ts'
import type { ByteSink, ByteStream } from '../transport/contracts.ts'
import { closedError, closeSent, closeTimedOut } from './closed-error.ts'
import type { Connection } from './connection.ts'
import { Inbox, type InboxOwner } from './inbox.ts'
import { KeepAlive, type KeepAliveActions } from './keep-alive.ts'
import { nextTurn } from './next-turn.ts'
import { type OutgoingActions, OutgoingMessages } from './outgoing-messages.ts'
import { PingLedger } from './ping-ledger.ts'

export interface StreamDriverOptions extends ProtocolOptions {
  /** Milliseconds; Infinity is never. */
  readonly closeTimeout: number
  readonly keepAliveInterval: number
  readonly keepAliveTimeout: number
  /** Bytes. */
  readonly highWaterMark: number
}

/** With this many bytes waiting, they leave before the turn ends. */
const FLUSH_AT = 131072
/** After the closing handshake the server should end the connection (RFC 6455 §7.1.1); some wait for the client to. */
const SERVER_ENDS_WITHIN = 250
/** After our end: for the last bytes to reach the peer, and its end to come back, before the connection is cut. */
const LINGER = 500
/** So many turns are left for what came before the end of a connection that is over. */
const LAST_TURNS = 16

/** Runs the protocol over a stream of bytes. */
export class StreamDriver implements Connection, ByteSink, ProtocolSink, OutgoingActions, InboxOwner, KeepAliveActions {
  readonly inbox: Inbox
  closeStatus: number | undefined
  closeReason = ''
  unsent = 0
  readonly #stream: ByteStream
  readonly #protocol: Protocol
  readonly #options: StreamDriverOptions
  readonly #telemetry: SocketTelemetry | undefined
  /** Most sockets send no Pings. */
  #pings: PingLedger | undefined
  readonly #keepAlive: KeepAlive
  readonly #outgoing: OutgoingMessages
  #isPaused = false
  #isResumeDue = false
  /** The peer has ended its direction, but not all that came before has been read. */
  #hasEnded = false
  #isFlushDue = false
  /** One for all turns, since there may be many. */
  #flushDue: (() => void) | undefined
  /** close() was called: nobody insists on what is still to come. */
  #isClosing = false
  /** Our Close frame is on its way to the outbox. */
  #isOutputClosing = false
  #isDropping = false
  /** Why the connection failed, once it has. */
  #failure: unknown
  /** Made for whoever asks. */
  #over: PromiseWithResolvers<void> | undefined
  #isOver = false
  #endTimer: ReturnType<typeof setTimeout> | undefined
  #closeTimer: ReturnType<typeof setTimeout> | undefined

  constructor(stream: ByteStream, parts: ProtocolParts, options: StreamDriverOptions, telemetry?: SocketTelemetry) {
    this.#stream = stream
    this.#options = options
    this.#telemetry = telemetry
    this.#protocol = new Protocol(parts, options, this)
    this.#outgoing = new OutgoingMessages(this.#protocol, options.highWaterMark, this)
    this.inbox = new Inbox(this, options.highWaterMark)
    this.#keepAlive = new KeepAlive(options.keepAliveInterval, options.keepAliveTimeout, this)
    stream.attach(this)
  }

  get state(): State {
    return this.#protocol.state
  }

  get canSend(): boolean {
    return canSend(this.state) && !this.#isOutputClosing
  }

  get bufferedAmount(): number {
    return this.#outgoing.buffered
  }

  get over(): Promise<void> {
    if (this.#over === undefined) {
      this.#over = Promise.withResolvers()
      if (this.#isOver) this.#over.resolve()
    }
    return this.#over.promise
  }

  get failure(): unknown {
    return this.#failure
  }

  send(message: Message, compress = true): Promise<void> {
    return this.#outgoing.send(message, compress)
  }

  sendStream(type: 'text' | 'binary' | undefined, compress: boolean): WritableStream<string | Uint8Array> {
    return this.#outgoing.sendStream(type, compress)
  }

  ping(payload: Uint8Array | undefined, signal: AbortSignal | undefined): Promise<number> {
    const bytes = payload ?? crypto.getRandomValues(new Uint8Array(8))
    const answered = this.#ledger.add(bytes, signal)
    this.#telemetry?.pinged(answered)
    this.#protocol.sendPing(bytes)
    this.#scheduleFlush()
    return answered
  }

  close(code: number | undefined, reason: string): Promise<void> {
    this.#isClosing = true
    this.#sendClose(code, reason)
    this.#limitClosing()
    this.#balance()
    return this.over
  }

  closeOutput(code: number | undefined, reason: string): Promise<void> {
    return closeSent(this, (onSent) => this.#sendClose(code, reason, (sent) => sent && onSent()))
  }

  abort(reason: unknown): void {
    if (this.#failure === undefined) this.#telemetry?.aborted()
    this.#cut(reason ?? closedError(this, 'The connection was aborted.'))
  }

  // What the stream tells.

  onData(bytes: Uint8Array): void {
    if (this.#failure !== undefined || !canReceive(this.state)) return
    this.#keepAlive.heard()
    if (this.#telemetry) this.#telemetry.received.bytes += bytes.length
    this.#settle(this.#protocol.receive(bytes))
  }

  onEnd(): void {
    if (this.#protocol.isHolding) this.#hasEnded = true
    else this.#takeEnd()
  }

  #takeEnd(): void {
    if (this.state === 'closed') this.#stream.end()
    else if (this.#failure !== undefined) this.#stream.destroy()
    else {
      const when = canReceive(this.state) ? 'without a Close frame' : 'before our Close frame'
      this.#cut(closedError(this, `The server ended the connection ${when}.`))
    }
  }

  onClosed(error: Error | undefined): void {
    this.#isOver = true
    this.#readRest()
    if (this.state !== 'closed') {
      this.#failure ??= closedError(this, 'The connection was lost.', error)
    }
    this.#stopTimers()
    this.#wake()
    this.#telemetry?.closed(this)
    this.#over?.resolve()
  }

  /**
   * What is held came before the end: as much as fits in a few turns is taken, though nobody may have asked for it yet.
   */
  #readRest(): void {
    for (let turn = 0; turn < LAST_TURNS && this.#protocol.isHolding && this.#failure === undefined; turn++) {
      this.#settle(this.#protocol.resume())
    }
  }

  // What the protocol tells, and asks.

  get isFull(): boolean {
    const unread = this.inbox.size + this.#protocol.pending
    const insists = canReceive(this.state) && !this.#isClosing && !this.inbox.isAwaited
    return !this.#isOver && ((insists && unread >= this.#options.highWaterMark) || this.inbox.isStreamFull)
  }

  get isAwaited(): boolean {
    return this.#isClosing || this.inbox.wantsMessage
  }

  takeStream(isText: boolean): PartSink | undefined {
    const incoming = this.#isDropping ? undefined : this.inbox.takeStream(isText)
    if (this.#telemetry && incoming) this.#telemetry.received.messages++
    return incoming
  }

  onMessage(message: Message): void {
    if (this.#telemetry) this.#telemetry.received.messages++
    // Once one is dropped, so are all that follow: what is received has no holes.
    if (this.#isClosing) this.#isDropping ||= !this.inbox.isAwaited && this.inbox.size >= this.#options.highWaterMark
    if (!this.#isDropping) this.inbox.push(message)
  }

  onPong(payload: Uint8Array): void {
    this.#pings?.answer(payload)
  }

  onClose(code: number, reason: string): void {
    this.closeStatus = code
    this.closeReason = reason
  }

  // What the messages on their way out tell, and the inbox.

  flushSoon(): void {
    this.#scheduleFlush()
  }

  completed(): void {
    if (this.#telemetry) this.#telemetry.sent.messages++
    this.#scheduleFlush()
  }

  abandoned(reason: unknown): void {
    this.#protocol.abandonMessage()
    this.#fail(closedError(this, 'A message was given up half-way.', reason))
  }

  onTaken(): void {
    if (this.#isPaused || this.inbox.isAwaited) this.#balance()
  }

  // What the keep-alive asks for.

  isPaused(): boolean {
    // After the server's Close frame nothing comes any more (RFC 6455 §5.5.1): only what leaves shows that it is there.
    return this.#isPaused || (!canReceive(this.state) && !this.isSending())
  }

  isSending(): boolean {
    return this.bufferedAmount > 0
  }

  probe(onSent: () => void): boolean {
    if (!canSend(this.state)) return false
    const asks = this.#options.keepAliveTimeout !== Infinity
    if (asks && canReceive(this.state)) this.#sendProbe(crypto.getRandomValues(new Uint8Array(8)))
    else this.#protocol.sendUnsolicitedPong()
    this.#flush((sent) => sent && onSent())
    return asks
  }

  expired(): void {
    const { keepAliveTimeout } = this.#options
    const message = `No answer within ${keepAliveTimeout} ms.`
    const cause = new TimeoutError('KEEP_ALIVE_TIMEOUT', message, keepAliveTimeout)
    this.#cut(closedError(this, 'The server is gone.', cause))
  }

  // Outbound.

  get #ledger(): PingLedger {
    this.#pings ??= new PingLedger()
    return this.#pings
  }

  #sendClose(code: number | undefined, reason: string, then?: (sent: boolean) => void): void {
    this.#isOutputClosing = true
    this.#outgoing.afterAll(() => {
      this.#protocol.sendClose(code, reason)
      this.#flush(then)
      if (this.state === 'closed') this.#awaitEnd()
    })
  }

  #scheduleFlush(): void {
    if (this.#protocol.outbox.waiting >= FLUSH_AT) {
      this.#flush()
    } else if (!this.#isFlushDue) {
      this.#isFlushDue = true
      this.#flushDue ??= () => {
        this.#isFlushDue = false
        this.#flush()
      }
      this.#stream.defer(this.#flushDue)
    }
  }

  /** Writes everything that waits, as one write; `then` is called when the stream has let go of it. */
  #flush(then?: (sent: boolean) => void): void {
    const { outbox } = this.#protocol
    if (outbox.isEmpty) {
      then?.(true)
      return
    }
    const chunks = outbox.take()
    const released = (sent: boolean) => {
      const before = outbox.buffered
      outbox.release(chunks)
      const size = before - outbox.buffered
      if (sent) this.#onSent(size)
      else this.unsent += size
      then?.(sent)
    }
    this.#stream.write(chunks, released)
  }

  #onSent(size: number): void {
    if (this.#telemetry) this.#telemetry.sent.bytes += size
    this.#keepAlive.progressed()
    if (this.#protocol.sendOwedPong()) this.#scheduleFlush()
    this.#outgoing.onSent()
  }

  // Inbound.

  /** What follows when bytes have been taken. */
  #settle(failure: HawserError | undefined): void {
    if (failure) {
      this.#fail(failure)
      return
    }
    this.inbox.deliver()
    if (!canReceive(this.state)) this.#takeEndOfMessages()
    if (!this.#protocol.outbox.isEmpty) this.#scheduleFlush()
    this.#balance()
    if (this.#hasEnded && !this.#protocol.isHolding) this.#takeEnd()
  }

  /** Stops reading when more is unread than may be, and goes on when somebody wants it. */
  #balance(): void {
    if (this.#isOver) return
    if (this.inbox.isAwaited) this.#protocol.offerStream()
    const { isFull } = this
    const isHolding = this.#protocol.isHolding
    if (isHolding && !isFull) this.#scheduleResume()
    if ((isFull || isHolding) === this.#isPaused) return
    this.#isPaused = isFull || isHolding
    if (this.#isPaused) {
      this.#stream.pause()
    } else {
      // That nothing was heard until now was our doing.
      this.#keepAlive.heard()
      this.#stream.resume()
    }
  }

  /** Goes on with what is held, in a turn of its own. */
  #scheduleResume(): void {
    const isStuck = this.#protocol.needsReceiver && !this.inbox.isAwaited && !this.#isClosing
    if (this.#isResumeDue || isStuck) return
    this.#isResumeDue = true
    nextTurn(() => {
      this.#isResumeDue = false
      if (this.#isOver || this.#failure !== undefined || this.isFull) return
      this.#settle(this.#protocol.resume())
    })
  }

  /** The peer's Close frame has come: there will be no more messages. */
  #takeEndOfMessages(): void {
    this.inbox.end()
    this.inbox.failStream(closedError(this, 'The server closed in the middle of a message.'))
    this.#pings?.fail(closedError(this, 'The server closed before it answered the Ping.'))
    if (this.state !== 'closed') return
    this.unsent += this.#outgoing.failQueue(closedError(this, 'The server closed before all was sent.'))
    this.#awaitEnd()
  }

  // The end.

  /** After both Close frames: the server ends the connection, or else we do. */
  #awaitEnd(): void {
    if (this.#isOver) return
    this.#flush()
    this.#limitClosing()
    this.#endTimer ??= setTimeout(() => this.#endFirst(), SERVER_ENDS_WITHIN)
  }

  /**
   * Ends our direction. Whoever does not end theirs soon after is not waited for, unless they still take what we sent.
   */
  #endFirst(): void {
    this.#stream.end()
    this.#endTimer = setTimeout(() => {
      if (this.bufferedAmount === 0) this.#stream.destroy()
    }, LINGER)
  }

  #limitClosing(): void {
    const { closeTimeout } = this.#options
    if (closeTimeout === Infinity || this.#isOver) return
    const cut = () => this.#cut(closeTimedOut(this, closeTimeout))
    // If it was this process that had no time, what has come meanwhile is read first.
    this.#closeTimer ??= setTimeout(nextTurn, closeTimeout, cut)
  }

  #sendProbe(payload: Uint8Array): void {
    const answered = this.#ledger.add(payload, undefined)
    this.#telemetry?.pinged(answered)
    this.#protocol.sendPing(payload)
  }

  /** The peer broke a rule: our Close frame is on its way; then the connection is cut. */
  #fail(failure: unknown): void {
    this.#failure = failure
    this.#flush()
    this.#stopTimers()
    this.#wake()
    this.#stream.end()
    this.#closeTimer = setTimeout(() => this.#stream.destroy(), LINGER)
  }

  /** Ends everything at once. */
  #cut(reason: unknown): void {
    if (this.#isOver) return
    if (this.state !== 'closed') this.#failure ??= reason
    this.#stopTimers()
    this.#wake()
    this.#stream.destroy()
  }

  /** Everyone who waits is told why it is in vain. */
  #wake(): void {
    this.unsent += this.#outgoing.waiting
    this.#protocol.end()
    if (this.state === 'aborted') this.closeStatus ??= 1006
    this.inbox.end(this.#failure)
    const reason = this.#failure ?? closedError(this, 'The connection is closed.')
    this.inbox.failStream(reason)
    this.#outgoing.fail(reason)
    this.#pings?.fail(reason)
  }

  #stopTimers(): void {
    this.#keepAlive.stop()
    clearTimeout(this.#endTimer)
    clearTimeout(this.#closeTimer)
  }
}
