/** The arguments of WebSocket and WebSocketStream, converted and checked as the WebSockets Standard and Web IDL say. */

import { MAX_REASON_BYTES } from '../codec/close-code.ts'
import { isToken } from '../handshake/syntax.ts'
import { webSocketUrl } from '../handshake/target-url.ts'
import { utf8Length } from './utf8-length.ts'

const MAX_SHORT = 65_535

/** How the closing handshake is to be started; without a code the Close frame is empty. */
export interface CloseInfo {
  readonly code: number | undefined
  readonly reason: string
}

/** The URL record of a ws(s) or http(s) URL, as ws(s). A message never repeats the input, which may hold a password. */
export function urlRecord(input: unknown): URL {
  const base = (globalThis as { location?: { href?: string } }).location?.href
  const parsed = URL.parse(text(input), base)
  if (parsed === null) throw syntaxError('The URL cannot be parsed.')
  const url = webSocketUrl(parsed)
  if (url === undefined) throw syntaxError('The URL has to begin with ws:, wss:, http: or https:.')
  // An empty fragment does not show in `hash`.
  if (url.href.includes('#')) throw syntaxError('The URL has a fragment.')
  return url
}

/** Subprotocols as RFC 6455 §4.1 wants them: tokens, each of them once. */
export function checkProtocols(protocols: readonly string[]): readonly string[] {
  const seen = new Set(protocols.map((protocol) => protocol.toLowerCase()))
  if (seen.size < protocols.length) throw syntaxError('A subprotocol stands there twice.')
  if (!protocols.every(isToken)) throw syntaxError('A subprotocol is not a token.')
  return protocols
}

/** The elements of a sequence, as strings. */
export function strings(sequence: Iterable<unknown>): string[] {
  return [...sequence].map((one) => text(one))
}

/** "Validate close code and reason". A reason without a code goes out with 1000. */
export function checkClose(code: number | undefined, reason: string): CloseInfo {
  if (code !== undefined && code !== 1000 && (code < 3000 || code > 4999)) {
    throw new DOMException('The close code has to be 1000, or 3000 to 4999.', 'InvalidAccessError')
  }
  if (reason.length > MAX_REASON_BYTES || utf8Length(reason) > MAX_REASON_BYTES) {
    throw syntaxError(`The close reason has to be at most ${MAX_REASON_BYTES} bytes long in UTF-8.`)
  }
  return { code: code ?? (reason === '' ? undefined : 1000), reason }
}

/** USVString: anything, with U+FFFD for lone surrogates. */
export function text(value: unknown): string {
  return `${value as string}`.toWellFormed()
}

/** [Clamp] unsigned short: to the nearest, and to the even one half-way. */
export function clampedShort(value: unknown): number {
  const bounded = Math.min(Math.max(number(value), 0), MAX_SHORT) || 0
  const rounded = Math.round(bounded)
  return rounded - bounded === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded
}

/** [EnforceRange] unsigned short. */
export function shortInRange(value: unknown, name: string): number {
  const whole = Math.trunc(number(value))
  if (whole >= 0 && whole <= MAX_SHORT) return whole
  throw new TypeError(`${name} has to be a number from 0 to ${MAX_SHORT}.`)
}

function number(value: unknown): number {
  // Fails for a Symbol or a BigInt, as it should.
  return +(value as number)
}

export function syntaxError(message: string): DOMException {
  return new DOMException(message, 'SyntaxError')
}
