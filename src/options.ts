/** The options of a ClientWebSocket, documented where they are declared. `resolve-options.ts` checks them. */

/**
 * Header fields as a caller may give them: a record, whose fields that are undefined are left out, pairs, a `Headers`,
 * or anything else that iterates over pairs.
 */
export type HeadersInit =
  | Readonly<Record<string, string | readonly string[] | undefined>>
  | Iterable<readonly [name: string, value: string]>

/**
 * An undici dispatcher, as far as hawser uses it: of undici 6, 7 or 8, or of Node's own fetch.
 * `onUpgrade` and its kin are called on one handler that speaks every version's dialect.
 */
export interface Dispatcher {
  // biome-ignore lint/suspicious/noExplicitAny: three majors of undici type their options and handlers differently.
  dispatch(options: any, handler: any): boolean
}

/** The HTTP version of a handshake. */
export type HttpVersion = '1.1' | '2'

/** How strictly the version is meant: it or a lower one, it or a higher one, or nothing else. */
export type HttpVersionPolicy = 'or-lower' | 'or-higher' | 'exact'

/** A client session of node:http2, as far as hawser uses it. */
export interface Http2Session {
  readonly closed: boolean
  readonly destroyed: boolean
  // biome-ignore lint/suspicious/noExplicitAny: the types of node:http2 are not there in every runtime.
  request(headers: any, options?: any): any
}

/** A fetch whose response to an upgrade has a `webSocket`, as in Cloudflare Workers. */
// biome-ignore lint/suspicious/noExplicitAny: every runtime has its own types of requests.
export type FetchFunction = (url: string, init: any) => Promise<unknown>

/** Something to fetch from: a service binding, or a stub of a Durable Object. */
export interface Fetcher {
  readonly fetch: FetchFunction
}

/** A cookie jar with the shape of tough-cookie's `CookieJar`. */
export interface CookieJar {
  /** The value of a Cookie field for an http(s) URL. */
  getCookieString(url: string): Promise<string> | string
  /** Stores one Set-Cookie value that a response from that URL held. */
  setCookie(cookie: string, url: string): unknown
}

/**
 * TLS for connections of hawser's own, with the meaning that `tls.connect` of Node gives to each. What stands here is
 * looked at when a TLS connection is made: wrong types are an OptionsError of that.
 */
export interface TlsOptions {
  /** Certificates (PEM) to trust instead of the well-known ones. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** The client's certificate chain (PEM). */
  readonly cert?: string | Uint8Array
  /** The client's private key (PEM). */
  readonly key?: string | Uint8Array
  /** The client's certificate and key as PKCS #12, instead of `cert` and `key`. */
  readonly pfx?: string | Uint8Array
  /** Opens `key` or `pfx`. */
  readonly passphrase?: string
  /** The name for SNI and for the check of the certificate. Default: the host of the URL. */
  readonly servername?: string
  /** False accepts any certificate: only for tests. Default: true. */
  readonly rejectUnauthorized?: boolean
  /** Judges the server's certificate after its chain has been verified; an Error refuses it. */
  // biome-ignore lint/suspicious/noExplicitAny: the certificate is Node's PeerCertificate, whose types not every runtime has.
  readonly checkServerIdentity?: (hostname: string, certificate: any) => Error | undefined
}

/** A user's name and password for Basic authentication (RFC 7617). */
export interface Credentials {
  readonly username: string
  readonly password: string
}

/** What is offered of permessage-deflate (RFC 7692 §7.1). The server may choose less. */
export interface PerMessageDeflateOptions {
  /**
   * The window that we compress with, as the base-2 logarithm of its size, 9 to 15: less is cheaper and compresses
   * less. Default: 15.
   */
  readonly clientMaxWindowBits?: number
  /**
   * The largest window that the server may compress with, 9 to 15. A server that does not grant a smaller one is
   * refused. Default: 15.
   */
  readonly serverMaxWindowBits?: number
  /** Whether our messages may refer to those before them, which compresses much better. Default: true. */
  readonly clientContextTakeover?: boolean
  /** Whether those of the server may. A server that does not grant false is refused. Default: true. */
  readonly serverContextTakeover?: boolean
  /**
   * The size in bytes from which on our messages are compressed; 0: all but empty ones. What is sent in fragments
   * always is: its size is not known before its end. Default: 1024.
   */
  readonly threshold?: number
}

