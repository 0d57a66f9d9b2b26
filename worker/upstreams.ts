/** Which servers the Worker connects to, and what it says to them. */
import { type ClientWebSocket, type ClientWebSocketOptions, connect, type HeadersInit, OptionsError } from 'hawser'
import type { Env } from './env.ts'
import { Refused } from './refused.ts'

/** Milliseconds that an upstream has for the handshake, and for its part of the close. */
const HANDSHAKE_TIMEOUT = 10_000
const CLOSE_TIMEOUT = 1000

/** What connects to an upstream, and may be given up. */
export type UpstreamOptions = Pick<ClientWebSocketOptions, 'subprotocols' | 'headers' | 'transport'> & {
  readonly signal?: AbortSignal
}

/** The URL that a request asks for with `?url=`. Fails with Refused if there is none, or if it is not allowed. */
export function requestedUpstream(request: Request, env: Env): URL {
  const wanted = new URL(request.url).searchParams.get('url') ?? ''
  const url = URL.parse(wanted)
  if (url === null) throw new Refused(400, 'url has to be an absolute URL: ?url=wss%3A%2F%2Fexample.com%2Fpath')
  if (url.username !== '' || url.password !== '') {
    throw new Refused(403, 'A URL with userinfo is not allowed: credentials come from the Worker.')
  }
  if (!isAllowed(url, env)) {
    throw new Refused(403, `${url.protocol}//${url.host} is not allowed: UPSTREAMS in wrangler.toml does not name it.`)
  }
  if (url.href.includes('#')) throw new Refused(400, 'url has a fragment: leave it out.')
  return url
}

/** What a request says of the way to the upstream, with `?transport=`. Default: what hawser chooses. */
export function requestedTransport(request: Request): Pick<UpstreamOptions, 'transport'> {
  const transport = new URL(request.url).searchParams.get('transport')
  // hawser refuses any other value, and says which there are.
  return transport ? { transport: transport as NonNullable<UpstreamOptions['transport']> } : {}
}

/** Whether UPSTREAMS names the origin of a URL. What is compared is what is connected to: the URL as it was parsed. */
export function isAllowed(url: URL, env: Env): boolean {
  return allowedOrigins(env).includes(url.origin)
}

/** The origins in UPSTREAMS. One entry that is not an origin is a mistake, and allows nothing at all. */
export function allowedOrigins(env: Env): string[] {
  return (env.UPSTREAMS ?? '')
    .split(/\s+/)
    .filter((entry) => entry !== '')
    .map((entry) => {
      const origin = originOf(entry)
      if (origin !== undefined) return origin
      throw new Refused(500, 'UPSTREAMS has to hold origins, such as wss://example.com, separated by spaces.')
    })
}

/** The origin that a text is, as URLs have it; undefined if it is anything else. */
function originOf(text: string): string | undefined {
  const url = URL.parse(text)
  const isOrigin = url !== null && /^wss?:$/.test(url.protocol) && url.href === `${url.origin}/`
  return isOrigin ? url.origin : undefined
}

/** Connects as anybody would. */
export function connectUpstream(url: URL, options: UpstreamOptions): Promise<ClientWebSocket> {
  return connect(url, { handshakeTimeout: HANDSHAKE_TIMEOUT, closeTimeout: CLOSE_TIMEOUT, ...options })
}

/** Connects with the header fields that the Worker keeps for this origin. Fails with Refused if they cannot be sent. */
export async function connectWithSecrets(url: URL, env: Env, options: UpstreamOptions): Promise<ClientWebSocket> {
  const headers = secretHeaders(url, env)
  try {
    return await connectUpstream(url, { ...options, headers })
  } catch (error) {
    // The caller sets no headers: what is wrong with them is not for the caller to know.
    if (error instanceof OptionsError && error.option === 'headers') throw misconfigured()
    throw error
  }
}

function secretHeaders(url: URL, env: Env): HeadersInit {
  const byOrigin = parseSecret(env.UPSTREAM_HEADERS ?? '{}')
  const entries = Object.entries(byOrigin).map(([key, headers]) => [originOf(key), headers] as const)
  // One key that is not an origin is a mistake: its header fields would never be sent.
  if (entries.some(([origin]) => origin === undefined)) throw misconfigured()
  return entries.find(([origin]) => origin === url.origin)?.[1] ?? {}
}

/** What JSON.parse says of a mistake repeats its input: it must not get out. */
function parseSecret(json: string): Record<string, HeadersInit> {
  try {
    const value: unknown = JSON.parse(json)
    // hawser checks the fields themselves.
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, HeadersInit>
  } catch {}
  throw misconfigured()
}

function misconfigured(): Refused {
  return new Refused(500, 'UPSTREAM_HEADERS of this Worker is not usable: it has to be JSON, header fields by origin.')
}
