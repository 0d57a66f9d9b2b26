/** Which version of HTTP a handshake may use. */
import type { HttpVersion, HttpVersionPolicy } from '../options.ts'

/**
 * How a handshake goes about it:
 *
 * - `http1`: an upgrade in HTTP/1.1 and nothing else
 * - `http2`: an extended CONNECT (RFC 8441) and nothing else; over ws: with prior knowledge
 * - `negotiate`: TLS offers both; an extended CONNECT if the server can do it, or else an upgrade in HTTP/1.1
 */
export type Plan = 'http1' | 'negotiate' | 'http2'

/** Without TLS nothing can be negotiated (RFC 9113 §3.1), so a version that may be either is the lower one there. */
const PLANS: Readonly<
  Record<HttpVersion, Readonly<Record<HttpVersionPolicy, { readonly ws: Plan; readonly wss: Plan }>>>
> = {
  '1.1': {
    'or-lower': { ws: 'http1', wss: 'http1' },
    'or-higher': { ws: 'http1', wss: 'negotiate' },
    exact: { ws: 'http1', wss: 'http1' },
  },
  '2': {
    'or-lower': { ws: 'http1', wss: 'negotiate' },
    'or-higher': { ws: 'http2', wss: 'http2' },
    exact: { ws: 'http2', wss: 'http2' },
  },
}

/** What a version and a policy come to, with TLS or without. */
export function planOf(version: HttpVersion, policy: HttpVersionPolicy, secure: boolean): Plan {
  return PLANS[version][policy][secure ? 'wss' : 'ws']
}