/** The options of {@link ClientWebSocket}. They are read and checked once, by its constructor. */
export interface ClientWebSocketOptions {
  /**
   * Subprotocols to offer, the preferred one first (RFC 6455 §1.9). A server that chooses none is accepted: look at
   * `subprotocol`. Default: none.
   */
  readonly subprotocols?: readonly string[]
  /**
   * More header fields for the handshake. `Host` may be set; the fields of the handshake itself (Connection, Upgrade,
   * Sec-WebSocket-*) and those that frame a body are refused. Default: none.
   */
  readonly headers?: HeadersInit
  /**
   * Your own HTTP client: an undici dispatcher (Agent, Pool, Client, ProxyAgent, with any interceptors; undici 6, 7,
   * 8), or `'global'` for the one that the process's fetch uses. hawser never closes it. `tls`, `proxy`, `cookies` and
   * `credentials` belong to it and are refused beside it. An Agent of undici 7 with `allowH2` knows no request that
   * must not use HTTP/2: give it `httpVersion: '2'`. Default: a connection of hawser's own.
   */
  readonly dispatcher?: Dispatcher | 'global'
  /**
   * Your own HTTP/2 connection: a ClientHttp2Session of node:http2, which stays yours for requests. hawser opens a
   * stream on it for the socket (RFC 8441), and never closes or configures it: its windows and its `maxSessionMemory`
   * are yours to choose. It is HTTP/2 or nothing: `httpVersion` is '2' beside it, and there is no way down. The origin
   * of the URL goes into the request as it is, wherever the session leads.
   */
  readonly session?: Http2Session
  /**
   * Your own fetch for Workers: a service binding, the stub of a Durable Object (both are called as they are, with an
   * http(s) URL), or any function whose response has a `webSocket`; in Node, `dispatchFetch` of Miniflare. `tls`,
   * `proxy`, `cookies` and `credentials` belong to it and are refused beside it, and so is what `transport` lists.
   * Default: the fetch of the Worker.
   */
  readonly fetch?: FetchFunction | Fetcher
  /**
   * What carries the connection, as far as it is hawser's to choose. `'fetch'` is the upgrade of a Worker's fetch: the
   * runtime frames, which costs the least for a message at a time and the fewest bytes of code. `'tcp'` is a socket of
   * hawser's own, which it frames itself.
   *
   * Only over `'tcp'` can `ping` be called, and only there has receiving back-pressure: over `'fetch'` a connection
   * fails when 64 MiB are unread, `send` never waits, a message has at most 32 MiB, nothing keeps the connection alive,
   * and invalid UTF-8 arrives as U+FFFD. Options that need `'tcp'`: `keepAliveInterval` and `keepAliveTimeout` unless
   * they are off, `highWaterMark`, `maxFragments`, a `maxMessageSize` above 32 MiB, parameters of `perMessageDeflate`,
   * and `Host` among the `headers`.
   *
   * `'auto'` is, in Workers, `'tcp'` when one of these is given and else `'fetch'`; elsewhere, what the other options
   * say. Default: `'auto'`.
   */
  readonly transport?: 'auto' | 'fetch' | 'tcp'
  /**
   * The HTTP version to ask for. `'2'` is an extended CONNECT on a stream (RFC 8441): many sockets to one server share
   * a connection. Default: `'1.1'`, and `'2'` beside a `session`.
   */
  readonly httpVersion?: HttpVersion
  /**
   * What else will do. Over `wss:`, `'2'` with `'or-lower'` and `'1.1'` with `'or-higher'` offer both in one TLS
   * handshake, and go on with HTTP/1.1 if the server has no HTTP/2, or no WebSockets over it; over `ws:` they use
   * HTTP/1.1. `'2'` with `'or-higher'` or `'exact'` is HTTP/2 only, over `ws:` with prior knowledge. Default:
   * `'or-lower'`.
   */
  readonly httpVersionPolicy?: HttpVersionPolicy
  /** TLS options for `wss:`. Default: Node's. */
  readonly tls?: TlsOptions
  /**
   * The proxy: a URL (`http:`, `https:`, `socks5:`; userinfo authenticates), `'env'` for HTTP_PROXY, HTTPS_PROXY and
   * NO_PROXY, which name no SOCKS proxy, or false. Both ws and wss are tunnelled by CONNECT. `tls` is for the server;
   * an `https:` proxy may use its `ca` as well. Through SOCKS no server is found by an IPv6 address. undici calls its
   * SOCKS experimental, and Node prints that once. Default: false.
   */
  readonly proxy?: string | URL | false
  /** A jar whose cookies are sent (Secure ones on wss only) and which stores those of the response. Default: none. */
  readonly cookies?: CookieJar
  /** Sent as Basic authentication to the origin of the URL. Userinfo in the URL does the same. Default: none. */
  readonly credentials?: Credentials
  /**
   * `'follow'` follows at most 5 redirects, never from wss to ws. To another origin it takes no `credentials`, no
   * Authorization, Cookie or Host of `headers`, and no client certificate or `servername` of `tls`; subprotocols and
   * other headers go along. `'error'` treats a redirect as any other refusal. Default: `'error'`.
   */
  readonly redirect?: 'error' | 'follow'
  /**
   * permessage-deflate (RFC 7692): compresses messages in both directions, if the server agrees; `extensions` tells.
   * True offers it with all defaults. It costs time and memory on both sides, and a secret must not be compressed
   * together with what an attacker can choose. It needs node:zlib: in Workers, `nodejs_compat` with a compatibility
   * date from 2024-09-23 on; over the fetch transport, nothing. Default: false.
   */
  readonly perMessageDeflate?: boolean | PerMessageDeflateOptions
  /** Whether status, headers and body of the response are kept. Default: true. */
  readonly collectHttpResponseDetails?: boolean
  /**
   * The longest time for the whole handshake, redirects included, in milliseconds; 0 or Infinity: none. Default:
   * 30,000.
   */
  readonly handshakeTimeout?: number
  /**
   * How long `close` waits for the peer's Close frame and end, in milliseconds; 0 or Infinity: for ever. Default:
   * 10,000.
   */
  readonly closeTimeout?: number
  /**
   * How long nothing may have come in before the connection is tried, in milliseconds; 0 or Infinity: off. Default:
   * 30,000. With a `keepAliveTimeout` a Ping is sent and has to be answered; without one, an unsolicited Pong (RFC 6455
   * §5.5.3).
   */
  readonly keepAliveInterval?: number
  /**
   * How long after a keep-alive Ping has left something has to come in, in milliseconds, or the connection fails: with
   * a ConnectionClosedError, whose cause is the TimeoutError KEEP_ALIVE_TIMEOUT. While bytes wait to be sent, their
   * leaving counts as well. 0 or Infinity: never. Default: Infinity.
   */
  readonly keepAliveTimeout?: number
  /**
   * Whether the peer's Close frame leaves our direction open, until `close` or `closeOutput` is called (RFC 6455 §5.5.1
   * lets us finish what we have to say). Otherwise it is answered at once. Default: false.
   */
  readonly allowHalfOpen?: boolean
  /**
   * The largest message to receive, in bytes, at most 536,870,888; a larger one fails the connection with 1009 as soon
   * as somebody receives. `receiveStream` takes messages of any size. Default: 64 MiB.
   */
  readonly maxMessageSize?: number
  /** The most fragments that a received message may have; more are treated as too many bytes are. Default: 131,072. */
  readonly maxFragments?: number
  /**
   * Bytes. `send` waits while as much as this is unsent; receiving pauses while as much as this is unread. Default: 256
   * KiB.
   */
  readonly highWaterMark?: number
}
