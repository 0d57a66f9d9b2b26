/** `WebSocket` of the WHATWG WebSockets Standard. */
import { bytesOf } from '../arguments.ts'
import type { Established } from '../connect.ts'
import type { Connection } from '../driver/connection.ts'
import { ConnectionClosedError, type HandshakeError, type OptionsError } from '../errors.ts'
import type { Message } from '../protocol/message-parts.ts'
import { type CloseInfo, checkClose, checkProtocols, clampedShort, strings, text, urlRecord } from './arguments.ts'
import { BufferedBytes } from './buffered-bytes.ts'
import { makeEnumerable, tag } from './enumerable.ts'
import { closeEvent, type Ending, errorEvent, FiredMessageEvent, openEvent } from './events.ts'
import { type Audience, Listeners } from './listeners.ts'
import { nextTask } from './next-task.ts'
import { type Open, type OpeningOptions, opening } from './opening.ts'
import { utf8Length } from './utf8-length.ts'

const CONNECTING = 0
const OPEN = 1
const CLOSING = 2
const CLOSED = 3

/**
 * The second argument of {@link WebSocket}, if it is neither a string nor a list of them: what undici and Node take
 * there, and more.
 */
export interface WebSocketOptions extends OpeningOptions {
  /** One subprotocol, or several, the preferred one first. The server has to choose one of them. Default: none. */
  readonly protocols?: string | Iterable<string> | undefined
}

/** The `error` event, which comes before a `close` that is not clean. */
export interface WebSocketErrorEvent extends Event {
  /**
   * Why: a HandshakeError, with the response and `retriable`, or an OptionsError before `open`, or a
   * ConnectionClosedError if it was closed by then; later a ConnectionClosedError or one of its kind. Undefined in an
   * event that somebody else has dispatched.
   */
  readonly error: HandshakeError | OptionsError | ConnectionClosedError | undefined
  /** The message of `error`. */
  readonly message: string
}

/** The events by their names. */
export interface WebSocketEventMap {
  open: Event
  message: MessageEvent
  error: WebSocketErrorEvent
  close: CloseEvent
}

type Listener<E> = ((event: E) => unknown) | { handleEvent(event: E): unknown }
/** Called on the WebSocket. */
type Handler<E> = ((event: E) => unknown) | null

interface ListenerOptions {
  readonly capture?: boolean
  readonly once?: boolean
  readonly passive?: boolean
  readonly signal?: AbortSignal
}

/**
 * A WebSocket as browsers have it (WHATWG WebSockets Standard), for code that takes a WebSocket constructor.
 *
 *     const ws = new WebSocket('wss://example.com', { headers: { authorization: 'Bearer …' } })
 *     ws.onmessage = ({ data }) => console.log(data)
 *     ws.onerror = ({ error }) => console.log(error instanceof HandshakeError && error.response?.status)
 *
 * It cannot make the server wait for what a listener does: messages are fired as they come, and not kept; what
 * listeners keep has no limit. Nor can it make the sender wait: what `send` takes has none either, and whoever sends
 * much has to look at `bufferedAmount`. ClientWebSocket and WebSocketStream can do both. `maxMessageSize` limits a
 * single message.
 *
 * Messages that arrived together are fired one right after the other. What a promise does that a listener has settled
 * comes after all of them, unless listeners for messages were added or removed: then what is left waits for its own
 * task.
 */
export class WebSocket extends EventTarget {
  declare static readonly CONNECTING: 0
  declare static readonly OPEN: 1
  declare static readonly CLOSING: 2
  declare static readonly CLOSED: 3
  declare readonly CONNECTING: 0
  declare readonly OPEN: 1
  declare readonly CLOSING: 2
  declare readonly CLOSED: 3

