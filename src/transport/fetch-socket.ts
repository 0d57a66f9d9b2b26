/** The WebSocket that a fetch of Workers opens, as a MessageSocket that is the same at every compatibility date. */
import type { MessageSocket, MessageSocketSink } from './contracts.ts'
import { violation } from './fetch-violation.ts'

/** A WebSocket of Workers or of Miniflare, as far as it is used. */
export interface RuntimeWebSocket {
  binaryType?: string
  /** Newer runtimes tell. */
  readonly bufferedAmount?: number
  accept(options: { readonly allowHalfOpen: boolean }): void
  send(message: string | Uint8Array): void
  close(code?: number, reason?: string): void
  addEventListener(type: EventName, listener: (event: RuntimeEvent) => void): void
  removeEventListener(type: EventName, listener: (event: RuntimeEvent) => void): void
}

type EventName = 'message' | 'close' | 'error'

interface RuntimeEvent {
  readonly data?: unknown
  readonly code?: number
  readonly reason?: string
  readonly wasClean?: boolean
  readonly error?: unknown
}

/** What the code is when there was no Close frame (RFC 6455 §7.1.5). */
const NO_CLOSE_FRAME = 1006
/**
 * An error of the connection can come before the messages and the Close frame that came before it: so long these are
 * waited for.
 */
const ERROR_SETTLES_WITHIN = 100

export class FetchSocket implements MessageSocket {
  readonly #socket: RuntimeWebSocket
  readonly #canceller: AbortController
  readonly #mustCopy: boolean
  #sink: MessageSocketSink | undefined
  #errorTimer: ReturnType<typeof setTimeout> | undefined
  /** What the first error event told. */
  #error: Error | undefined
  /** Whether the peer's Close frame has come, and ours has gone. */
  #isClosedByPeer = false
  #isClosed = false

  /**
   * @param canceller that of the fetch: its signal ends the connection
   * @param mustCopy whether the socket may keep the bytes that it is given to send; that of Workers does not, that of
   * Miniflare does
   */
  constructor(socket: RuntimeWebSocket, canceller: AbortController, mustCopy: boolean) {
    this.#socket = socket
    this.#canceller = canceller
    this.#mustCopy = mustCopy
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount ?? 0
  }

  attach(sink: MessageSocketSink): void {
    this.#sink = sink
    const socket = this.#socket
    socket.addEventListener('message', this.#onMessage)
    socket.addEventListener('close', this.#onClose)
    socket.addEventListener('error', this.#onError)
    // From 2026-03-17 on it would be "blob". Messages that came before this are delivered after it.
    socket.binaryType = 'arraybuffer'
    // Without this, the runtime answers a Close frame by itself from 2026-04-07 on, and never before.
    socket.accept({ allowHalfOpen: true })
  }

  send(message: string | Uint8Array): void {
    // The runtime would send a lone surrogate as three bytes that are not UTF-8.
    if (typeof message === 'string') this.#socket.send(message.toWellFormed())
    else this.#socket.send(this.#mustCopy ? new Uint8Array(message) : message)
  }

  close(code: number | undefined, reason: string): void {
    this.#isClosed = true
    try {
      if (code === undefined) this.#socket.close()
      else this.#socket.close(code, reason)
    } catch {
      // It is over already, which is told by an event.
    }
    if (this.#isClosedByPeer) this.#release()
  }

  terminate(): void {
    this.#release()
    this.#canceller.abort()
    this.#closeUnheeded()
  }

  /** A fetch that does not heed its signal, as that of Miniflare, leaves nothing better than to close. */
  #closeUnheeded(): void {
    try {
      this.#socket.accept({ allowHalfOpen: true })
      this.#socket.close()
    } catch {
      // It heeded the signal, or we had closed.
    }
  }

  /** After both Close frames an error tells nothing any more. */
  #release(): void {
    this.#sink = undefined
    clearTimeout(this.#errorTimer)
    const socket = this.#socket
    socket.removeEventListener('message', this.#onMessage)
    socket.removeEventListener('close', this.#onClose)
    socket.removeEventListener('error', this.#onError)
  }

  readonly #onMessage = ({ data }: RuntimeEvent): void => {
    this.#sink?.onMessage(typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer))
  }

  readonly #onClose = ({ code = NO_CLOSE_FRAME, reason = '', wasClean }: RuntimeEvent): void => {
    // Miniflare never says that it was clean.
    if (!wasClean && code === NO_CLOSE_FRAME) {
      this.#lose(this.#error)
      return
    }
    const sink = this.#sink
    this.#isClosedByPeer = true
    clearTimeout(this.#errorTimer)
    if (this.#isClosed) this.#release()
    sink?.onClose(code, reason)
  }

  readonly #onError = ({ error }: RuntimeEvent): void => {
    const cause = error instanceof Error ? error : new Error('The WebSocket of the runtime failed.', { cause: error })
    const broken = violation(cause.message)
    if (broken !== undefined) {
      this.#lose(broken)
      return
    }
    this.#error ??= cause
    this.#errorTimer ??= setTimeout(() => this.#lose(this.#error), ERROR_SETTLES_WITHIN)
  }

  #lose(error: Error | undefined): void {
    const sink = this.#sink
    this.#release()
    sink?.onLost(error)
  }
}
