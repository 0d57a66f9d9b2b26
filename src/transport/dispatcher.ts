/** The handshake through a dispatcher of undici: a caller's own, the process's, or one for a proxy. */
import { type Duplex, PassThrough } from 'node:stream'
import { BODY_TIME_LIMIT } from '../handshake/refusal.ts'
import type { HandshakeRequest } from '../handshake/request.ts'
import { ResponseBodyReader } from '../handshake/response-body.ts'
import type { ResponseHead } from '../handshake/response-head.ts'
import { HttpHeaders } from '../http-headers.ts'
import type { Dispatcher, HttpVersion } from '../options.ts'
import { adoptedStream } from './adopted-stream.ts'
import type { Refused, Transport, Upgraded } from './contracts.ts'
import { clientFailure, dispatcherError, refusalOf } from './dispatcher-error.ts'
import { headOf, requestFields } from './dispatcher-head.ts'
import { http2Unavailable } from './http2-error.ts'
import { isHttp2Stream } from './node-byte-stream.ts'

/**
 * A transport over a dispatcher of undici 6, 7 or 8, with whatever interceptors it has. The dispatcher is never closed;
 * a socket that it has handed over is no longer its own, and outlives it.
 *
 * A refusal that an interceptor made an error of becomes a refusal again. undici tells no status text of a 101.
 *
 * `via` is how errors name the proxy that the dispatcher goes through.
 */
export function dispatcherTransport(dispatcher: Dispatcher, via?: string): Transport {
  return (request, signal) => exchange(dispatcher, '1.1', request, signal, via)
}

/**
 * Makes the handshake in one version. In HTTP/2 it fails with HTTP2_UNAVAILABLE when the dispatcher has a connection of
 * HTTP/1.1.
 */
export async function exchange(
  dispatcher: Dispatcher,
  version: HttpVersion,
  request: HandshakeRequest,
  signal: AbortSignal,
  via?: string,
): Promise<Upgraded | Refused> {
  signal.throwIfAborted()
  return await new Exchange(request, version, signal, via).run(dispatcher)
}

const MOCKED = 'the dispatcher answered 101 without a connection: a mock can refuse, but not open a socket'

type Abort = (reason: Error) => void

/** One request and what comes of it. A dispatcher may call it in any order, too often, and after the end. */
class Exchange {
  readonly #request: HandshakeRequest
  readonly #version: HttpVersion
  readonly #signal: AbortSignal
  readonly #via: string | undefined
  readonly #result = Promise.withResolvers<Upgraded | Refused>()
  readonly #onAbort = () => this.#cancel()
  /** Ends the request at the dispatcher; there once the request has a connection. */
  #abort: Abort | undefined
  #settled = false
  /** A refusal of which the body is being read. */
  #refusal: { readonly head: ResponseHead; readonly reader: ResponseBodyReader } | undefined
  /** Whether a 101 came as an ordinary answer. */
  #unconnected = false
  #bodyTimer: ReturnType<typeof setTimeout> | undefined

  constructor(request: HandshakeRequest, version: HttpVersion, signal: AbortSignal, via: string | undefined) {
    this.#request = request
    this.#version = version
    this.#signal = signal
    this.#via = via
  }

  run(dispatcher: Dispatcher): Promise<Upgraded | Refused> {
    this.#signal.addEventListener('abort', this.#onAbort, { once: true })
    void this.#dispatch(dispatcher)
    return this.#result.promise
  }

