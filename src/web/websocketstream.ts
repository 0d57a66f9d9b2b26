/** `WebSocketStream` of the WHATWG WebSockets Standard, as it is proposed (whatwg/websockets#48). */
import { bytesOf } from '../arguments.ts'
import type { Established } from '../connect.ts'
import type { Connection } from '../driver/connection.ts'
import type { Message } from '../protocol/message-parts.ts'
import { type CloseInfo, checkProtocols, strings, text, urlRecord } from './arguments.ts'
import { makeEnumerable, tag } from './enumerable.ts'
import { type Open, type OpeningOptions, opening } from './opening.ts'
import { closeInfoOf, endedWith, neverOpened, type WebSocketCloseInfo, WebSocketError } from './websocketerror.ts'

export { type WebSocketCloseInfo, WebSocketError }

/** The options of {@link WebSocketStream}. */
export interface WebSocketStreamOptions extends OpeningOptions {
  /** Subprotocols, the preferred one first. The server has to choose one of them. Default: none. */
  readonly protocols?: Iterable<string> | undefined
  /** Ends the handshake: `opened` and `closed` reject with its reason. Once it is open, the signal has no effect. */
  readonly signal?: AbortSignal | undefined
}

/** What an open WebSocketStream has. */
export interface WebSocketOpenInfo {
  /** Messages: a string is text, bytes are binary. As long as nobody reads, the server has to wait. */
  readonly readable: ReadableStream<Message>
  /**
   * Takes messages: bytes are sent as binary, anything else as text. A write resolves when there is room for more.
   * Closing it closes the WebSocketStream, and resolves when that is done.
   */
  readonly writable: WritableStream<Message | ArrayBufferLike | ArrayBufferView>
  /** As in Sec-WebSocket-Extensions; empty if there are none. */
  readonly extensions: string
  /** The subprotocol that the server chose; empty if none. */
  readonly protocol: string
}

/** What the server's Close frame said. */
export interface WebSocketEnd {
  /** 1005 if it held none. */
  readonly closeCode: number
  readonly reason: string
}

/**
 * A WebSocket as a pair of streams, with back-pressure in both directions.
 *
 *     const stream = new WebSocketStream('wss://example.com', { signal: AbortSignal.timeout(5000) })
 *     const { readable, writable } = await stream.opened
 *     for await (const message of readable) console.log(message)
 *
 * `opened` and `closed` may be left alone: what they reject with is nobody's duty to look at.
 */
export class WebSocketStream {
  readonly #url: URL
  readonly #opened = Promise.withResolvers<WebSocketOpenInfo>()
  readonly #closed = Promise.withResolvers<WebSocketEnd>()
  readonly #aborter = new AbortController()
  #connection: Connection | undefined
  #readable: ReadableStreamDefaultController<Message> | undefined
  #writable: WritableStreamDefaultController | undefined
  /** Whether closing began on our side: messages that still come are nobody's. */
  #isClosing = false
  #failure: WebSocketError | undefined

  /**
   * Begins to connect. Fails with a SyntaxError (a DOMException) for a URL that is not ws:, wss:, http: or https: or
   * has a fragment, and for subprotocols that are not tokens or stand there twice; with an OptionsError (a TypeError)
   * for other options that cannot work.
   */
  constructor(url: string | URL, options: WebSocketStreamOptions | null = {}) {
    // biome-ignore lint/complexity/noArguments: Web IDL tells an argument that is missing from one that is undefined.
    if (arguments.length === 0) throw new TypeError('The constructor needs an argument.')
    if (typeof options !== 'object') throw new TypeError('The options have to be an object.')
    const { protocols = [], signal, ...others } = options ?? {}
    if (typeof protocols !== 'object' || protocols === null) throw new TypeError('protocols has to be a sequence.')
    if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError('signal is not an AbortSignal.')
    this.#url = urlRecord(url)
    const open = opening(this.#url, checkProtocols(strings(protocols)), others)
    this.#opened.promise.catch(() => {})
    this.#closed.promise.catch(() => {})
    const signals = signal === undefined ? this.#aborter.signal : AbortSignal.any([signal, this.#aborter.signal])
    this.#run(open, signals)
  }

  /** The URL that was given, as ws: or wss:. */
  get url(): string {
    return this.#url.href
  }

  /**
   * Resolves when the handshake has succeeded. When it has not, rejects with a WebSocketError that is a HandshakeError
   * as well: with `response` and `retriable`.
   */
  get opened(): Promise<WebSocketOpenInfo> {
    return this.#opened.promise
  }

  /**
   * Resolves to the code and reason of the server's Close frame when the connection has ended by a closing handshake.
   * Rejects with a WebSocketError when it has ended in another way, and as `opened` does when there never was one.
   */
  get closed(): Promise<WebSocketEnd> {
    return this.#closed.promise
  }

  /**
   * Closes after the messages that the writable has passed on. What still waits in its queue is not sent, though its
   * writes resolve, as the standard has it: to send all of it, close the writable. Fails with an InvalidAccessError or
   * a SyntaxError (DOMExceptions) for a code or a reason that one may not close with. Messages that were not read yet
   * are dropped.
   */
  close(info: WebSocketCloseInfo | null = {}): void {
    this.#close(closeInfoOf(info))
  }

  /** The life of the stream: it never fails. */
  async #run(open: Open, signal: AbortSignal): Promise<void> {
    try {
      await open(signal, (established) => this.#take(established))
    } catch (error) {
      this.#neverOpened(error, signal)
      return
    }
    const connection = this.#connection!
    await connection.over
    const { state, closeStatus: closeCode = 1006, closeReason: reason } = connection
    this.#end(connection)
    if (state === 'closed') this.#closed.resolve({ closeCode, reason })
    else this.#closed.reject(this.#failed(connection))
  }

  #neverOpened(error: unknown, signal: AbortSignal): void {
    const isCancelled = signal.aborted && !this.#aborter.signal.aborted
    const failure = isCancelled ? signal.reason : neverOpened(error)
    this.#opened.reject(failure)
    this.#closed.reject(failure)
  }

