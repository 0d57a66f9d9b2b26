/** Which transport a connect uses, outside of Workers. */
import { OptionsError } from '../errors.ts'
import { type Plan, planOf } from '../handshake/http-version.ts'
import type { Dispatcher, FetchFunction, Http2Session, HttpVersion, HttpVersionPolicy, TlsOptions } from '../options.ts'
import type { Transport, Upgraded, UpgradedSocket } from './contracts.ts'
import { lateTlsFailure, type NodeDialOptions, nodeDial } from './socket.node.ts'
import { tcp } from './tcp.ts'

/** The options that say how the server is reached. */
export interface ClientOptions {
  readonly dispatcher: Dispatcher | 'global' | undefined
  readonly session: Http2Session | undefined
  readonly fetch: FetchFunction | undefined
  readonly transport: 'auto' | 'fetch' | 'tcp'
  /** Whether something was asked for that only a socket of hawser's own can do. */
  readonly tcpNeed: object | undefined
  readonly allowHalfOpen: boolean
  readonly httpVersion: HttpVersion
  readonly httpVersionPolicy: HttpVersionPolicy
  readonly proxy: URL | 'env' | undefined
  readonly tls: TlsOptions | undefined
}

export type TransportName = 'fetch' | 'tcp' | 'dispatcher' | 'http2'

export interface Selection {
  /** What an answer of each version came by, or would have come. */
  readonly names: Readonly<Record<HttpVersion, TransportName>>
  /** The version in which a request to this URL is made at first. */
  readonly versionFor: (url: URL) => HttpVersion
  readonly transport: Transport<Upgraded | UpgradedSocket>
  /** Frees what was made for this connect alone; called when connecting has failed. */
  readonly discard: () => Promise<void>
}

const nothing = async () => {}

/** `loadFraming` loads what frames bytes, and gives where reads of hawser's own sockets land. */
export async function selectTransport(
  options: ClientOptions,
  loadFraming: () => Promise<{ readonly readBuffer: Uint8Array }>,
): Promise<Selection> {
  const { dispatcher, session, proxy, tls, transport } = options
  if (transport === 'fetch' || options.fetch !== undefined) return await throughFetch(options)
  // Before the connection, so that nothing has to be loaded once it stands.
  const { readBuffer } = await loadFraming()
  const planned = (url: URL) => planOf(options.httpVersion, options.httpVersionPolicy, url.protocol === 'wss:')
  const plan = (url: URL) => (transport === 'tcp' ? 'http1' : planned(url))
  if (session !== undefined) return await throughSession(session)
  if (dispatcher !== undefined) return await throughDispatcher(dispatcher, plan)
  if (proxy !== undefined) return await throughProxy(proxy, tls, plan)
  return direct(plan, { tls, readBuffer })
}

async function throughFetch({ fetch, allowHalfOpen }: ClientOptions): Promise<Selection> {
  if (fetch === undefined) {
    throw new OptionsError('transport', "Only the fetch of Workers can upgrade: pass a fetch that can, or use 'auto'.")
  }
  if (allowHalfOpen) {
    const message = 'Outside of Workers a fetch answers Close frames by itself: leave allowHalfOpen out beside fetch.'
    throw new OptionsError('allowHalfOpen', message)
  }
  const { fetchTransport } = await import('./fetch.ts')
  return {
    names: { '1.1': 'fetch', '2': 'fetch' },
    versionFor: () => '1.1',
    transport: fetchTransport(fetch),
    discard: nothing,
  }
}

async function throughSession(session: Http2Session): Promise<Selection> {
  const { overSession } = await import('./direct.ts')
  return {
    names: { '1.1': 'http2', '2': 'http2' },
    versionFor: () => '2',
    transport: overSession(session),
    discard: nothing,
  }
}

const DISPATCHER: Omit<Selection, 'transport' | 'discard'> = {
  names: { '1.1': 'dispatcher', '2': 'dispatcher' },
  versionFor: () => '1.1',
}

async function throughDispatcher(dispatcher: Dispatcher | 'global', plan: (url: URL) => Plan): Promise<Selection> {
  const [{ plannedDispatcher }, { globalDispatcher }] = await Promise.all([
    import('./dispatcher-http2.ts'),
    import('./undici.ts'),
  ])
  const used = dispatcher === 'global' ? await globalDispatcher() : dispatcher
  const versionFor = (url: URL) => (plan(url) === 'http1' ? '1.1' : '2')
  return { ...DISPATCHER, versionFor, transport: plannedDispatcher(used, plan), discard: nothing }
}

async function throughProxy(
  proxy: URL | 'env',
  tls: TlsOptions | undefined,
  plan: (url: URL) => Plan,
): Promise<Selection> {
  const [{ dispatcherTransport }, { proxyDispatcher }] = await Promise.all([
    import('./dispatcher.ts'),
    import('./proxy.ts'),
  ])
  const own = await proxyDispatcher(proxy, tls)
  const transport = dispatcherTransport(own.dispatcher, own.via)
  return {
    ...DISPATCHER,
    transport: async (request, signal) => {
      if (plan(request.url) !== 'http2') return await transport(request, signal)
      throw new OptionsError(
        'httpVersion',
        "Through a proxy there is no HTTP/2 yet: use '1.1', or the policy 'or-lower'.",
      )
    },
    discard: own.destroy,
  }
}

/** Node takes long to find again what it has loaded already. */
let loadedDirect: typeof import('./direct.ts') | undefined

/** Over sockets of hawser's own. What HTTP/2 needs is loaded only when it may be spoken. */
function direct(plan: (url: URL) => Plan, dialOptions: NodeDialOptions): Selection {
  const http1 = tcp(nodeDial(dialOptions), lateTlsFailure)
  return {
    names: { '1.1': 'tcp', '2': 'http2' },
    versionFor: (url) => (plan(url) === 'http1' ? '1.1' : '2'),
    transport: async (request, signal, onDowngrade) => {
      const chosen = plan(request.url)
      if (chosen === 'http1') return await http1(request, signal)
      loadedDirect ??= await import('./direct.ts')
      return await loadedDirect.overHttp2(chosen, dialOptions)(request, signal, onDowngrade)
    },
    discard: nothing,
  }
}
