/** Dispatchers that go through a proxy: undici's, with TLS as hawser's options say. */
import { Socket } from 'node:net'
import { rootCertificates } from 'node:tls'
import type { buildConnector, Dispatcher, EnvHttpProxyAgent } from 'undici'
import { OptionsError } from '../errors.ts'
import type { TlsOptions } from '../options.ts'
import { NO_TUNNEL } from './dispatcher-error.ts'
import { tlsMaterial } from './tls-material.ts'
import { loadUndici } from './undici.ts'

type Undici = typeof import('undici')
type Connector = buildConnector.connector

export interface ProxyDispatcher {
  readonly dispatcher: Dispatcher
  /** How errors name the proxy: without userinfo. */
  readonly via: string
  /**
   * Ends everything at once that the dispatcher has opened, an open WebSocket included. To be called when no WebSocket
   * has come of it, since what is still on its way would otherwise go on. After a success nothing is left but that
   * WebSocket's own socket, and no call is needed.
   */
  destroy(): Promise<void>
}

/**
 * A dispatcher for one connection through a proxy.
 *
 * - `http:` and `https:` proxies are asked for a tunnel by CONNECT, for ws and wss alike; userinfo becomes Basic
 *   authentication.
 * - `socks5:` proxies resolve the name of the host, which undici lets be no IPv6 address; userinfo authenticates
 *   (RFC 1929). undici calls this experimental, and Node prints that once.
 * - `'env'` takes HTTP_PROXY for ws and HTTPS_PROXY for wss (HTTP_PROXY if there is none), goes around hosts in
 *   NO_PROXY, and connects directly where there is no proxy. Names in lower case win. SOCKS is not for it.
 *
 * `tls` is for the server. The certificate of an `https:` proxy may come from an authority of `tls.ca` or from a
 * well-known one.
 *
 * No time limit but that of the request, and 10 s for each step of SOCKS. Fails with an OptionsError for a variable
 * that is not a URL, or names a SOCKS proxy.
 */
export async function proxyDispatcher(proxy: URL | 'env', tls: TlsOptions = {}): Promise<ProxyDispatcher> {
  const undici = await loadUndici()
  const opened = new Set<Socket>()
  const dispatcher = proxy === 'env' ? fromEnvironment(undici, tls, opened) : through(undici, proxy, tls, opened)
  const destroy = async () => {
    const destroyed = dispatcher.destroy()
    // undici lets go of a connection only once it stands, and of its timers for SOCKS only by an error.
    for (const socket of opened) socket.destroy(new Error('The dispatcher has been destroyed'))
    await destroyed
  }
  const via = proxy === 'env' ? 'the proxy of the environment, if it has one' : `the proxy ${originOf(proxy)}`
  return { dispatcher, via, destroy }
}

function through(undici: Undici, proxy: URL, tls: TlsOptions, opened: Set<Socket>): Dispatcher {
  const uri = originOf(proxy)
  const username = octets(proxy.username)
  const password = octets(proxy.password)
  if (proxy.protocol === 'socks5:') {
    return new undici.Socks5ProxyAgent(uri, {
      connect: track(undici.buildConnector(COMMON), opened),
      connectTimeout: SOCKS_TIMEOUT,
      requestTls: serverTls(tls),
      username: username.toString(),
      password: password.toString(),
    })
  }
  const token = `Basic ${Buffer.concat([username, Buffer.from(':'), password]).toString('base64')}`
  const authentication = proxy.username === '' && proxy.password === '' ? {} : { token }
  return new undici.ProxyAgent({ uri, ...authentication, ...tunnel(undici, tls, opened) })
}

function fromEnvironment(undici: Undici, tls: TlsOptions, opened: Set<Socket>): Dispatcher {
  const { http_proxy, HTTP_PROXY, https_proxy, HTTPS_PROXY } = process.env
  // undici would use a connector of its own, with other limits, whose sockets nobody could end.
  if ([http_proxy ?? HTTP_PROXY, https_proxy ?? HTTPS_PROXY].some((url) => /^\s*socks/i.test(url ?? ''))) {
    throw new OptionsError(
      'proxy',
      "`proxy: 'env'` takes http: and https: proxies from HTTP_PROXY and HTTPS_PROXY; give a SOCKS proxy as `proxy`",
    )
  }
  const connect = track(undici.buildConnector(serverTls(tls)), opened)
  try {
    return new undici.EnvHttpProxyAgent({ connect, ...tunnel(undici, tls, opened) })
  } catch {
    // The error would show the password.
    throw new OptionsError(
      'proxy',
      "`proxy: 'env'` needs HTTP_PROXY and HTTPS_PROXY to be URLs of proxies, or not to be set",
    )
  }
}

/** What CONNECT needs: a client for the proxy, and TLS in the tunnel. */
function tunnel(undici: Undici, tls: TlsOptions, opened: Set<Socket>): EnvHttpProxyAgent.Options {
  const connect = track(undici.buildConnector(proxyTls(tls)), opened)
  return {
    proxyTunnel: true,
    requestTls: serverTls(tls),
    clientFactory: (origin) => new undici.Pool(origin, { connect }),
  }
}

/** What a chain of redirects needs, and some more. */
const MOST_CONNECTIONS = 8

/**
 * A connector whose sockets are known from the start, so that they can be let go before they stand. undici's returns
 * the socket, which its types do not tell.
 *
 * undici opens one tunnel after the other, without end, when each is lost before the request is sent, as one is in
 * which the proxy sends bytes of its own: here that comes to an end.
 */
function track(connect: Connector, opened: Set<Socket>): Connector {
  return (options, callback) => {
    if (opened.size === MOST_CONNECTIONS) {
      const error = Object.assign(new Error(`${MOST_CONNECTIONS} connections were of no use`), { code: NO_TUNNEL })
      queueMicrotask(() => callback(error, null))
      return
    }
    // undici's SOCKS leaves an IPv6 address in the brackets of the URL.
    const hostname = options.hostname.replace(/^\[(.+)\]$/, '$1')
    // By itself undici takes the name for TLS from the Host field, if one is sent.
    const socket: unknown = connect({ ...options, hostname, servername: '' }, callback)
    if (socket instanceof Socket) opened.add(socket)
  }
}

/** Milliseconds for each step; without one, undici would not notice a SOCKS proxy that hangs up. */
const SOCKS_TIMEOUT = 10_000

/** HTTP/1.1 only, without a time limit: the request has one. */
const COMMON = { allowH2: false, timeout: 0 } as const

function serverTls(tls: TlsOptions): buildConnector.BuildOptions {
  return { ...tlsMaterial(tls), ...COMMON }
}

function proxyTls(tls: TlsOptions): buildConnector.BuildOptions {
  const { ca } = tlsMaterial(tls)
  return { ...(ca !== undefined && { ca: [...rootCertificates, ...ca] }), ...COMMON }
}

/** Without userinfo. That of a socks5: URL has no `origin`. */
function originOf({ protocol, host }: URL): string {
  return `${protocol}//${host}`
}

/**
 * The octets of userinfo. A URL has percent-encoded all that is not ASCII; a percent sign that encodes nothing stays.
 */
function octets(userinfo: string): Buffer {
  const decode = (_: string, octet: string) => String.fromCharCode(Number.parseInt(octet, 16))
  return Buffer.from(userinfo.replace(/%([0-9a-f]{2})/gi, decode), 'latin1')
}
