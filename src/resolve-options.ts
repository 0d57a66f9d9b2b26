import { boolean, checkNames, checkObject } from './arguments.ts'
import { OptionsError } from './errors.ts'
import { checkHeaders } from './handshake/caller-headers.ts'
import { isToken } from './handshake/syntax.ts'
import type {
  ClientWebSocketOptions,
  CookieJar,
  Credentials,
  Dispatcher,
  Fetcher,
  FetchFunction,
  Http2Session,
  HttpVersion,
  HttpVersionPolicy,
  PerMessageDeflateOptions,
  TlsOptions,
} from './options.ts'
import { checkTransport, type TcpNeed, tcpNeed } from './transport-rules.ts'

/** The options with all defaults in place. A time or limit that is off is Infinity. */
export interface ResolvedOptions {
  readonly subprotocols: readonly string[]
  readonly headers: readonly (readonly [string, string])[]
  readonly dispatcher: Dispatcher | 'global' | undefined
  readonly session: Http2Session | undefined
  readonly fetch: FetchFunction | undefined
  readonly transport: 'auto' | 'fetch' | 'tcp'
  /** What was asked for that only a socket of hawser's own can do. */
  readonly tcpNeed: TcpNeed | undefined
  readonly httpVersion: HttpVersion
  readonly httpVersionPolicy: HttpVersionPolicy
  readonly tls: TlsOptions | undefined
  readonly proxy: URL | 'env' | undefined
  readonly cookies: CookieJar | undefined
  readonly credentials: Credentials | undefined
  readonly redirect: 'error' | 'follow'
  readonly perMessageDeflate: Required<PerMessageDeflateOptions> | undefined
  readonly collectHttpResponseDetails: boolean
  readonly handshakeTimeout: number
  readonly closeTimeout: number
  readonly keepAliveInterval: number
  readonly keepAliveTimeout: number
  readonly allowHalfOpen: boolean
  readonly maxMessageSize: number
  readonly maxFragments: number
  readonly highWaterMark: number
}

const MiB = 1024 * 1024
/** The most that an option may be: as many milliseconds as setTimeout can wait. */
const MAX_NUMBER = 2 ** 31 - 1
/** The longest string that V8 makes; a text message becomes one. */
const MAX_MESSAGE_SIZE = 2 ** 29 - 24
const PROXY_PROTOCOLS = ['http:', 'https:', 'socks5:']

/** The caller's own HTTP clients. */
const CLIENTS = ['dispatcher', 'session', 'fetch'] as const
/** Options that say how to reach the server: with a caller's own client they would be ignored, so they are refused. */
const OF_THE_CLIENT = ['tls', 'proxy', 'cookies', 'credentials'] as const

const TLS_NAMES: Readonly<Record<keyof TlsOptions, true>> = {
  ca: true,
  cert: true,
  key: true,
  pfx: true,
  passphrase: true,
  servername: true,
  rejectUnauthorized: true,
  checkServerIdentity: true,
}

/**
 * Checks the options and fills in the defaults; throws an OptionsError that names the first one that cannot be used.
 */
export function resolveOptions(options: ClientWebSocketOptions): ResolvedOptions {
  checkObject(options, 'options')
  refuseOptionsOfTheClient(options)
  const headers = checkHeaders(options.headers === undefined ? [] : options.headers)
  const known = { ...withDefaults(options), headers } satisfies Record<keyof ClientWebSocketOptions, unknown>
  checkNames('', options, known)
  const resolved = { ...known, tcpNeed: tcpNeed(options, headers) }
  checkTransport(resolved)
  return resolved
}

function withDefaults(options: ClientWebSocketOptions): Omit<ResolvedOptions, 'headers' | 'tcpNeed'> {
  return {
    subprotocols: subprotocols(options.subprotocols),
    dispatcher: dispatcher(options.dispatcher),
    session: withMethods('session', options.session, ['request']),
    fetch: fetchFunction(options.fetch),
    transport: oneOf('transport', options.transport, ['auto', 'fetch', 'tcp']),
    httpVersion: oneOf('httpVersion', options.httpVersion, versionsOf(options)),
    httpVersionPolicy: oneOf('httpVersionPolicy', options.httpVersionPolicy, ['or-lower', 'or-higher', 'exact']),
    tls: tls(options.tls),
    proxy: proxy(options.proxy),
    cookies: withMethods('cookies', options.cookies, ['getCookieString', 'setCookie']),
    credentials: credentials(options.credentials),
    redirect: oneOf('redirect', options.redirect, ['error', 'follow']),
    perMessageDeflate: perMessageDeflate(options.perMessageDeflate),
    collectHttpResponseDetails: boolean('collectHttpResponseDetails', options.collectHttpResponseDetails, true),
    handshakeTimeout: time('handshakeTimeout', options.handshakeTimeout, 30_000),
    closeTimeout: time('closeTimeout', options.closeTimeout, 10_000),
    keepAliveInterval: time('keepAliveInterval', options.keepAliveInterval, 30_000),
    keepAliveTimeout: time('keepAliveTimeout', options.keepAliveTimeout, Infinity),
    allowHalfOpen: boolean('allowHalfOpen', options.allowHalfOpen, false),
    maxMessageSize: count('maxMessageSize', options.maxMessageSize, 64 * MiB, MAX_MESSAGE_SIZE),
    maxFragments: count('maxFragments', options.maxFragments, 131_072),
    highWaterMark: count('highWaterMark', options.highWaterMark, MiB / 4),
  }
}

/** The one way out. */
function refuse(option: string, message: string, cause?: unknown): never {
  throw new OptionsError(option, message, cause === undefined ? undefined : { cause })
}