  #take({ connection, subprotocol: protocol, extensions }: Established): void {
    this.#connection = connection
    const readable = new ReadableStream<Message>(
      {
        start: (controller) => {
          this.#readable = controller
        },
        pull: (controller) => this.#pull(connection, controller),
        cancel: (reason) => this.#closeBecause(reason),
      },
      // What is not read waits in the connection, which makes the server wait.
      { highWaterMark: 0 },
    )
    const writable = new WritableStream<Message | ArrayBufferLike | ArrayBufferView>({
      start: (controller) => {
        this.#writable = controller
      },
      write: (chunk) => this.#write(connection, chunk),
      close: () => this.#closeWritable(connection),
      abort: (reason) => this.#closeBecause(reason),
    })
    this.#opened.resolve({ readable, writable, extensions, protocol })
  }

  async #pull(connection: Connection, controller: ReadableStreamDefaultController<Message>): Promise<void> {
    let message: Message | undefined
    try {
      do message = await connection.inbox.receive()
      while (message !== undefined && this.#isClosing)
    } catch {
      controller.error(this.#failed(connection))
      return
    }
    if (message !== undefined) controller.enqueue(owned(message))
    else this.#closeReadable()
  }

  async #write(connection: Connection, chunk: unknown): Promise<void> {
    const message = bytesOf(chunk) ?? text(chunk)
    // The standard: once closing has begun, nothing is sent and nothing fails. The stream itself ends in a moment.
    if (!connection.canSend) return
    try {
      await connection.send(message)
    } catch {
      throw this.#failed(connection)
    }
  }

  async #closeWritable(connection: Connection): Promise<void> {
    this.#close({ code: undefined, reason: '' })
    await connection.over
    if (connection.state !== 'closed') throw this.#failed(connection)
  }

  /** `cancel` and `abort` may say what to close with. */
  #closeBecause(reason: unknown): void {
    const { closeCode, reason: text = '' } = reason instanceof WebSocketError ? reason : {}
    try {
      this.#close(closeInfoOf({ closeCode: closeCode ?? undefined, reason: text }))
    } catch {
      this.#close({ code: undefined, reason: '' })
    }
  }

  #close({ code, reason }: CloseInfo): void {
    this.#isClosing = true
    if (this.#connection) this.#connection.close(code, reason)
    else this.#aborter.abort(new Error('The WebSocketStream was closed before it was open.'))
  }

  /** Both streams end, as far as they have not. What came before can still be read. */
  #end(connection: Connection): void {
    const isClean = connection.state === 'closed'
    this.#writable?.error(isClean ? closedWrite() : this.#failed(connection))
    if (connection.inbox.size > 0 && !this.#isClosing) return
    if (isClean) this.#closeReadable()
    else this.#readable?.error(this.#failed(connection))
  }

  #closeReadable(): void {
    try {
      this.#readable?.close()
    } catch {
      // It was closed, or cancelled.
    }
  }

  #failed({ closeStatus: closeCode = 1006, closeReason: reason, failure: cause }: Connection): WebSocketError {
    const message = cause instanceof Error ? cause.message : 'The connection ended without a closing handshake.'
    this.#failure ??= endedWith(message, { closeCode, reason, cause })
    return this.#failure
  }
}
makeEnumerable(WebSocketStream.prototype, ['url', 'opened', 'closed', 'close'])
tag(WebSocketStream.prototype, 'WebSocketStream')

export default WebSocketStream

function closedWrite(): DOMException {
  return new DOMException('A WebSocketStream that is closed takes no messages.', 'InvalidStateError')
}

/** The standard gives each chunk an ArrayBuffer of its own, which may be transferred. */
function owned(message: Message): Message {
  const isShared = typeof message !== 'string' && message.buffer.byteLength !== message.length
  return isShared ? message.slice() : message
}
