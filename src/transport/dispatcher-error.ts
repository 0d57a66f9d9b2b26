/** What an error of a dispatcher means: the answer of the server, or why there is none. */
import { HandshakeError, type HandshakeErrorCode } from '../errors.ts'
import { BODY_LIMIT, isRetriable } from '../handshake/refusal.ts'
import type { Refused } from './contracts.ts'
import { headOf } from './dispatcher-head.ts'
import { HTTP_1_1_REQUIRED } from './http2-codes.ts'
import { connectUnsupported, http2Unavailable, streamReset } from './http2-error.ts'
import { networkError } from './network-error.ts'

/** A code, whether the same call may succeed later, and what happened. */
type Meaning = readonly [code: HandshakeErrorCode, retriable: boolean, message: string]

/** The code of hawser's own error for a proxy whose tunnels are of no use. */
export const NO_TUNNEL = 'HAWSER_NO_TUNNEL'

const CLOSED: Meaning = ['CLIENT_FAILED', false, 'the dispatcher is closed; give one that is open']
const TOO_LATE: Meaning = ['NETWORK_FAILED', true, 'a time-out of the dispatcher came first']
const NOT_HTTP: Meaning = ['INVALID_RESPONSE', false, 'what came back is not an HTTP response']
const NO_MOCK: Meaning = ['CLIENT_FAILED', false, 'the MockAgent has no answer to this request']

/** By the codes that undici gives the errors which are its own; `networkError` knows those of the network below it. */
const MEANINGS: ReadonlyMap<string, Meaning> = new Map([
  ['UND_ERR_DESTROYED', CLOSED],
  ['UND_ERR_CLOSED', CLOSED],
  ['UND_ERR_HEADERS_TIMEOUT', TOO_LATE],
  ['UND_ERR_BODY_TIMEOUT', TOO_LATE],
  ['UND_MOCK_ERR_MOCK_NOT_MATCHED', NO_MOCK],
  [
    'UND_ERR_HEADERS_OVERFLOW',
    ['INVALID_RESPONSE', false, 'the head of the answer exceeds the limit of the dispatcher'],
  ],
  ['UND_ERR_REDIRECT_MAX', ['REDIRECT_REFUSED', false, 'the dispatcher follows no more redirects']],
  [NO_TUNNEL, ['PROXY_REFUSED', false, 'each connection was lost before anything could be asked of the server']],
  ['UND_ERR_PRX_TLS', ['TLS_FAILED', false, "the proxy's certificate was refused"]],
  ['UND_ERR_PRX_CONN', ['CONNECTION_LOST', true, 'the proxy closed the connection before there was a tunnel']],
])

/** The same for codes of which there are many. llhttp's begin with HPE; since undici 7 its errors have only a name. */
const PREFIXES: readonly (readonly [string, Meaning])[] = [
  ['HPE_', NOT_HTTP],
  ['HTTPParserError', NOT_HTTP],
  ['UND_ERR_SOCKS5', ['PROXY_REFUSED', false, 'the SOCKS proxy did not let the connection through']],
]

/** undici tells the status with which a proxy refused only in a message: of a tunnel, and of a request without one. */
const PROXY_STATUS = /^Proxy (?:response|Authentication Required) \((\d{3})\)/

interface DispatcherError {
  readonly name?: unknown
  readonly code?: unknown
  readonly message?: unknown
  readonly statusCode?: unknown
  readonly headers?: unknown
  readonly body?: unknown
  readonly bodyTruncated?: unknown
}

/**
 * The HandshakeError for what a dispatcher reported instead of an answer.
 *
 * @param where the server, to be shown: the origin of its URL, and the proxy on the way to it, if there is one
 */
export function dispatcherError(cause: unknown, where: string): HandshakeError {
  const { name, code, message } = asDispatcherError(cause)
  const proxyStatus = PROXY_STATUS.exec(String(message))?.[1]
  if (proxyStatus !== undefined) return proxyRefusal(Number(proxyStatus), cause, where)
  const overHttp2 = http2Failure(String(message), cause, where)
  if (overHttp2 !== undefined) return overHttp2
  const known = meaningOf(String(code ?? name))
  return known === undefined ? networkError(cause, where, 'CLIENT_FAILED') : failure(known, where, { cause })
}

/** undici tells of HTTP/2 only in messages. */
const STREAM_RESET = /^HTTP\/2: "stream error" received - code (\d+)/
const NO_CONNECT = /^HTTP\/2: (?:Extended CONNECT protocol not supported|Server disabled extended CONNECT)/
const NO_UPGRADE = /^Upgrade not supported for H2/

function http2Failure(message: string, cause: unknown, where: string): HandshakeError | undefined {
  const code = STREAM_RESET.exec(message)?.[1]
  if (Number(code) === HTTP_1_1_REQUIRED) return http2Unavailable(where, 'the server asks for HTTP/1.1', cause)
  if (code !== undefined) return streamReset(where, Number(code), cause as Error)
  if (NO_CONNECT.test(message)) return connectUnsupported(where)
  if (NO_UPGRADE.test(message)) return http2Unavailable(where, 'this undici cannot; use 7.17 or later', cause)
  return undefined
}

/** A failure of which no error tells. */
export function clientFailure(message: string, where: string): HandshakeError {
  return failure(['CLIENT_FAILED', false, message], where)
}

/**
 * The answer that an interceptor turned into an error (retry when it gives up, responseError), if it is one. It keeps
 * of the body what the interceptor kept.
 */
export function refusalOf(cause: unknown): Refused | undefined {
  const { statusCode, headers, body, bodyTruncated } = asDispatcherError(cause)
  if (typeof statusCode !== 'number' || typeof headers !== 'object' || headers === null) return undefined
  const head = headOf(statusCode, '', headers)
  const bytes = new TextEncoder().encode(textOf(body))
  const lost = bytes.length === 0 && head.headers.get('content-length') !== '0'
  return {
    head,
    body: bytes.slice(0, BODY_LIMIT),
    bodyTruncated: bodyTruncated === true || lost || bytes.length > BODY_LIMIT,
  }
}

function proxyRefusal(proxyStatus: number, cause: unknown, where: string): HandshakeError {
  const message = `Cannot connect to ${where}: the proxy refused with status ${proxyStatus}`
  return new HandshakeError('PROXY_REFUSED', message, { cause, proxyStatus, retriable: isRetriable(proxyStatus) })
}

function failure([code, retriable, message]: Meaning, where: string, options: ErrorOptions = {}): HandshakeError {
  return new HandshakeError(code, `Cannot connect to ${where}: ${message}`, { ...options, retriable })
}

/** The responseError interceptor has parsed what was JSON. */
function textOf(body: unknown): string {
  if (body === undefined || body === null) return ''
  return typeof body === 'string' ? body : JSON.stringify(body)
}

function meaningOf(code: string): Meaning | undefined {
  return MEANINGS.get(code) ?? PREFIXES.find(([prefix]) => code.startsWith(prefix))?.[1]
}

/** Anything may be thrown. */
function asDispatcherError(cause: unknown): DispatcherError {
  return typeof cause === 'object' && cause !== null ? cause : {}
}
