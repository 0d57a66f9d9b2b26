/** Header fields as undici takes and gives them, which differs from version to version. */
import type { HandshakeRequest } from '../handshake/request.ts'
import type { ResponseHead } from '../handshake/response-head.ts'
import { latin1, trimWhiteSpace } from '../handshake/syntax.ts'
import { type HeaderField, HttpHeaders } from '../http-headers.ts'
import type { HttpVersion } from '../options.ts'

/**
 * The fields of a request as a record, the only form that every version, proxy and interceptor of undici reads without
 * losing a repeated field.
 */
export function requestFields(
  { url, headers }: HandshakeRequest,
  version: HttpVersion,
): Record<string, string | string[]> {
  const fields = new Map<string, [name: string, values: string[]]>()
  for (const [name, value] of [...headers, NO_STORE]) {
    const key = name.toLowerCase()
    // undici sets Host by itself, and one that is given to it also becomes the name for TLS.
    if (key === 'host' && value === url.host) continue
    // RFC 8441 §5: over HTTP/2 there is no key.
    if (key === 'sec-websocket-key' && version === '2') continue
    const values = fields.get(key)?.[1]
    if (values === undefined) fields.set(key, [PLAIN.has(key) ? key : name, [value]])
    else values.push(value)
  }
  // A Host has to be a string.
  const entries = [...fields.values()].map(
    ([name, values]) => [name, values.length === 1 ? values[0]! : values] as const,
  )
  return Object.fromEntries(entries)
}

/**
 * The cache interceptor does not look whether a request wants to upgrade; this keeps it from answering, and from
 * storing.
 */
const NO_STORE: HeaderField = ['cache-control', 'no-store']

/** The names that interceptors look for as they are spelt here. */
const PLAIN = new Set(['host', 'cache-control'])

/** The head of a response from the fields that undici gives: a list of names and values in turn, or an object. */
export function headOf(
  status: number,
  statusText: string,
  headers: unknown,
  httpVersion: ResponseHead['httpVersion'] = '1.1',
): ResponseHead {
  return { status, statusText, headers: new HttpHeaders(responseFields(headers)), httpVersion }
}

function responseFields(headers: unknown): HeaderField[] {
  const pairs = Array.isArray(headers) ? inPairs(headers) : Object.entries(headers ?? {})
  return pairs.flatMap(([name, value]) => {
    const values: unknown[] = Array.isArray(value) ? value : [value]
    return values.map((each): HeaderField => [textOf(name), trimWhiteSpace(textOf(each))])
  })
}

function inPairs(list: readonly unknown[]): [unknown, unknown][] {
  const pairs: [unknown, unknown][] = []
  for (let i = 0; i + 1 < list.length; i += 2) pairs.push([list[i], list[i + 1]])
  return pairs
}

function textOf(value: unknown): string {
  return value instanceof Uint8Array ? latin1(value) : String(value)
}
