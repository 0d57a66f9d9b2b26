/** Whether an answer that switched protocols is the one to our request (RFC 6455 §4.1). */
import { HandshakeError, type HandshakeErrorCode } from '../errors.ts'
import type { HttpHeaders } from '../http-headers.ts'
import { agreement, type DeflateAgreement } from './extensions.ts'
import type { HandshakeRequest } from './request.ts'
import type { ResponseHead } from './response-head.ts'
import { chosenSubprotocol } from './subprotocol.ts'
import { latin1, listElements, quoted, trimWhiteSpace } from './syntax.ts'

/** RFC 6455 §1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** What the server chose. */
export interface Accepted {
  /** Empty is none. */
  readonly subprotocol: string
  /** What was agreed of permessage-deflate; undefined if it was not. */
  readonly deflate: DeflateAgreement | undefined
}

/** The Sec-WebSocket-Accept that belongs to a Sec-WebSocket-Key (RFC 6455 §4.2.2). */
export async function acceptFor(key: string): Promise<string> {
  // Where there is Node's: at once, and a tenth of the time of `crypto.subtle`, which asks another thread.
  const hash = globalThis.process?.getBuiltinModule?.('node:crypto')?.hash
  if (hash) return hash('sha1', key + GUID, 'base64')
  const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(key + GUID))
  return btoa(latin1(new Uint8Array(digest)))
}

/**
 * Checks the head of an answer that switched protocols, and gives what the server chose.
 *
 * `expectedAccept` is `acceptFor(request.key)` over HTTP/1.1. It is undefined for an answer to an extended CONNECT,
 * which has no key, and no Upgrade or Connection either (RFC 8441 §5): the status alone tells that the server agreed.
 *
 * Fails with INVALID_UPGRADE, INVALID_ACCEPT, INVALID_SUBPROTOCOL or INVALID_EXTENSION.
 */
export function verifyUpgrade(
  head: ResponseHead,
  request: HandshakeRequest,
  expectedAccept: string | undefined,
): Accepted {
  if (expectedAccept !== undefined) {
    verifySwitch(head.headers)
    verifyAccept(head.headers, expectedAccept)
  }
  const deflate = agreement(head.headers.getAll('sec-websocket-extensions'), request.deflate)
  return { subprotocol: chosenSubprotocol(head.headers, request.subprotocols), deflate }
}

function verifySwitch(headers: HttpHeaders): void {
  const protocols = listElements(headers.getAll('upgrade'))
  // RFC 9110 §7.8: a second protocol would lie on top of the first one.
  if (protocols.length === 0 || protocols.some((protocol) => protocol.toLowerCase() !== 'websocket')) {
    fail('INVALID_UPGRADE', `The server switched to another protocol: Upgrade is ${quoted(protocols.join(', '))}`)
  }
  const options = listElements(headers.getAll('connection'))
  if (!options.some((option) => option.toLowerCase() === 'upgrade')) {
    fail(
      'INVALID_UPGRADE',
      `The server switched protocols without "Connection: Upgrade", but ${quoted(options.join(', '))}`,
    )
  }
}

function verifyAccept(headers: HttpHeaders, expected: string): void {
  const values = headers.getAll('sec-websocket-accept').map(trimWhiteSpace)
  if (values.length !== 1)
    fail('INVALID_ACCEPT', `The answer has ${values.length} Sec-WebSocket-Accept fields, not one`)
  if (values[0] !== expected)
    fail('INVALID_ACCEPT', 'The Sec-WebSocket-Accept of the answer does not belong to our key')
}

function fail(code: HandshakeErrorCode, message: string): never {
  throw new HandshakeError(code, message)
}
