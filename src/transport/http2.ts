/** The opening handshake over one stream of HTTP/2: an extended CONNECT (RFC 8441). */
import type { ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2'
import { HandshakeError, OptionsError } from '../errors.ts'
import { BODY_TIME_LIMIT } from '../handshake/refusal.ts'
import type { HandshakeRequest } from '../handshake/request.ts'
import { ResponseBodyReader } from '../handshake/response-body.ts'
import { HEAD_LIMIT, type ResponseHead } from '../handshake/response-head.ts'
import { trimWhiteSpace } from '../handshake/syntax.ts'
import { type HeaderField, HttpHeaders } from '../http-headers.ts'
import type { ByteSink, Refused, Upgraded } from './contracts.ts'
import { Http2ByteStream } from './http2-byte-stream.ts'
import { canceller } from './http2-cancel.ts'
import { HTTP_1_1_REQUIRED, http2Code, NO_ERROR, REFUSED_STREAM } from './http2-codes.ts'
import type { Http2Connection } from './http2-connection.ts'
import { connectionLost, streamReset } from './http2-error.ts'

/** The use of a connection for one stream. The connection is retained until `release`, which is called once. */
export interface Lease {
  readonly connection: Http2Connection
  /** Whether the connection stood before it was asked for. */
  readonly isReused: boolean
  release(): void
}

/**
 * What may be done about a handshake without an answer:
 *
 * - `again`: the server has certainly not looked at it (RFC 9113 §8.7), so it may be made again at once
 * - `fresh`: the connection is lost; one that had been idle may be to blame, and a fresh one do
 * - `http1`: the server asks for HTTP/1.1
 */
export type Remedy = 'again' | 'fresh' | 'http1' | undefined

/** There was no answer. */
export interface Unanswered {
  readonly error: HandshakeError
  readonly remedy: Remedy
}

/**
 * Makes the handshake on a new stream. The peer's SETTINGS must have come and allow it.
 *
 * When the signal aborts, the stream is reset, and the promise rejects with the signal's reason; but once the head of a
 * refusal has come, it resolves with as much of the body as there is. Fails with an OptionsError for header fields that
 * HTTP/2 cannot send.
 */
export async function extendedConnect(
  lease: Lease,
  request: HandshakeRequest,
  signal: AbortSignal,
): Promise<Upgraded | Refused | Unanswered> {
  const cancels = canceller()
  const stream = openStream(lease, request, cancels?.signal)
  if (stream === undefined) {
    return { error: connectionLost(request.url.origin, 'the connection takes no more requests'), remedy: 'again' }
  }
  const bytes = new Http2ByteStream(stream, lease.connection, cancels)
  return new Promise((resolve, reject) => {
    new Exchange(stream, bytes, lease.connection, request.url.origin, signal, { resolve, reject }).start()
  })
}

/** Errors of a session that opens no more streams; before Node 24 they are thrown. */
const OVER = ['ERR_HTTP2_INVALID_SESSION', 'ERR_HTTP2_GOAWAY_SESSION']

function openStream(
  { connection, release }: Lease,
  request: HandshakeRequest,
  signal: AbortSignal | undefined,
): ClientHttp2Stream | undefined {
  try {
    const options = signal === undefined ? { endStream: false } : { endStream: false, signal }
    const stream = connection.session.request(requestFields(request), options)
    stream.on('close', release)
    return stream
  } catch (error) {
    release()
    if (OVER.includes(String((error as { code?: unknown }).code))) return undefined
    const problem = error instanceof Error ? error.message : String(error)
    throw new OptionsError('headers', `Headers: they cannot be sent over HTTP/2: ${problem}`, { cause: error })
  }
}

/** RFC 8441 §4 and §5: Host is :authority, and there is no key. */
function requestFields({ url, headers }: HandshakeRequest): OutgoingHttpHeaders {
  const fields = new Map<string, string[]>()
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    if (key === 'sec-websocket-key') continue
    const values = fields.get(key)
    if (values === undefined) fields.set(key, [value])
    else values.push(value)
  }
  const authority = fields.get('host')?.[0] ?? url.host
  fields.delete('host')
  const entries = [...fields].map(([name, values]) => [name, values.length === 1 ? values[0]! : values] as const)
  return {
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':scheme': url.protocol === 'wss:' ? 'https' : 'http',
    ':authority': authority,
    ':path': `${url.pathname}${url.search}`,
    ...Object.fromEntries(entries),
  }
}

interface Settler {
  resolve(outcome: Upgraded | Refused | Unanswered): void
  reject(reason: unknown): void
}

/** One request and its answer; settles once. */
class Exchange implements ByteSink {
  readonly #stream: ClientHttp2Stream
  readonly #bytes: Http2ByteStream
  readonly #connection: Http2Connection
  readonly #origin: string
  readonly #signal: AbortSignal
  readonly #settler: Settler
  #error: Error | undefined
  /** A refusal of which the body is being read. */
  #refusal: { readonly head: ResponseHead; readonly body: ResponseBodyReader } | undefined
  #bodyTimer: ReturnType<typeof setTimeout> | undefined
  #settled = false
  /** Roughly the bytes of the interim responses. */
  #interimSize = 0

  constructor(
    stream: ClientHttp2Stream,
    bytes: Http2ByteStream,
    connection: Http2Connection,
    origin: string,
    signal: AbortSignal,
    settler: Settler,
  ) {
    this.#stream = stream
    this.#bytes = bytes
    this.#connection = connection
    this.#origin = origin
    this.#signal = signal
    this.#settler = settler
  }