  readonly #url: URL
  readonly #listeners = new Listeners(this)
  readonly #audience = this.#listeners.of('message')
  readonly #buffered = new BufferedBytes()
  /** Ends the handshake. */
  readonly #aborter = new AbortController()
  #readyState: 0 | 1 | 2 | 3 = CONNECTING
  #connection: Connection | undefined
  #protocol = ''
  #extensions = ''
  #binaryType: 'blob' | 'arraybuffer' = 'blob'
  /** Who listened to messages after the last one. */
  #lastListeners: Audience['listeners'] | undefined

  /**
   * Begins to connect. Fails with a SyntaxError (a DOMException) for a URL that is not ws:, wss:, http: or https: or
   * has a fragment, and for subprotocols that are not tokens or stand there twice; with an OptionsError (a TypeError)
   * for other options that cannot work.
   */
  constructor(url: string | URL, protocols: string | Iterable<string> | WebSocketOptions = []) {
    super()
    // biome-ignore lint/complexity/noArguments: Web IDL tells an argument that is missing from one that is undefined.
    requireArguments(arguments.length, 1, 'The constructor')
    this.#url = urlRecord(url)
    const { protocols: offered = [], ...options } = optionsOf(protocols)
    const list = typeof offered === 'object' && offered !== null ? strings(offered) : [text(offered)]
    this.#run(opening(this.#url, checkProtocols(list), options))
  }

  /** The URL that was given, as ws: or wss:. */
  get url(): string {
    return this.#url.href
  }

  /** CONNECTING, OPEN, CLOSING or CLOSED. */
  get readyState(): 0 | 1 | 2 | 3 {
    return this.#readyState
  }

  /**
   * Bytes of messages that were sent and not yet handed to the operating system; once closed, those that never were,
   * and never will be. Exact before any of them has left; then it may be off by a few bytes for each message.
   */
  get bufferedAmount(): number {
    const connection = this.#connection
    return this.#buffered.amount(connection === undefined ? 0 : connection.unsent || connection.bufferedAmount)
  }

  /** The subprotocol that the server chose; empty if none. */
  get protocol(): string {
    return this.#protocol
  }

  /** The extensions that the server chose, as in its Sec-WebSocket-Extensions; empty if none. */
  get extensions(): string {
    return this.#extensions
  }

  /** What the data of a binary message is. It holds for messages whose data was not looked at yet. */
  get binaryType(): 'blob' | 'arraybuffer' {
    return this.#binaryType
  }

  set binaryType(value: 'blob' | 'arraybuffer') {
    const name = `${value}`
    // Web IDL: what an enumeration does not have is not set.
    if (name === 'blob' || name === 'arraybuffer') this.#binaryType = name
  }

