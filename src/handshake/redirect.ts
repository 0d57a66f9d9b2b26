/** Redirects of the opening handshake (RFC 9110 §15.4). */
import { HandshakeError } from '../errors.ts'
import type { HeaderField } from '../http-headers.ts'
import type { ResponseHead } from './response-head.ts'
import { hex, quoted } from './syntax.ts'
import { printable, webSocketUrl } from './target-url.ts'

/** How many redirects are followed. */
export const MAX_REDIRECTS = 5

const STATUSES = new Set([301, 302, 303, 307, 308])
/** Fields that are meant for one origin. */
const SECRET = new Set(['authorization', 'cookie', 'host'])

/** Whether a status asks to go to another URL. */
export function isRedirect(status: number): boolean {
  return STATUSES.has(status)
}

/**
 * Where a redirect leads, as ws: or wss:, without userinfo and fragment. Fails with REDIRECT_REFUSED when there is not
 * exactly one usable Location, or when it leads from wss to ws.
 */
export function redirectTarget(from: URL, head: ResponseHead): URL {
  const target = webSocketLocation(from, head)
  target.username = ''
  target.password = ''
  target.hash = ''
  if (from.protocol === 'wss:' && target.protocol === 'ws:') {
    fail(from, head, 'away from TLS, from wss: to ws:')
  }
  return target
}

function webSocketLocation(from: URL, head: ResponseHead): URL {
  const [location, ...others] = head.headers.getAll('location')
  if (location === undefined) fail(from, head, 'without a Location')
  if (others.length > 0) fail(from, head, 'to more than one Location')
  // Servers write UTF-8 here; as percent-encoded octets it keeps its meaning.
  const ascii = location.replace(/[\x80-\xff]/g, (octet) => `%${hex(octet)}`)
  const url = URL.parse(ascii, from.href)
  if (url === null) fail(from, head, 'to a Location that is not a URL')
  return webSocketUrl(url) ?? fail(from, head, `to another scheme: ${quoted(url.protocol)}`)
}

/** Whether two URLs have the same scheme, host and port. */
export function sameOrigin(a: URL, b: URL): boolean {
  return a.origin === b.origin
}

/** The caller's fields that may be sent to another origin than the one that they were meant for. */
export function withoutSecrets(headers: readonly HeaderField[]): HeaderField[] {
  return headers.filter(([name]) => !SECRET.has(name.toLowerCase()))
}

function fail(from: URL, head: ResponseHead, problem: string): never {
  throw new HandshakeError('REDIRECT_REFUSED', `${printable(from)} redirects (${head.status}) ${problem}`)
}
