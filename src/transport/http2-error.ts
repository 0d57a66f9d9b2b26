/** Why a handshake over HTTP/2 has no answer. `where` is the origin of the URL. */
import { HandshakeError } from '../errors.ts'
import { http2Code } from './http2-codes.ts'
import { networkError } from './network-error.ts'

/**
 * The connection was lost: by itself, or because Node ends one on which HTTP/2 is broken. With TLS 1.3 a server judges
 * the client's certificate only after the client believes itself connected.
 */
export function connectionLost(where: string, what: string, cause?: Error): HandshakeError {
  const failure = networkError(cause, where)
  if (failure.code === 'TLS_FAILED') return failure
  if ((cause as { code?: unknown } | undefined)?.code === 'ERR_HTTP2_ERROR') {
    const broken = `Cannot connect to ${where}: what the server sends breaks the rules of HTTP/2`
    return new HandshakeError('INVALID_RESPONSE', broken, { cause })
  }
  const message = `Cannot connect to ${where}: ${what}`
  return new HandshakeError('CONNECTION_LOST', message, { ...(cause && { cause }), retriable: true })
}

/**
 * The stream was reset before there was an answer: by the server, or by Node because the answer breaks the rules of
 * HTTP/2.
 */
export function streamReset(where: string, code: number, cause: Error | undefined): HandshakeError {
  const { name, retriable } = http2Code(code)
  const message = `Cannot connect to ${where}: the stream was reset with ${name} before there was an answer`
  return new HandshakeError('STREAM_RESET', message, { ...(cause && { cause }), retriable })
}

/** The server has SETTINGS without ENABLE_CONNECT_PROTOCOL. */
export function connectUnsupported(where: string): HandshakeError {
  const message = `Cannot connect to ${where} over HTTP/2: the server does not allow extended CONNECT (RFC 8441)`
  return new HandshakeError('EXTENDED_CONNECT_UNSUPPORTED', message)
}

/** The server does not speak HTTP/2 there. */
export function http2Unavailable(where: string, what: string, cause?: unknown): HandshakeError {
  const message = `Cannot connect to ${where} over HTTP/2: ${what}`
  return new HandshakeError('HTTP2_UNAVAILABLE', message, cause === undefined ? {} : { cause })
}

/** The caller's session is of no use. */
export function sessionClosed(where: string, cause: Error | undefined): HandshakeError {
  const message = `Cannot connect to ${where}: the session is closed; give one that is open`
  return new HandshakeError('CLIENT_FAILED', message, cause && { cause })
}