  /** An interceptor may throw, and one that is an async function rejects. */
  async #dispatch(dispatcher: Dispatcher): Promise<void> {
    try {
      await dispatcher.dispatch(dispatchOptions(this.#request, this.#version), handlerOf(this))
    } catch (error) {
      this.failed(error)
    }
  }

  /** The request has a connection: the first one, or another for a retry or a redirect. */
  started(abort: Abort): void {
    this.#abort = abort
    if (this.#settled) this.#letGo()
  }

  /** The connection is ours: after a 101, or for any answer over HTTP/2. */
  upgraded(status: number, headers: unknown, socket: Duplex): void {
    const http2 = isHttp2Stream(socket)
    const head = headOf(status, '', headers, http2 ? '2' : '1.1')
    this.#abort = undefined
    if (this.#settled) discard(socket)
    else if (this.#version === '2' && !http2) this.#refuseHttp1(socket)
    // RFC 8441 §5: over HTTP/2 it is a 200 that agrees.
    else if (status !== (http2 ? 200 : 101)) this.#readRefusal(head, socket)
    else this.#open(head, socket)
  }

  responded(status: number, headers: unknown, statusText: string): void {
    if (this.#settled) return
    if (this.#version === '2') {
      this.#refuseHttp1()
      return
    }
    const head = headOf(status, statusText, headers)
    if (status === 101) this.#answeredUnconnected(head)
    // RFC 9110 §15.2: other interim responses come before the final one.
    else if (status >= 200) this.#refuse(head)
  }

  received(chunk: Uint8Array): void {
    this.#refusal?.reader.push(chunk)
    if (this.#refusal?.reader.done) this.#finishRefusal()
  }

  ended(): void {
    this.#refusal?.reader.end()
    if (this.#refusal !== undefined) this.#finishRefusal()
    else this.#fail(clientFailure(this.#unconnected ? MOCKED : 'the dispatcher gave no answer', this.#where))
  }

  failed(error: unknown): void {
    const refused = refusalOf(error)
    if (this.#refusal !== undefined) this.#finishRefusal()
    else if (refused !== undefined && this.#version === '2') this.#refuseHttp1()
    else if (refused !== undefined) this.#refuseWith(refused)
    else this.#fail(dispatcherError(error, this.#where))
  }

  get #where(): string {
    const { origin } = this.#request.url
    return this.#via === undefined ? origin : `${origin} through ${this.#via}`
  }

  #refuse(head: ResponseHead): void {
    // undici has removed the framing: what it gives of the body ends with the response.
    this.#refusal = { head, reader: new ResponseBodyReader({ ...head, headers: new HttpHeaders() }) }
    this.#bodyTimer = setTimeout(() => this.#finishRefusal(), BODY_TIME_LIMIT)
  }

  /** Over HTTP/2 every answer would have come with its stream. */
  #refuseHttp1(socket?: Duplex): void {
    if (socket !== undefined) discard(socket)
    this.#fail(http2Unavailable(this.#where, 'the dispatcher has a connection of HTTP/1.1 to it'))
  }

  #readRefusal(head: ResponseHead, socket: Duplex): void {
    this.#refuse(head)
    this.#abort = () => discard(socket)
    socket.on('error', (error) => this.failed(error))
    socket.on('data', (chunk: Uint8Array) => this.received(chunk))
    socket.once('end', () => this.ended())
    socket.once('close', () => this.#finishRefusal())
  }

  /**
   * A mock says at once that its answer is over. Anything else is a server's 101 without an `Upgrade`, which undici
   * takes for an interim response and waits on. But it is final (RFC 9110 §15.2.2), and goes to where answers are
   * judged, with a connection on which nothing will come.
   */
  #answeredUnconnected(head: ResponseHead): void {
    this.#unconnected = true
    queueMicrotask(() => {
      if (this.#settled) return
      this.#open(head, new PassThrough().end())
      this.#letGo()
    })
  }

  #open(head: ResponseHead, socket: Duplex): void {
    this.#settle(() => this.#result.resolve({ head, stream: adoptedStream(socket) }))
  }

  #cancel(): void {
    if (this.#refusal !== undefined) this.#finishRefusal()
    else this.#fail(this.#signal.reason)
  }

  /** Answers with as much of the body as has come. */
  #finishRefusal(): void {
    if (this.#refusal === undefined) return
    const { head, reader } = this.#refusal
    this.#refuseWith({ head, body: reader.body, bodyTruncated: reader.truncated })
  }

  #refuseWith(answer: Refused): void {
    this.#settle(() => this.#result.resolve(answer))
    this.#letGo()
  }

  #fail(error: unknown): void {
    this.#settle(() => this.#result.reject(error))
    this.#letGo()
  }

  #settle(settle: () => void): void {
    if (this.#settled) return
    this.#settled = true
    this.#signal.removeEventListener('abort', this.#onAbort)
    clearTimeout(this.#bodyTimer)
    settle()
  }

  /** Of a request that is over, undici takes no notice. */
  #letGo(): void {
    const abort = this.#abort
    this.#abort = undefined
    abort?.(new DOMException('hawser has what it needs of this request', 'AbortError'))
  }
}

/** What undici is asked for. The signal carries the time limit, so undici's own are off. */
function dispatchOptions(request: HandshakeRequest, version: HttpVersion): object {
  const { protocol, host, pathname, search } = request.url
  return {
    origin: `${protocol === 'wss:' ? 'https:' : 'http:'}//${host}`,
    path: `${pathname}${search}`,
    method: 'GET',
    headers: requestFields(request, version),
    upgrade: 'websocket',
    headersTimeout: 0,
    bodyTimeout: 0,
    // An Agent keeps connections of their own for those who want no HTTP/2; without this, its own options count.
    ...(version === '1.1' && { allowH2: false }),
  }
}

/** There is none on some errors of a MockAgent. */
type Controller = { abort: Abort; rawHeaders?: unknown } | null | undefined

/**
 * A handler that speaks both dialects, so that no version wraps it: the first names are of undici 7 and 8, the others
 * of 6. It is made for each request, since a proxy's wrapper replaces methods of it.
 */
function handlerOf(exchange: Exchange): object {
  const fieldsOf = (controller: Controller, headers: unknown) => controller?.rawHeaders ?? headers
  return {
    onRequestStart: (controller: Controller) => exchange.started((reason) => controller?.abort(reason)),
    onRequestUpgrade: (controller: Controller, status: number, headers: unknown, socket: Duplex) =>
      exchange.upgraded(status, fieldsOf(controller, headers), socket),
    onResponseStart: (controller: Controller, status: number, headers: unknown, statusText = '') =>
      exchange.responded(status, fieldsOf(controller, headers), statusText),
    onResponseData: (_controller: Controller, chunk: Uint8Array) => exchange.received(chunk),
    onResponseEnd: () => exchange.ended(),
    onResponseError: (_controller: Controller, error: unknown) => exchange.failed(error),

    onConnect: (abort: Abort) => exchange.started(abort),
    onUpgrade: (status: number, headers: unknown, socket: Duplex) => exchange.upgraded(status, headers, socket),
    // True tells undici 6 to go on.
    onHeaders: (status: number, headers: unknown, _resume: unknown, statusText = '') => {
      exchange.responded(status, headers, statusText)
      return true
    },
    onData: (chunk: Uint8Array) => {
      exchange.received(chunk)
      return true
    },
    onComplete: () => exchange.ended(),
    onError: (error: unknown) => exchange.failed(error),
  }
}

function discard(socket: Duplex): void {
  socket.on('error', () => {}).destroy()
}
