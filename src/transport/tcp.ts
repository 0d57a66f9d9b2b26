/** The opening handshake over a connection of hawser's own, spoken in HTTP/1.1 (RFC 6455 §4.1). */
import { HandshakeError } from '../errors.ts'
import { BODY_TIME_LIMIT } from '../handshake/refusal.ts'
import type { HandshakeRequest } from '../handshake/request.ts'
import { ResponseBodyReader } from '../handshake/response-body.ts'
import { type ResponseHead, ResponseHeadReader } from '../handshake/response-head.ts'
import { serializeRequest } from '../handshake/serialize-request.ts'
import type { ByteSink, ByteStream, Refused, Transport, Upgraded } from './contracts.ts'

/** Where to connect to. */
export interface Address {
  /** A name, or an address without brackets. */
  readonly hostname: string
  readonly port: number
  /** Whether TLS is spoken. */
  readonly secure: boolean
  /** How errors name it: without userinfo and path. */
  readonly origin: string
}

/** A stream that the handshake reads first, and hands over. */
export interface DialedStream extends ByteStream {
  /** Takes delivery away from the sink, so that another one can be attached, which gets `unread` first. */
  detach(unread: Uint8Array): void
}

/**
 * Opens a connection, TLS included; the one thing in which the runtimes differ.
 *
 * Fails with a HandshakeError; when the signal aborts, with its reason, and everything released.
 */
export type Dial = (address: Address, signal: AbortSignal) => Promise<DialedStream>

/** What an error of a connection means that stood already, if it is more than that the connection was lost. */
export type LateFailure = (error: Error, address: Address) => HandshakeError | undefined

/**
 * The transport over connections of hawser's own, one for each handshake.
 *
 * A connection that ends or breaks before the head is complete is CONNECTION_LOST, unless `lateFailure` knows better,
 * and what is not HTTP is INVALID_RESPONSE; all else that can go wrong is the dial's to tell.
 */
export function tcp(dial: Dial, lateFailure?: LateFailure): Transport {
  return async (request, signal) => {
    signal.throwIfAborted()
    const address = addressOf(request.url)
    const stream = await dial(address, signal)
    return new Promise((resolve, reject) => {
      const settler = { resolve, reject }
      new Exchange(stream, address, signal, settler, lateFailure).start(request)
    })
  }
}

/** Where the server of a ws: or wss: URL is. */
export function addressOf({ hostname, port, protocol, origin }: URL): Address {
  const secure = protocol === 'wss:'
  const defaultPort = secure ? 443 : 80
  return {
    hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? defaultPort : Number(port),
    secure,
    origin,
  }
}

interface Settler {
  resolve(outcome: Upgraded | Refused): void
  reject(reason: unknown): void
}

/** One request and its response; settles once. */
class Exchange implements ByteSink {
  readonly #stream: DialedStream
  readonly #address: Address
  readonly #signal: AbortSignal
  readonly #settler: Settler
  readonly #lateFailure: LateFailure | undefined
  readonly #reader = new ResponseHeadReader()
  #refusal: { readonly head: ResponseHead; readonly body: ResponseBodyReader } | undefined
  #bodyTimer: ReturnType<typeof setTimeout> | undefined
  #received = 0
  #settled = false

  constructor(
    stream: DialedStream,
    address: Address,
    signal: AbortSignal,
    settler: Settler,
    lateFailure: LateFailure | undefined,
  ) {
    this.#stream = stream
    this.#address = address
    this.#signal = signal
    this.#settler = settler
    this.#lateFailure = lateFailure
  }

  start(request: HandshakeRequest): void {
    // The stream may have opened in the very moment of the abort.
    if (this.#signal.aborted) {
      this.#onAbort()
      return
    }
    this.#signal.addEventListener('abort', this.#onAbort)
    this.#stream.attach(this)
    this.#stream.write([serializeRequest(request)], () => {})
  }

  onData(bytes: Uint8Array): void {
    if (this.#settled) return
    if (this.#refusal !== undefined) this.#readBody(bytes)
    else this.#readHead(bytes)
  }

  onEnd(): void {
    this.#refusal?.body.end()
    this.#stop(() => this.#lost('the server ended the connection', undefined))
  }

  onClosed(error: Error | undefined): void {
    this.#stop(() => this.#failureOf(error))
  }

  readonly #onAbort = (): void => {
    this.#stop(() => this.#signal.reason)
  }

  #readHead(bytes: Uint8Array): void {
    this.#received += bytes.length
    let head: ResponseHead | undefined
    try {
      head = this.#reader.push(bytes)
    } catch (error) {
      this.#stop(() => error)
      return
    }
    if (head?.status === 101) this.#handOver(head)
    else if (head !== undefined) {
      this.#refusal = { head, body: new ResponseBodyReader(head) }
      this.#bodyTimer = setTimeout(() => this.#stop(() => undefined), BODY_TIME_LIMIT)
      this.#readBody(this.#reader.rest)
    }
  }

  #readBody(bytes: Uint8Array): void {
    this.#refusal?.body.push(bytes)
    if (this.#refusal?.body.done) this.#stop(() => undefined)
  }

  #handOver(head: ResponseHead): void {
    this.#stream.detach(this.#reader.rest)
    this.#settle(() => this.#settler.resolve({ head, stream: this.#stream }))
  }

  /** The connection is of no more use: a refusal is as complete as it gets, anything less has failed. */
  #stop(reason: () => unknown): void {
    this.#settle(() => {
      this.#stream.destroy()
      if (this.#refusal === undefined) this.#settler.reject(reason())
      else this.#settler.resolve(refused(this.#refusal.head, this.#refusal.body))
    })
  }

  #settle(finish: () => void): void {
    if (this.#settled) return
    this.#settled = true
    this.#signal.removeEventListener('abort', this.#onAbort)
    clearTimeout(this.#bodyTimer)
    finish()
  }

  #failureOf(error: Error | undefined): HandshakeError {
    const known = error && this.#lateFailure?.(error, this.#address)
    return known ?? this.#lost('the connection was lost', error)
  }

  #lost(what: string, cause: Error | undefined): HandshakeError {
    const when = this.#received === 0 ? 'before any response' : `after ${this.#received} bytes of the response's head`
    return new HandshakeError('CONNECTION_LOST', `Cannot connect to ${this.#address.origin}: ${what} ${when}`, {
      ...(cause === undefined ? {} : { cause }),
      retriable: true,
    })
  }
}

function refused(head: ResponseHead, body: ResponseBodyReader): Refused {
  return { head, body: body.body, bodyTruncated: body.truncated }
}