function refuseOptionsOfTheClient(options: ClientWebSocketOptions): void {
  const [client, second] = CLIENTS.filter((name) => options[name] !== undefined)
  if (client === undefined) return
  if (second !== undefined) refuse(second, `${second} and ${client} are both HTTP clients: pass one of them.`)
  for (const name of OF_THE_CLIENT) {
    if (options[name] === undefined || options[name] === false) continue
    refuse(name, `${name} belongs to the HTTP client: set it on the ${client} that you pass, not beside it.`)
  }
}

/** RFC 6455 §4.1: tokens, each of them once. */
function subprotocols(value: readonly string[] | undefined): readonly string[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) refuse('subprotocols', 'subprotocols must be an array of strings.')
  const seen = new Set<string>()
  // The values are not shown: some carry a token for authentication.
  for (const [index, name] of (value as readonly unknown[]).entries()) {
    if (typeof name !== 'string' || !isToken(name)) {
      refuse('subprotocols', `subprotocols[${index}] is not a token (RFC 9110 §5.6.2).`)
    }
    if (seen.has(name.toLowerCase())) refuse('subprotocols', `subprotocols[${index}] stands there twice.`)
    seen.add(name.toLowerCase())
  }
  return Object.freeze([...value])
}

function dispatcher(value: Dispatcher | 'global' | undefined): Dispatcher | 'global' | undefined {
  return value === 'global' ? value : withMethods('dispatcher', value, ['dispatch'])
}

function fetchFunction(value: FetchFunction | Fetcher | undefined): FetchFunction | undefined {
  // The methods of bindings and stubs work only on their objects. Some are functions as well.
  if (typeof (value as Fetcher | null | undefined)?.fetch === 'function') {
    const fetcher = value as Fetcher
    return (url, init) => fetcher.fetch(url, init)
  }
  if (value === undefined || typeof value === 'function') return value
  return refuse('fetch', 'fetch must be a function, or have a method fetch.')
}

/** What a caller's client can speak. */
function versionsOf({ session, fetch }: ClientWebSocketOptions): readonly [HttpVersion, ...HttpVersion[]] {
  if (session !== undefined) return ['2']
  return fetch === undefined ? ['1.1', '2'] : ['1.1']
}

function proxy(value: string | URL | false | undefined): URL | 'env' | undefined {
  if (value === undefined || value === false) return undefined
  if (value === 'env') return value
  const url = URL.parse(String(value))
  // The value is not shown: it may hold a password.
  if (!url) refuse('proxy', "proxy must be a URL, 'env' or false.")
  if (!PROXY_PROTOCOLS.includes(url.protocol)) refuse('proxy', 'proxy must be an http:, https: or socks5: URL.')
  return url
}

/** A copy, of the options that are documented. */
function tls(value: TlsOptions | undefined): TlsOptions | undefined {
  const given = object('tls', value)
  checkNames('tls.', given ?? {}, TLS_NAMES)
  return given && { ...given }
}

function perMessageDeflate(
  value: boolean | PerMessageDeflateOptions | undefined,
): Required<PerMessageDeflateOptions> | undefined {
  if (value === undefined || value === false) return undefined
  const given = value === true ? {} : object('perMessageDeflate', value)!
  const name = (parameter: keyof PerMessageDeflateOptions) => `perMessageDeflate.${parameter}`
  const resolved = {
    clientMaxWindowBits: count(name('clientMaxWindowBits'), given.clientMaxWindowBits, 15, 15, 9),
    serverMaxWindowBits: count(name('serverMaxWindowBits'), given.serverMaxWindowBits, 15, 15, 9),
    clientContextTakeover: boolean(name('clientContextTakeover'), given.clientContextTakeover, true),
    serverContextTakeover: boolean(name('serverContextTakeover'), given.serverContextTakeover, true),
    threshold: count(name('threshold'), given.threshold, 1024, MAX_NUMBER, 0),
  }
  checkNames('perMessageDeflate.', given, resolved)
  return resolved
}

function credentials(value: Credentials | undefined): Credentials | undefined {
  const given = object('credentials', value)
  if (given === undefined) return undefined
  const { username, password } = given
  if (typeof username !== 'string' || typeof password !== 'string') {
    refuse('credentials', 'credentials must have a username and a password, both strings.')
  }
  // RFC 7617 §2: the colon separates the two.
  if (username.includes(':')) refuse('credentials', 'A username cannot contain a colon.')
  return { username, password }
}

function object<T extends object>(name: string, value: T | undefined): T | undefined {
  if (value !== undefined) checkObject(value, name)
  return value
}

function withMethods<T extends object>(name: string, value: T | undefined, methods: readonly (keyof T & string)[]) {
  if (value === undefined) return undefined
  const missing = methods.find((method) => typeof (value as T | null)?.[method] !== 'function')
  if (missing !== undefined) refuse(name, `${name} must have a method ${missing}.`)
  return value
}

function oneOf<T extends string>(name: string, value: T | undefined, allowed: readonly [T, ...T[]]): T {
  if (value === undefined) return allowed[0]
  return allowed.includes(value) ? value : refuse(name, `${name} must be one of ${allowed.join(', ')}.`)
}

/** Milliseconds; 0 and Infinity both mean never. */
function time(name: string, value: number | undefined, preset: number): number {
  if (value === undefined) return preset
  if (value === 0 || value === Infinity) return Infinity
  if (typeof value === 'number' && value > 0 && value <= MAX_NUMBER) return value
  return refuse(name, `${name} must be a number of milliseconds from 0 to ${MAX_NUMBER}, or Infinity.`)
}

function count(name: string, value: number | undefined, preset: number, most = MAX_NUMBER, least = 1): number {
  if (value === undefined) return preset
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value
  return refuse(name, `${name} must be a whole number from ${least} to ${most}.`)
}
