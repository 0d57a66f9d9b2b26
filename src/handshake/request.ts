import { OptionsError } from '../errors.ts'
import type { HeaderField } from '../http-headers.ts'
import type { Credentials } from '../options.ts'
import { randomWord } from '../random-words.ts'
import { type DeflateOffer, offerText } from './deflate-offer.ts'
import { isFieldText, latin1 } from './syntax.ts'

/** The client's side of an opening handshake (RFC 6455 §4.1), before it is put on a wire. */
export interface HandshakeRequest {
  /** ws: or wss:, without userinfo and fragment. */
  readonly url: URL
  /** The Sec-WebSocket-Key that stands among the headers. */
  readonly key: string
  /** Every field, Host first, except Connection and Upgrade, which belong to the transport. */
  readonly headers: readonly HeaderField[]
  /** What was offered, to check the answer against. */
  readonly subprotocols: readonly string[]
  readonly deflate?: DeflateOffer | undefined
}

/** What goes into a request besides its URL. */
export interface RequestParts {
  /** The caller's fields, as `checkHeaders` gives them. */
  readonly headers: readonly HeaderField[]
  /** Tokens, the preferred one first. */
  readonly subprotocols: readonly string[]
  /** What is asked for of permessage-deflate. */
  readonly deflate?: DeflateOffer | undefined
  readonly credentials?: Credentials | undefined
  /** The value of a Cookie field, from a jar. */
  readonly cookie?: string | undefined
}

/** The caller's fields that do not go out as they are: Host stands first, cookies are merged. */
const PLACED = new Set(['host', 'cookie'])

/**
 * A request with a fresh key, from a URL that `parseTarget` gave.
 *
 * A caller's Host replaces the URL's. A caller's Authorization wins over `credentials`, and those over the URL's
 * userinfo. Fails with an OptionsError for a user's name with a colon, and for a cookie that is not the value of a
 * header.
 */
export function buildRequest(url: URL, parts: RequestParts): HandshakeRequest {
  const key = newKey()
  const headers: HeaderField[] = [
    ['Host', valuesOf(parts.headers, 'host')[0] ?? url.host],
    ['Sec-WebSocket-Version', '13'],
    ['Sec-WebSocket-Key', key],
    ...optional('Sec-WebSocket-Protocol', parts.subprotocols.join(', ')),
    ...optional('Sec-WebSocket-Extensions', parts.deflate ? offerText(parts.deflate) : ''),
    ...optional('Authorization', authorization(url, parts)),
    ...optional('Cookie', cookies(parts)),
    ...parts.headers.filter(([name]) => !PLACED.has(name.toLowerCase())),
  ]
  return { url: withoutUserinfo(url), key, headers, subprotocols: parts.subprotocols, deflate: parts.deflate }
}

/** 16 random bytes (RFC 6455 §4.1). */
function newKey(): string {
  return btoa(latin1(new Uint8Array(Int32Array.from({ length: 4 }, randomWord).buffer)))
}

/** As it may be sent and shown. */
export function withoutUserinfo(url: URL): URL {
  // To copy a URL, or to set a part of it, is to parse it again.
  if (url.username + url.password + url.hash === '') return url
  const copy = new URL(url)
  copy.username = ''
  copy.password = ''
  copy.hash = ''
  return copy
}

function optional(name: string, value: string): HeaderField[] {
  return value === '' ? [] : [[name, value]]
}

function valuesOf(headers: readonly HeaderField[], wanted: string): string[] {
  return headers.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value)
}

function cookies({ headers, cookie = '' }: RequestParts): string {
  if (!isFieldText(cookie))
    throw new OptionsError('cookies', 'The cookie jar gave what cannot be the value of a header')
  // RFC 6265 §5.4: one Cookie field at most.
  return [...valuesOf(headers, 'cookie'), cookie].filter((value) => value !== '').join('; ')
}

/** The Authorization of our own making; empty when the caller has set one, or there is nothing to make one of. */
function authorization(url: URL, { headers, credentials }: RequestParts): string {
  if (valuesOf(headers, 'authorization').length > 0) return ''
  if (credentials !== undefined) {
    return basic(utf8Octets(credentials.username), utf8Octets(credentials.password), 'credentials')
  }
  if (url.username === '' && url.password === '') return ''
  return basic(percentDecode(url.username), percentDecode(url.password), 'url')
}

/** RFC 7617 §2, with the octets of UTF-8 as characters. */
function basic(username: string, password: string, option: string): string {
  if (username.includes(':')) {
    throw new OptionsError(option, "A user's name with a colon cannot be sent as Basic authentication (RFC 7617 §2)")
  }
  return `Basic ${btoa(`${username}:${password}`)}`
}

function utf8Octets(text: string): string {
  return latin1(new TextEncoder().encode(text))
}

/** As WHATWG does it: a percent sign that starts no octet stays. `decodeURIComponent` would throw. */
function percentDecode(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, octet: string) => String.fromCharCode(Number.parseInt(octet, 16)))
}