  start(): void {
    this.#stream.on('headers', this.#onInterim)
    this.#stream.once('response', this.#onResponse)
    this.#stream.once('error', this.#onError)
    this.#stream.once('close', this.#onClose)
    this.#connection.goawayListeners.add(this.#onGoaway)
    this.#signal.addEventListener('abort', this.#onAbort)
    if (this.#signal.aborted) this.#onAbort()
  }

  // The body of a refusal.

  onData(bytes: Uint8Array): void {
    this.#refusal?.body.push(bytes)
    if (this.#refusal?.body.done) this.#finishRefusal()
  }

  onEnd(): void {
    this.#refusal?.body.end()
    this.#finishRefusal()
  }

  onClosed(): void {
    this.#finishRefusal()
  }

  /** No notice is taken of interim responses (RFC 9110 §15.2), but that there may not be too many. */
  readonly #onInterim = (fields: IncomingHttpHeaders): void => {
    this.#interimSize += JSON.stringify(fields).length
    if (this.#interimSize <= HEAD_LIMIT) return
    const message = `The interim responses of ${this.#origin} are larger than ${HEAD_LIMIT} bytes`
    this.#settle(() => this.#settler.reject(new HandshakeError('INVALID_RESPONSE', message)))
    this.#bytes.destroy()
  }

  // `rawHeaders` is not in the types of Node yet, and other runtimes may have none.
  readonly #onResponse = (fields: IncomingHttpHeaders, _flags: number, rawHeaders?: readonly string[]): void => {
    if (this.#settled) return
    const headers = new HttpHeaders(responseFields(rawHeaders ?? inTurn(fields)))
    const head: ResponseHead = { status: Number(fields[':status']), statusText: '', headers, httpVersion: '2' }
    // RFC 8441 §5: it is a 200 that agrees.
    if (head.status === 200) this.#settle(() => this.#settler.resolve({ head, stream: this.#bytes }))
    else this.#readRefusal(head)
  }

  readonly #onError = (error: Error): void => {
    this.#error = error
  }

  readonly #onClose = (): void => {
    if (this.#refusal === undefined) this.#settle(() => this.#settler.resolve(this.#unanswered()))
  }

  /** A request that waits in the session until the peer allows another stream is told nothing by Node. */
  readonly #onGoaway = (): void => {
    if (this.#refusal !== undefined || !this.#isUnprocessed) return
    this.#settle(() => this.#settler.resolve(this.#unanswered()))
    this.#bytes.destroy()
  }

  /** Whether the server has said that it does not look at the request (RFC 9113 §6.8). */
  get #isUnprocessed(): boolean {
    const { goaway } = this.#connection
    const { id } = this.#stream
    return id === undefined || (goaway !== undefined && id > goaway.lastStreamId)
  }

  readonly #onAbort = (): void => {
    if (this.#refusal !== undefined) this.#finishRefusal()
    else {
      this.#settle(() => this.#settler.reject(this.#signal.reason))
      this.#bytes.destroy()
    }
  }

  #readRefusal(head: ResponseHead): void {
    // HTTP/2 has its own framing: the body ends with the stream.
    this.#refusal = { head, body: new ResponseBodyReader({ ...head, headers: new HttpHeaders() }) }
    if (this.#refusal.body.done) this.#finishRefusal()
    else {
      this.#bodyTimer = setTimeout(() => this.#finishRefusal(), BODY_TIME_LIMIT)
      this.#bytes.attach(this)
    }
  }

  /** Answers with as much of the body as has come. */
  #finishRefusal(): void {
    if (this.#refusal === undefined) return
    const { head, body: reader } = this.#refusal
    this.#settle(() => this.#settler.resolve({ head, body: reader.body, bodyTruncated: reader.truncated }))
    this.#bytes.destroy()
  }

  #unanswered(): Unanswered {
    const { session, goaway, error = this.#error } = this.#connection
    const going = goaway === undefined ? '' : ` (GOAWAY of ${http2Code(goaway.code).name})`
    if (this.#isUnprocessed) {
      return {
        error: connectionLost(this.#origin, `the server takes no more requests${going}`, error),
        remedy: 'again',
      }
    }
    if (session.destroyed) {
      const what = `the connection was lost before the server answered${going}`
      return { error: connectionLost(this.#origin, what, error), remedy: 'fresh' }
    }
    const code = this.#stream.rstCode ?? NO_ERROR
    return { error: streamReset(this.#origin, code, this.#error), remedy: REMEDIES[code] }
  }

  #settle(finish: () => void): void {
    if (this.#settled) return
    this.#settled = true
    clearTimeout(this.#bodyTimer)
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#stream.off('headers', this.#onInterim)
    this.#stream.off('response', this.#onResponse)
    this.#stream.off('error', this.#onError)
    this.#stream.off('close', this.#onClose)
    this.#connection.goawayListeners.delete(this.#onGoaway)
    finish()
  }
}

/** Names and values come in turn. */
function responseFields(raw: readonly string[]): HeaderField[] {
  const fields: HeaderField[] = []
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!
    if (!name.startsWith(':')) fields.push([name, trimWhiteSpace(raw[i + 1]!)])
  }
  return fields
}

function inTurn(fields: IncomingHttpHeaders): string[] {
  return Object.entries(fields).flatMap(([name, value]) => [value].flat().flatMap((each) => [name, String(each)]))
}

const REMEDIES: Readonly<Record<number, Remedy>> = { [REFUSED_STREAM]: 'again', [HTTP_1_1_REQUIRED]: 'http1' }