  /**
   * Sends a message: a string as text, bytes or a Blob as binary. Bytes are copied at once. Nothing is sent once
   * closing has begun. Fails with an InvalidStateError (a DOMException) before `open`. A Blob that cannot be read fails
   * the connection.
   */
  send(data: string | ArrayBuffer | ArrayBufferView | Blob): void {
    // biome-ignore lint/complexity/noArguments: Web IDL tells an argument that is missing from one that is undefined.
    requireArguments(arguments.length, 1, 'send')
    const message = messageOf(data)
    if (this.#readyState === CONNECTING) {
      throw new DOMException('Nothing can be sent before the WebSocket is open.', 'InvalidStateError')
    }
    const connection = this.#connection
    const size = sizeOf(message)
    if (this.#readyState !== OPEN || !connection?.canSend) this.#buffered.hold(size)
    else if (message instanceof Blob) this.#sendBlob(message, connection)
    else {
      const before = connection.bufferedAmount
      connection.send(message)
      this.#buffered.took(size, before, connection.bufferedAmount)
    }
  }

  /**
   * Closes after all that was sent before. `code` is 1000 or 3000 to 4999, else it fails with an InvalidAccessError;
   * `reason` at most 123 bytes, else it fails with a SyntaxError (both DOMExceptions).
   */
  close(code: number | undefined = undefined, reason: string | undefined = undefined): void {
    const info = checkClose(
      code === undefined ? undefined : clampedShort(code),
      reason === undefined ? '' : text(reason),
    )
    if (this.#readyState === CONNECTING) {
      this.#readyState = CLOSING
      this.#aborter.abort(new ConnectionClosedError('The WebSocket was closed before it was open.'))
    } else if (this.#readyState === OPEN) {
      this.#readyState = CLOSING
      this.#close(info)
    }
  }

  get onopen(): Handler<Event> {
    return this.#listeners.handler('open') as Handler<Event>
  }

  set onopen(value: Handler<Event>) {
    this.#listeners.setHandler('open', value)
  }

  get onmessage(): Handler<MessageEvent> {
    return this.#listeners.handler('message') as Handler<MessageEvent>
  }

  set onmessage(value: Handler<MessageEvent>) {
    this.#listeners.setHandler('message', value)
  }

  /** What is read is typed as the DOM types it, so that this class can stand for the DOM's. */
  get onerror(): Handler<Event> {
    return this.#listeners.handler('error') as Handler<Event>
  }

  set onerror(value: Handler<WebSocketErrorEvent>) {
    this.#listeners.setHandler('error', value)
  }

  get onclose(): Handler<CloseEvent> {
    return this.#listeners.handler('close') as Handler<CloseEvent>
  }

  set onclose(value: Handler<CloseEvent>) {
    this.#listeners.setHandler('close', value)
  }

  override addEventListener<K extends keyof WebSocketEventMap>(
    type: K,
    listener: Listener<WebSocketEventMap[K]> | null,
    options?: boolean | ListenerOptions,
  ): void
  override addEventListener(type: string, listener: Listener<Event> | null, options?: boolean | ListenerOptions): void
  override addEventListener(type: string, listener: unknown, options: unknown = {}): void {
    // biome-ignore lint/complexity/noArguments: as above.
    requireArguments(arguments.length, 2, 'addEventListener')
    this.#listeners.add(type, listener, options)
  }

  override removeEventListener<K extends keyof WebSocketEventMap>(
    type: K,
    listener: Listener<WebSocketEventMap[K]> | null,
    options?: boolean | ListenerOptions,
  ): void
  override removeEventListener(
    type: string,
    listener: Listener<Event> | null,
    options?: boolean | ListenerOptions,
  ): void
  override removeEventListener(type: string, listener: unknown, options: unknown = {}): void {
    // biome-ignore lint/complexity/noArguments: as above.
    requireArguments(arguments.length, 2, 'removeEventListener')
    this.#listeners.remove(type, listener, options)
  }

  override dispatchEvent(event: Event): boolean {
    return this.#listeners.dispatch(event)
  }

  /** The life of the socket: it never fails. */
  async #run(open: Open): Promise<void> {
    try {
      await open(this.#aborter.signal, (established) => this.#take(established))
    } catch (error) {
      await this.#end({ code: 1006, reason: '', wasClean: false }, error)
      return
    }
    const connection = this.#connection!
    // Whoever has waited for `open` listens before there is a message.
    await nextTask()
    await this.#receive(connection)
    if (this.#readyState === OPEN) this.#readyState = CLOSING
    await connection.over
    const { closeStatus: code = 1006, closeReason: reason, failure } = connection
    await this.#end({ code, reason, wasClean: connection.state === 'closed' }, failure)
  }

  #take({ connection, subprotocol, extensions }: Established): void {
    this.#connection = connection
    this.#protocol = subprotocol
    this.#extensions = extensions
    this.#readyState = OPEN
    this.#fire(openEvent(this.#listeners))
  }

  async #receive(connection: Connection): Promise<void> {
    try {
      for (;;) {
        const messages = await connection.inbox.receiveAll()
        if (messages === undefined) return
        for (let next = 0; next < messages.length; ) {
          const before = this.#lastListeners
          next = this.#fireMessages(messages, next)
          if (this.#lastListeners !== before) await nextTask()
        }
      }
    } catch {
      // The connection itself tells why it failed.
    }
  }

  /**
   * Fires messages until the listeners have changed since the one before: then somebody takes one message after the
   * other, as with `once`, and theirs may be the next promise to settle. Returns the index of the next message.
   */
  #fireMessages(messages: readonly Message[], from: number): number {
    const audience = this.#audience
    const arrival = { firing: this.#listeners, time: performance.now(), origin: this.#url.origin, unpack: this.#unpack }
    for (let next = from; next < messages.length; ) {
      if (this.#readyState !== OPEN || audience.listeners.length === 0) break
      this.#listeners.fire(audience, new FiredMessageEvent(arrival, messages[next++]))
      if (audience.listeners === this.#lastListeners) continue
      this.#lastListeners = audience.listeners
      return next
    }
    return messages.length
  }

  readonly #unpack = (bytes: Uint8Array): Blob | ArrayBufferLike => {
    if (this.#binaryType === 'blob') return new Blob([bytes as Uint8Array<ArrayBuffer>])
    const { buffer, length } = bytes
    return buffer.byteLength === length ? buffer : bytes.slice().buffer
  }

  /** It keeps its place among the messages, and is read when it is its turn. */
  #sendBlob(blob: Blob, connection: Connection): void {
    const { size } = blob
    this.#buffered.hold(size)
    const sent = () => {
      this.#buffered.release(size)
      this.#buffered.took(size, connection.bufferedAmount, connection.bufferedAmount)
    }
    // A message that was sent never is left out: `bufferedAmount` goes on to count it, and the connection fails.
    const lost = (cause: unknown) => {
      if (connection.failure !== undefined || connection.state === 'closed') return
      connection.abort(new ConnectionClosedError('A Blob could not be sent.', { cause }))
    }
    blob.stream().pipeTo(connection.sendStream('binary', true)).then(sent, lost)
  }

  /** The Close frame takes room, but is no message. */
  #close({ code, reason }: CloseInfo): void {
    const connection = this.#connection!
    const before = connection.bufferedAmount
    connection.close(code, reason)
    this.#buffered.took(0, before, connection.bufferedAmount)
  }

  async #end(ending: Ending, error: unknown): Promise<void> {
    await nextTask()
    this.#readyState = CLOSED
    if (!ending.wasClean) this.#fire(errorEvent(this.#listeners, error))
    this.#fire(closeEvent(this.#listeners, ending))
    this.#listeners.releaseSignals()
  }

