import {
  type Cancellable,
  checkBytes,
  checkClose,
  checkObject,
  checkPing,
  compressOf,
  type MessageData,
  type SendOptions,
  signalOf,
} from './arguments.ts'
import { type Established, establish } from './connect.ts'
import { closedError } from './driver/closed-error.ts'
import type { Connection } from './driver/connection.ts'
import type { MessageStream } from './driver/incoming-stream.ts'
import {
  ConnectionClosedError,
  HandshakeError,
  type HandshakeResponse,
  InvalidStateError,
  OptionsError,
} from './errors.ts'
import { withoutUserinfo } from './handshake/request.ts'
import { parseTarget } from './handshake/target-url.ts'
import { HandshakeLimit } from './handshake-limit.ts'
import type { HttpHeaders } from './http-headers.ts'
import type { ClientWebSocketOptions } from './options.ts'
import type { Message } from './protocol/message-parts.ts'
import { canSend, nextState, type State, type Transition } from './protocol/states.ts'
import { type ResolvedOptions, resolveOptions } from './resolve-options.ts'
import type { TransportName } from './transport/select.ts'

/**
 * A WebSocket client (RFC 6455).
 *
 * It is used once: `connect`, then `send` and `receive`, then `close`. Sends may overlap and go out in order; one
 * receive may wait at a time. Received messages are kept until they are read; when `highWaterMark` bytes are unread,
 * the server has to wait. Over the transport `fetch`, where it cannot be made to, the connection fails when 64 MiB are
 * unread.
 *
 *     await using ws = await connect('wss://example.com')
 *     await ws.send('hello')
 *     for await (const message of ws) console.log(message)
 */
export class ClientWebSocket implements AsyncIterable<Message>, AsyncDisposable {
  /** Until `connect` is over: a socket that is open needs none. */
  #options: ResolvedOptions | undefined
  /** The state as long as there is no connection. */
  #state: State = 'none'
  #connection: Connection | undefined
  #url = ''
  #subprotocol = ''
  #extensions = ''
  #transport: TransportName | undefined
  #httpVersion: '1.1' | '2' | undefined
  #httpStatusCode = 0
  #httpStatusText = ''
  #httpResponseHeaders: HttpHeaders | null = null
  /** While there is a handshake to end. */
  #limit: HandshakeLimit | undefined

  /** Fails with an OptionsError for options that cannot work; see {@link ClientWebSocketOptions}. */
  constructor(options: ClientWebSocketOptions = {}) {
    this.#options = resolveOptions(options)
  }

