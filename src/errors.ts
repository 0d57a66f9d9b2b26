/**
 * Every error that hawser throws, except a caller's own abort reason, which is thrown as it is.
 *
 *     HawserError                 code, cause
 *     ├── HandshakeError          response, attempts, retriable, retryAfter: connect() failed
 *     ├── ConnectionClosedError   closeStatus, reason, wasClean: the connection is over
 *     │   ├── ProtocolError       violation, closeCode: the peer broke a rule, or compressed what it should not
 *     │   └── MessageTooBigError  limit: the peer sent more than a limit of ours allows
 *     ├── InvalidStateError       state: the call does not fit the state of the socket
 *     ├── TimeoutError            timeout: the cause of a ConnectionClosedError: keep-alive or close took too long
 *     └── OptionsError            option: bad arguments; a TypeError too
 *
 * `instanceof` recognises errors of other copies of this package as well.
 */
import type { HttpHeaders } from './http-headers.ts'

/** Why connecting failed. */
export type HandshakeErrorCode =
  /** The server answered, but not with 101, or 200 over HTTP/2: see `response`. */
  | 'UPGRADE_REFUSED'
  /** A redirect that may not be followed: to another scheme, from wss to ws, without a Location, or the sixth. */
  | 'REDIRECT_REFUSED'
  /** 101 without `Upgrade: websocket` or `Connection: Upgrade` (RFC 6455 §4.1). */
  | 'INVALID_UPGRADE'
  /** 101 with a Sec-WebSocket-Accept that does not belong to our key: not a WebSocket server, or a cache between. */
  | 'INVALID_ACCEPT'
  /** The server chose a subprotocol that was not offered, or more than one. */
  | 'INVALID_SUBPROTOCOL'
  /** The server chose an extension that was not offered, or with parameters that were not. */
  | 'INVALID_EXTENSION'
  /** What came back is not an HTTP response, or exceeds the limits on its head. */
  | 'INVALID_RESPONSE'
  /** The name of the host has no address. May be tried again only if the name server said so. */
  | 'HOST_NOT_FOUND'
  /** Nobody listens at that address and port. */
  | 'CONNECTION_REFUSED'
  /** The connection ended before the response was complete. */
  | 'CONNECTION_LOST'
  /** Any other failure of the network: no route, no permission, no buffers. */
  | 'NETWORK_FAILED'
  /** TLS failed: a certificate that is not trusted, a wrong name, no common version. */
  | 'TLS_FAILED'
  /** The server does not speak HTTP/2, or does not choose it, and nothing else would do. */
  | 'HTTP2_UNAVAILABLE'
  /**
   * The server speaks HTTP/2, but its SETTINGS do not allow extended CONNECT (RFC 8441 §3): nothing was asked of it.
   */
  | 'EXTENDED_CONNECT_UNSUPPORTED'
  /** The stream was reset before there was an answer; the message names the code (RFC 9113 §7). */
  | 'STREAM_RESET'
  /** The proxy did not let the connection through: see `proxyStatus`. */
  | 'PROXY_REFUSED'
  /** The caller's HTTP client failed by itself: see `cause`. */
  | 'CLIENT_FAILED'
  /** No answer within `handshakeTimeout`. */
  | 'HANDSHAKE_TIMEOUT'

/** The stable names of all errors. */
export type ErrorCode =
  | HandshakeErrorCode
  | 'CONNECTION_CLOSED'
  | 'PROTOCOL_VIOLATION'
  | 'MESSAGE_TOO_BIG'
  | 'INVALID_STATE'
  | 'KEEP_ALIVE_TIMEOUT'
  | 'CLOSE_TIMEOUT'
  | 'INVALID_OPTION'

/** What the server answered to the opening handshake. */
export interface HandshakeResponse {
  readonly status: number
  /** The reason phrase; empty where the server or the HTTP client gave none. */
  readonly statusText: string
  /** All fields in the order in which they came, repeated ones kept. */
  readonly headers: HttpHeaders
  readonly httpVersion: '1.1' | '2'
  /** Of a refusal: the first 64 KiB of its body, undecoded. Empty otherwise. */
  readonly body: Uint8Array
  /** True when the body was longer than what was kept, or was cut off. */
  readonly bodyTruncated: boolean
}

/** One try of `connect`: each redirect makes another. */
export interface HandshakeAttempt {
  /** Where to, without userinfo, query or fragment. */
  readonly url: string
  readonly transport: 'fetch' | 'tcp' | 'dispatcher' | 'http2'
  readonly httpVersion: '1.1' | '2'
  /** The status that was answered, 0 if none was. */
  readonly status: number
  /** What it ended in: undefined for a redirect that was followed. */
  readonly error?: HandshakeErrorCode
}

const BRAND = Symbol.for('hawser.error')

/**
 * Makes `instanceof type` hold for every object branded with `name`, whichever copy of hawser made it. `inherited` are
 * the names of the types it descends from.
 */
