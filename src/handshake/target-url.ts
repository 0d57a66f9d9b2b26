/** The URL of a WebSocket server: RFC 6455 §3, and the http(s) forms that WHATWG takes for the same thing. */
import { OptionsError } from '../errors.ts'

/**
 * The URL to connect to, as ws: or wss:, in a copy of its own. Userinfo stays.
 *
 * Fails with an OptionsError for anything that is not an absolute ws:, wss:, http: or https: URL without a fragment.
 * Neither its message nor a cause repeats the input, since that may hold a password.
 */
export function parseTarget(input: string | URL): URL {
  const parsed = parse(input)
  if (parsed === undefined) fail('cannot be parsed: give an absolute one, such as wss://example.com/path')
  const url = webSocketUrl(parsed)
  if (url === undefined) fail('has to begin with ws:, wss:, http: or https:')
  // RFC 6455 §3: no fragment. An empty one does not show in `hash`.
  if (url.href.includes('#')) fail('has a fragment: leave out "#" and what follows, or write "#" as %23')
  return url
}

/** The same URL, changed from http(s) to ws(s) where it was; undefined for any other scheme. */
export function webSocketUrl(url: URL): URL | undefined {
  const scheme = url.protocol.replace('http', 'ws')
  if (scheme !== 'ws:' && scheme !== 'wss:') return undefined
  // To set a part of a URL is to parse it again.
  if (url.protocol !== scheme) url.protocol = scheme
  return url
}

/** The URL as errors may show it: without userinfo, query and fragment. */
export function printable(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`
}

/** The http(s) form of a ws(s) URL, without userinfo and fragment: what a cookie jar understands. */
export function httpUrl(url: URL): string {
  return `${url.protocol === 'wss:' ? 'https:' : 'http:'}//${url.host}${url.pathname}${url.search}`
}

function parse(input: string | URL): URL | undefined {
  try {
    return new URL(input)
  } catch {
    return undefined
  }
}

function fail(problem: string): never {
  throw new OptionsError('url', `The url ${problem}`)
}