  /**
   * Makes the opening handshake.
   *
   * Fails with a HandshakeError when the server refuses or cannot be reached, with an OptionsError for a URL that is
   * not ws:, wss:, http: or https:, with an InvalidStateError on a socket that was used already, and with the signal's
   * own reason. Once the socket is open, the signal has no effect.
   */
  async connect(url: string | URL, options?: Cancellable): Promise<void> {
    if (this.state !== 'none') throw this.#invalidState('connect')
    const target = parseTarget(url)
    const signal = signalOf(options)
    // As one string: parts that are put together stay parts in memory.
    this.#url = withoutUserinfo(target).href
    this.#move('connect')
    this.#limit = new HandshakeLimit(this.#options!.handshakeTimeout, signal)
    try {
      await establish(target, this.#options!, this.#limit, (established) => this.#take(established))
    } catch (error) {
      if (error instanceof HandshakeError) this.#keepResponse(error.response)
      this.#move('refused')
      throw error
    } finally {
      this.#limit = undefined
      this.#options = undefined
    }
  }

  /** Where the socket stands in its life. */
  get state(): State {
    return this.#connection?.state ?? this.#state
  }

  /** The URL of the connection, after redirects, without userinfo; empty before `connect`. */
  get url(): string {
    return this.#url
  }

  /** The subprotocol that the server chose; empty if none. */
  get subprotocol(): string {
    return this.#subprotocol
  }

  /** The extensions that the server chose, as in its Sec-WebSocket-Extensions; empty if none. */
  get extensions(): string {
    return this.#extensions
  }

  /** What carries the connection; undefined before it is open. */
  get transport(): TransportName | undefined {
    return this.#transport
  }

  /** The HTTP version of the handshake; undefined while there was no response. */
  get httpVersion(): '1.1' | '2' | undefined {
    return this.#httpVersion
  }

  /**
   * The status of the response to the handshake: 101, or 200 over HTTP/2, when it succeeded. 0 when there was no
   * response, or when `collectHttpResponseDetails` is false. Known after failures, too.
   */
  get httpStatusCode(): number {
    return this.#httpStatusCode
  }

  /** The reason phrase of the response; empty where the HTTP client does not tell it. */
  get httpStatusText(): string {
    return this.#httpStatusText
  }

  /** The headers of the response, on success and on failure; null when there are none. Set it to null to free them. */
  get httpResponseHeaders(): HttpHeaders | null {
    return this.#httpResponseHeaders
  }

  set httpResponseHeaders(value: null) {
    if (value !== null) throw new OptionsError('httpResponseHeaders', 'httpResponseHeaders can only be set to null.')
    this.#httpResponseHeaders = null
  }

  /**
   * The code of the server's Close frame: 1005 if it held none, 1006 if the connection ended without one. Undefined
   * before.
   */
  get closeStatus(): number | undefined {
    return this.#connection?.closeStatus
  }

  /** The reason in the server's Close frame. */
  get closeStatusDescription(): string {
    return this.#connection?.closeReason ?? ''
  }

  /**
   * Bytes that were sent and not yet handed to the operating system, with the headers of their frames. Over the
   * transport `fetch` it is what the runtime tells: in many versions, 0.
   */
  get bufferedAmount(): number {
    return this.#connection?.bufferedAmount ?? 0
  }

  /**
   * Sends one message: a string or a ReadableStream of strings as text, anything else as binary. Bytes are copied at
   * once and may be changed after the call. A Blob or a ReadableStream is sent in fragments while it is read, and the
   * promise settles when all of it has been; if it fails half-way, the connection fails (see `sendStream`).
   *
   * Resolves when there is room for more: at once, or when less than `highWaterMark` bytes are unsent; always at once
   * over the transport `fetch`. That is not a receipt: only an answer of the server is. A promise that is not awaited
   * raises nothing when the connection fails. Fails with an InvalidStateError before the socket is open and after
   * `close`, with a ConnectionClosedError once it is over.
   */
  send(data: MessageData | Blob | ReadableStream<string | Uint8Array>, options?: SendOptions): Promise<void> {
    const connection = this.#connection
    if (!connection?.canSend) return quietly(this.#cannot('send'))
    try {
      const compress = compressOf(options)
      if (typeof data === 'string' || data instanceof Uint8Array) return connection.send(data, compress)
      const source = sourceOf(data)
      if (source === undefined) return connection.send(checkBytes(data, 'data'), compress)
      if (source.locked) throw new OptionsError('data', 'data is a stream that is being read.')
      return quietly(source.pipeTo(connection.sendStream(data === source ? undefined : 'binary', compress)))
    } catch (error) {
      return quietly(Promise.reject(error))
    }
  }

  /**
   * Sends one message piece by piece, as fragments (RFC 6455 §5.4), when those before it have been sent: strings for
   * `'text'`, bytes for `'binary'`. Other messages wait until it is closed; Pings and Pongs do not. Writing waits as
   * `send` does. Each piece is a fragment, of which servers take only so many (ws: 16,384 a message).
   *
   * Aborting it before the first piece sends nothing. Half-way it fails the connection (1011): what has been sent
   * cannot be taken back. Fails as `send` does; the stream fails with the connection.
   */
  sendStream(type: 'text', options?: SendOptions): WritableStream<string>
  sendStream(type: 'binary', options?: SendOptions): WritableStream<Uint8Array>
  sendStream(type: 'text' | 'binary', options?: SendOptions): WritableStream<string> | WritableStream<Uint8Array> {
    if (type !== 'text' && type !== 'binary') throw new OptionsError('type', "type must be 'text' or 'binary'.")
    const connection = this.#connection
    if (!connection?.canSend) throw this.#whyNot('sendStream')
    return connection.sendStream(type, compressOf(options))
  }

  /**
   * The next message; undefined when the server has closed and all has been read. One call may wait at a time.
   *
   * Cancelling it leaves the connection open, and loses nothing. Fails with the error that ended the connection, after
   * the messages that had come before: a ConnectionClosedError, ProtocolError or MessageTooBigError.
   */
  receive(options?: Cancellable): Promise<Message | undefined> {
    return attempt(() => {
      const signal = signalOf(options)
      return this.#connection?.inbox.receive(signal) ?? this.#cannot('receive')
    })
  }

  /**
   * The next message while it is still arriving, as soon as it has begun; undefined when the server has closed and all
   * has been read. `maxMessageSize` and `maxFragments` do not limit it, but over the transport `fetch`. The stream has
   * to be read to its end or cancelled before the next message can be received; cancelling drops the rest of the
   * message. It fails with the connection. Otherwise as `receive`.
   */
  receiveStream(options?: Cancellable): Promise<MessageStream | undefined> {
    return attempt(() => {
      const signal = signalOf(options)
      return this.#connection?.inbox.receiveStream(signal) ?? this.#cannot('receiveStream')
    })
  }

  /**
   * The messages one by one, until the server closes. Leaving the loop does not close the socket: another loop goes on
   * where it ended.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message> {
    return this.#iterate(false)
  }

  /** All messages that are there, as arrays of at least one: the fastest way to read many small ones. */
  batches(): AsyncIterableIterator<Message[]> {
    return this.#iterate(true)
  }

  /**
   * Sends a Ping and resolves to the time until its Pong, in milliseconds. `payload` is at most 125 bytes, 8 random
   * ones by default. Pings are answered by themselves. The signal ends the wait, not the connection. Fails as `send`
   * does, with an InvalidStateError once the server has closed, since no Pong would come, and with an OptionsError over
   * the transport `fetch`, which has no means for it.
   */
  ping(payload?: MessageData, options?: Cancellable): Promise<number> {
    return attempt(() => {
      const bytes = payload === undefined ? undefined : checkPing(payload)
      const signal = signalOf(options)
      signal?.throwIfAborted()
      const connection = this.#connection
      // After the server's Close frame no Pong comes any more (RFC 6455 §5.5.1).
      if (connection?.state !== 'open') return quietly(this.#cannot('ping'))
      return connection.ping(bytes, signal)
    })
  }

  /**
   * Closes: sends what was sent before, then a Close frame, and resolves when the connection has ended, at most
   * `closeTimeout` later. May be called again. It never fails because of the peer: `state` is `closed` if both Close
   * frames were exchanged, otherwise `aborted`.
   *
   * Messages that still come stay receivable, but beyond `highWaterMark` those that nobody waits for are dropped. A
   * stream of `receiveStream` can be read on until `closeTimeout`: whoever does not want the rest cancels it first. A
   * stream of `sendStream` that is still open is waited for as long, and cut then: close or abort it first.
   * `code` is 1000–1003, 1007–1014 or 3000–4999; `reason` at most 123 bytes in UTF-8 (RFC 6455 §7.4). Default: 1000.
   */
  async close(code: number = 1000, reason = ''): Promise<void> {
    checkClose(code, reason)
    if (this.#connection) return this.#connection.close(code, reason)
    // A socket that could not be opened is closed already: `finally` may say so again.
    if (this.state !== 'closed' && this.state !== 'aborted') return this.#cannot('close')
  }

  /**
   * Says that nothing more will be sent, and goes on receiving. Resolves when the Close frame has been handed to the
   * operating system, or over the transport `fetch` to the runtime. Arguments as for `close`; fails as `send` does.
   */
  closeOutput(code: number = 1000, reason = ''): Promise<void> {
    return attempt(() => {
      checkClose(code, reason)
      const connection = this.#connection
      if (!connection?.canSend) return quietly(this.#cannot('closeOutput'))
      return connection.closeOutput(code, reason)
    })
  }

  /** Ends everything at once, without a closing handshake; whatever waits fails with `reason`. Also ends `connect`. */
  abort(reason: unknown = new ConnectionClosedError('The socket was aborted.')): void {
    this.#move('aborted')
    this.#limit?.abort(reason)
    this.#connection?.abort(reason)
  }

  /** Closes an open socket, ends one that is connecting, and does nothing otherwise. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#connection) await this.#connection.close(1000, '')
    else this.abort()
  }

  /** How `console.log` of Node, Deno and Bun shows it. */
  [Symbol.for('nodejs.util.inspect.custom')](): object {
    const { state, transport, httpVersion, httpStatusCode, subprotocol, closeStatus, bufferedAmount } = this
    const url = this.url.split('?', 1)[0]
    return { state, url, transport, httpVersion, httpStatusCode, subprotocol, closeStatus, bufferedAmount }
  }

  /** An iterator over messages, or over batches of them. One that is left lets go of the message it waits for. */
  #iterate<T>(inBatches: boolean): AsyncIterableIterator<T> {
    let waiting: Promise<unknown> | undefined
    return {
      next: () => {
        const inbox = this.#connection?.inbox
        if (!inbox) return this.#cannot('receive')
        const taken = inBatches ? undefined : inbox.poll()
        if (taken !== undefined) {
          // It holds the message that it was for.
          waiting = undefined
          return Promise.resolve(resultOf(taken as T))
        }
        const { isAwaited } = inbox
        const next = inBatches ? inbox.receiveAll() : inbox.receive()
        // A second one at the same time fails, and the first goes on to wait.
        if (!isAwaited) waiting = next
        return (next as Promise<T | undefined>).then(resultOf)
      },
      return: async (value?: unknown) => {
        if (waiting) this.#connection?.inbox.withdraw(waiting)
        return { done: true, value }
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }

  #move(transition: Transition): void {
    this.#state = nextState(this.#state, transition)
  }

  #take({ connection, response, url, subprotocol, extensions, transport }: Established): void {
    this.#connection = connection
    this.#move('opened')
    this.#url = withoutUserinfo(url).href
    this.#subprotocol = subprotocol
    this.#extensions = extensions
    this.#transport = transport
    this.#keepResponse(response)
  }

  #keepResponse(response: HandshakeResponse | undefined): void {
    this.#httpVersion = response?.httpVersion
    if (!response || !this.#options!.collectHttpResponseDetails) return
    this.#httpStatusCode = response.status
    this.#httpStatusText = response.statusText
    this.#httpResponseHeaders = response.headers
  }

  #cannot(call: string): Promise<never> {
    return Promise.reject(this.#whyNot(call))
  }

  /** Why a call cannot be done in this state. */
  #whyNot(call: string): Error {
    const { state, closeStatus } = this
    const connection = this.#connection
    if (connection?.canSend === false && canSend(state)) {
      return new InvalidStateError(`Cannot ${call}: the socket is being closed.`, state)
    }
    if (!connection || connection.canSend || closeStatus === undefined || state === 'close-sent') {
      return this.#invalidState(call)
    }
    return closedError(connection, `Cannot ${call}: the connection is over (${closeStatus}).`)
  }

  #invalidState(call: string): InvalidStateError {
    return new InvalidStateError(`Cannot ${call} in the state ${this.state}.`, this.state)
  }
}

/**
 * Opens a WebSocket: `new ClientWebSocket(options)` and its `connect` in one.
 *
 * @see {@link ClientWebSocketOptions} for the options, {@link ClientWebSocket.connect} for the errors
 */
export async function connect(
  url: string | URL,
  options: ClientWebSocketOptions & Cancellable = {},
): Promise<ClientWebSocket> {
  checkObject(options, 'options')
  const { signal: _, ...others } = options
  const signal = signalOf(options, options)
  const socket = new ClientWebSocket(others)
  await socket.connect(url, { signal })
  return socket
}

function resultOf<T>(value: T | undefined): IteratorResult<T> {
  return { done: value === undefined, value } as IteratorResult<T>
}

/** What `call` gives, itself: an async function would give another promise, which nobody has made quiet. */
function attempt<T>(call: () => Promise<T>): Promise<T> {
  try {
    return call()
  } catch (error) {
    return Promise.reject(error)
  }
}

/** A promise whose failure nobody has to look at. */
function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

/** What comes piece by piece, as a stream of its pieces. */
function sourceOf(data: unknown): ReadableStream<string | Uint8Array> | undefined {
  if (data instanceof Blob) return data.stream()
  return data instanceof ReadableStream ? data : undefined
}