  #fire(event: { readonly type: string }): void {
    this.#listeners.fire(this.#listeners.of(event.type), event)
  }
}

for (const [name, value] of Object.entries({ CONNECTING, OPEN, CLOSING, CLOSED })) {
  for (const owner of [WebSocket, WebSocket.prototype]) Object.defineProperty(owner, name, { value, enumerable: true })
}
const MEMBERS = ['url', 'readyState', 'bufferedAmount', 'onopen', 'onerror', 'onclose', 'extensions', 'protocol']
makeEnumerable(WebSocket.prototype, [...MEMBERS, 'close', 'onmessage', 'binaryType', 'send'])
tag(WebSocket.prototype, 'WebSocket')

export default WebSocket

function optionsOf(given: unknown): WebSocketOptions {
  if (typeof given !== 'object' || given === null) return { protocols: given as string }
  return Symbol.iterator in given ? { protocols: given as Iterable<string> } : given
}

function messageOf(data: unknown): string | Uint8Array | Blob {
  if (typeof data === 'string') return data
  return bytesOf(data) ?? (data instanceof Blob ? data : text(data))
}

function sizeOf(message: string | Uint8Array | Blob): number {
  if (typeof message === 'string') return utf8Length(message)
  return message instanceof Blob ? message.size : message.length
}

function requireArguments(count: number, least: number, what: string): void {
  if (count < least) throw new TypeError(`${what} needs ${least} ${least === 1 ? 'argument' : 'arguments'}.`)
}