function brand(
  type: { readonly prototype: object },
  name: string,
  inherited = (type.prototype as { [BRAND]?: readonly string[] })[BRAND] ?? [],
): void {
  Object.defineProperty(type.prototype, BRAND, { value: [...inherited, name] })
  Object.defineProperty(type.prototype, 'name', { value: name, configurable: true, writable: true })
  Object.defineProperty(type, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      if (this !== type) return Function.prototype[Symbol.hasInstance].call(this as object, value)
      const brands = (value as { [BRAND]?: readonly string[] } | null | undefined)?.[BRAND]
      return Array.isArray(brands) && brands.includes(name)
    },
  })
}

/** The base of all errors of hawser. */
export class HawserError extends Error {
  /** Stable from release to release; the message is not. */
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
brand(HawserError, 'HawserError')

export interface HandshakeErrorDetails extends ErrorOptions {
  readonly response?: HandshakeResponse | undefined
  readonly attempts?: readonly HandshakeAttempt[]
  readonly retriable?: boolean
  readonly retryAfter?: number | undefined
  readonly proxyStatus?: number | undefined
}

/** `connect()` failed. */
export class HandshakeError extends HawserError {
  declare readonly code: HandshakeErrorCode
  /** What the server answered; undefined if it did not, or if `collectHttpResponseDetails` is false. */
  readonly response: HandshakeResponse | undefined
  /** What was tried, in order; the last one is what this error is about. */
  readonly attempts: readonly HandshakeAttempt[]
  /**
   * Whether the same call may succeed later: true for 429, 502, 503, 504, Cloudflare's 520–524 and 530, for connections
   * that were refused or lost, for a temporary failure of the name server and for a time-out. False for everything that
   * only a change on either side can mend. Workers do not tell a name without an address, or a failure of TLS, from
   * what passes: there it is true for these as well.
   */
  readonly retriable: boolean
  /**
   * How long the server asks us to wait before the next try (Retry-After, RFC 9110 §10.2.3), in milliseconds; at most
   * the 24 days that a timer can wait.
   */
  readonly retryAfter: number | undefined
  /** The status with which the proxy refused the tunnel, as far as the HTTP client tells. */
  readonly proxyStatus: number | undefined

  constructor(code: HandshakeErrorCode, message: string, details: HandshakeErrorDetails = {}) {
    super(code, message, details)
    this.response = details.response
    this.attempts = details.attempts ?? []
    this.retriable = details.retriable ?? false
    this.retryAfter = details.retryAfter
    this.proxyStatus = details.proxyStatus
  }
}
brand(HandshakeError, 'HandshakeError')

/** The connection is over: what was asked for can no longer be done. */
export class ConnectionClosedError extends HawserError {
  /** The code of the Close frame that came, 1005 if it held none, 1006 if none came (RFC 6455 §7.1.5). */
  readonly closeStatus: number
  /** The reason in the Close frame. */
  readonly reason: string
  /** True when both sides have sent a Close frame. */
  readonly wasClean: boolean

  constructor(
    message: string,
    details: { closeStatus?: number; reason?: string; wasClean?: boolean; code?: ErrorCode } & ErrorOptions = {},
  ) {
    super(details.code ?? 'CONNECTION_CLOSED', message, details)
    this.closeStatus = details.closeStatus ?? 1006
    this.reason = details.reason ?? ''
    this.wasClean = details.wasClean ?? false
  }
}
brand(ConnectionClosedError, 'ConnectionClosedError')

/** The peer broke a rule of the protocol; we have sent a Close frame that says so, and failed the connection. */
export class ProtocolError extends ConnectionClosedError {
  /** The rule, as a stable name. */
  readonly violation: string
  /**
   * The code of the Close frame that we sent: 1002, or 1007 for text that is not UTF-8 and data that do not inflate.
   */
  readonly closeCode: number

  constructor(violation: string, closeCode: number, message: string) {
    super(message, { code: 'PROTOCOL_VIOLATION' })
    this.violation = violation
    this.closeCode = closeCode
  }
}
brand(ProtocolError, 'ProtocolError')

/** The peer sent a message above `maxMessageSize` or of more than `maxFragments`; we closed with 1009. */
export class MessageTooBigError extends ConnectionClosedError {
  /** The limit: bytes, or fragments. */
  readonly limit: number

  constructor(message: string, limit: number) {
    super(message, { code: 'MESSAGE_TOO_BIG' })
    this.limit = limit
  }
}
brand(MessageTooBigError, 'MessageTooBigError')

/** The call does not fit the state of the socket. */
export class InvalidStateError extends HawserError {
  /** The state in which the socket was. */
  readonly state: string

  constructor(message: string, state: string) {
    super('INVALID_STATE', message)
    this.state = state
  }
}
brand(InvalidStateError, 'InvalidStateError')

/** Keep-alive or closing took too long; the message says whom it waited for. */
export class TimeoutError extends HawserError {
  /** The limit, in milliseconds. */
  readonly timeout: number

  constructor(code: 'KEEP_ALIVE_TIMEOUT' | 'CLOSE_TIMEOUT', message: string, timeout: number) {
    super(code, message)
    this.timeout = timeout
  }
}
brand(TimeoutError, 'TimeoutError')

/** An argument or option that cannot be used; nothing has been sent. */
export class OptionsError extends TypeError {
  readonly code = 'INVALID_OPTION'
  /** The option or argument that is wrong. */
  readonly option: string

  constructor(option: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.option = option
  }
}
brand(OptionsError, 'OptionsError', ['HawserError'])
