/** The header fields that a caller adds to the handshake. */
import { OptionsError } from '../errors.ts'
import type { HeaderField } from '../http-headers.ts'
import type { HeadersInit } from '../options.ts'
import { isFieldText, isToken, trimWhiteSpace } from './syntax.ts'

const BY_HANDSHAKE = 'hawser writes it itself'
const NO_BODY = 'a handshake has no body; leave it out'
const NO_HOP = 'it is about the connection, which hawser manages; leave it out'

/** Names that are refused, and what to do instead. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['connection', BY_HANDSHAKE],
  ['upgrade', BY_HANDSHAKE],
  ['sec-websocket-protocol', 'use the option subprotocols'],
  ['content-length', NO_BODY],
  ['transfer-encoding', NO_BODY],
  ['trailer', NO_BODY],
  ['expect', NO_BODY],
  ['te', NO_HOP],
  ['keep-alive', NO_HOP],
  ['proxy-connection', NO_HOP],
  ['http2-settings', NO_HOP],
  ['proxy-authorization', "put the user's name and password into the URL of the option proxy"],
])

/** RFC 9110 §7.2: uri-host [ ":" port ], and not empty. Of what this lets through `URL` refuses the rest. */
const AUTHORITY = /^(?:[\w.~!$&'()*+,;=%-]+|\[[\d:.A-Fa-f]+\])(?::\d+)?$/

/**
 * A caller's header fields as pairs, in order, the white space around values removed.
 *
 * Fails with an OptionsError for fields that cannot be sent, or that belong to the handshake. Its message never shows a
 * value, nor a name that is not one: that may be a whole field line by mistake.
 */
export function checkHeaders(headers: HeadersInit): HeaderField[] {
  const fields = pairs(headers).map(checkField)
  if (fields.filter(([name]) => name.toLowerCase() === 'host').length > 1) {
    fail('"Host" may be given once (RFC 9112 §3.2)')
  }
  return fields
}

function pairs(headers: HeadersInit): unknown[] {
  if (typeof headers !== 'object' || headers === null) fail('they have to be a record, pairs or a Headers')
  if (Symbol.iterator in headers) return [...headers]
  return Object.entries(headers).flatMap(([name, value = []]) =>
    Array.isArray(value) ? value.map((one) => [name, one]) : [[name, value]],
  )
}

/** Callers without types can hand in anything: hence `unknown`. */
function checkField(pair: unknown, index: number): HeaderField {
  if (!Array.isArray(pair) || pair.length !== 2) fail(`number ${index + 1} is not a pair of name and value`)
  const [name, value]: readonly unknown[] = pair
  checkName(name, index)
  if (typeof value !== 'string') fail(`the value of "${name}" has to be a string`)
  const trimmed = trimWhiteSpace(value)
  checkValue(name, trimmed)
  return [name, trimmed]
}

function checkName(name: unknown, index: number): asserts name is string {
  if (typeof name !== 'string') fail(`the name of number ${index + 1} is not a string`)
  if (name.startsWith(':')) fail(`number ${index + 1} is a pseudo-header field of HTTP/2; for :authority use Host`)
  if (!isToken(name)) fail(`the name of number ${index + 1} is empty or has characters that names never have`)
  const lowerCase = name.toLowerCase()
  const instead = REFUSED.get(lowerCase) ?? (lowerCase.startsWith('sec-websocket-') ? BY_HANDSHAKE : undefined)
  if (instead !== undefined) fail(`"${name}" cannot be set: ${instead}`)
}

function checkValue(name: string, value: string): void {
  if (!isFieldText(value)) {
    fail(`the value of "${name}" has a line end, a control character or a character above U+00FF (RFC 9110 §5.5)`)
  }
  if (name.toLowerCase() === 'host' && !(AUTHORITY.test(value) && URL.canParse(`ws://${value}`))) {
    fail('the value of "Host" has to be a host, or a host and a port (RFC 9110 §7.2)')
  }
}

function fail(problem: string): never {
  throw new OptionsError('headers', `Headers: ${problem}`)
}
