/** What a person at the command line can do about a handshake that failed. */
import type { HandshakeError, HandshakeErrorCode } from '../index.ts'

const BY_STATUS: Readonly<Record<number, string>> = {
  401: 'log in with -H "Authorization: …", or with USER:PASSWORD@ in the URL',
  403: 'some servers want to know where you come from: try -H "Origin: https://…"',
  404: 'look at the path: the server knows no WebSocket there',
  407: 'the proxy wants a login: --proxy http://USER:PASSWORD@HOST:PORT',
}

const BY_CODE: Readonly<Partial<Record<HandshakeErrorCode, string>>> = {
  REDIRECT_REFUSED: 'give the URL that the Location names, if you trust it',
  INVALID_ACCEPT: 'something between here and the server may have answered in its place',
  INVALID_SUBPROTOCOL: 'offer the one that the server speaks: --subprotocol NAME',
  PROXY_REFUSED: 'if the proxy wants a login: --proxy http://USER:PASSWORD@HOST:PORT',
  HTTP2_UNAVAILABLE: '--http1.1 does without HTTP/2',
  EXTENDED_CONNECT_UNSUPPORTED: '--http2 without --exact goes on with HTTP/1.1',
  STREAM_RESET: '--http1.1 shows whether the server does better without HTTP/2',
  HANDSHAKE_TIMEOUT: '--timeout SECONDS waits longer',
}

/** A certificate that nobody vouches for, as OpenSSL's verification names it. */
const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** What to try; undefined if the error's message says it all. */
export function hintFor({ code, response, cause }: HandshakeError): string | undefined {
  if (code === 'TLS_FAILED') {
    const isUntrusted = UNTRUSTED.has((cause as { code?: string } | undefined)?.code ?? '')
    return isUntrusted ? '--ca FILE trusts its authority; --insecure trusts anyone, for a test' : undefined
  }
  if (code !== 'UPGRADE_REFUSED' || response === undefined) return BY_CODE[code]
  if (response.headers.has('location')) return '--follow goes where the Location says'
  return BY_STATUS[response.status]
}
