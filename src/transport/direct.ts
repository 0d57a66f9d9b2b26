/**
 * The handshake over HTTP/2: on connections of hawser's own, from which it may go on to HTTP/1.1, or on a caller's
 * session.
 */
import { type ClientHttp2Session, connect } from 'node:http2'
import type { Socket } from 'node:net'
import type { HandshakeError } from '../errors.ts'
import type { HandshakeRequest } from '../handshake/request.ts'
import { FIELD_LIMIT } from '../handshake/response-head.ts'
import type { Http2Session } from '../options.ts'
import type { Refused, Transport, Upgraded } from './contracts.ts'
import { extendedConnect, type Lease } from './http2.ts'
import { connectUnsupported, sessionClosed } from './http2-error.ts'
import { isProtocolRefused } from './network-error.ts'
import type { OwnSession } from './pooled-session.ts'
import { isBun } from './runtime.ts'
import { type Http1Route, type Http2Plan, type OpenConnection, type SessionPool, sessionPool } from './session-pool.ts'
import { dialHttp2, lateTlsFailure, type NodeDialOptions, nodeDial } from './socket.node.ts'
import { type Address, addressOf, tcp } from './tcp.ts'

const MiB = 1024 * 1024
/** Some peers send too much when they were never told a window, so both are always said. */
const STREAM_WINDOW = 4 * MiB
// Bun lets a stream stall whose window is less than half of its connection's.
const CONNECTION_WINDOW = isBun ? 2 * STREAM_WINDOW : 16 * MiB
/**
 * In MB. By default Node refuses new streams while 10 MB wait to be sent; how much waits is limited for each socket.
 */
const SESSION_MEMORY = 4096
/** The pseudo-header field of a response counts as well. */
const MAX_FIELDS = FIELD_LIMIT + 1
/** RFC 9113 §8.7: what was certainly not looked at may be sent again; but not for ever. */
const MAX_TRIES = 3

/**
 * The transport over connections of hawser's own that speak HTTP/2, shared by all sockets of a thread, with the plan
 * `http2` or `negotiate`.
 *
 * A `negotiate` goes on with HTTP/1.1 when the server does not speak HTTP/2, does not allow extended CONNECT, or asks
 * for HTTP/1.1 with HTTP_1_1_REQUIRED; never because of anything else.
 */
export function overHttp2(plan: Http2Plan, dialOptions: NodeDialOptions, pool = sessionPool()): Transport {
  return async (request, signal, onDowngrade) => {
    signal.throwIfAborted()
    const address = addressOf(request.url)
    const open = opener(address, dialOptions)
    let fresh = false
    for (let tries = 1; ; tries++) {
      const route = await pool.route(address, dialOptions.tls ?? {}, { plan, open, fresh, signal })
      if (route.lease === undefined) {
        try {
          return await goOn(route, dialOptions, request, signal, onDowngrade)
        } catch (error) {
          // What was remembered of the host is not so any more: it speaks HTTP/2 alone.
          const isOutdated = route.reason === undefined && isProtocolRefused((error as Error | null)?.cause)
          if (!isOutdated || tries === MAX_TRIES) throw error
          pool.forget(address, dialOptions.tls ?? {})
          continue
        }
      }
      const outcome = await extendedConnect(route.lease, request, signal)
      if (!('error' in outcome)) return outcome
      const { error, remedy } = outcome
      if (remedy === 'http1' && plan === 'negotiate') {
        return await goOn({ reason: error, stream: undefined }, dialOptions, request, signal, onDowngrade)
      }
      const isStale: boolean = remedy === 'fresh' && route.lease.isReused && !fresh
      if (!isStale && !(remedy === 'again' && tries < MAX_TRIES)) throw error
      fresh ||= isStale
    }
  }
}

/** Says why, and makes the handshake in HTTP/1.1. */
function goOn(
  { reason, stream }: Http1Route,
  dialOptions: NodeDialOptions,
  request: HandshakeRequest,
  signal: AbortSignal,
  onDowngrade: ((error: HandshakeError | undefined) => void) | undefined,
): Promise<Upgraded | Refused> {
  onDowngrade?.(reason)
  if (signal.aborted) stream?.destroy()
  const dial = stream === undefined ? nodeDial(dialOptions) : () => Promise.resolve(stream)
  return tcp(dial, lateTlsFailure)(request, signal)
}

function opener(address: Address, dialOptions: NodeDialOptions): OpenConnection {
  return (plan, signal) => {
    const protocols = plan === 'http2' ? (['h2'] as const) : (['h2', 'http/1.1'] as const)
    return dialHttp2(address, signal, protocols, (socket) => startSession(address, socket), dialOptions)
  }
}

function startSession({ origin }: Address, socket: Socket): OwnSession {
  const session = connect(origin.replace(/^ws/, 'http'), {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: STREAM_WINDOW },
    maxSessionMemory: SESSION_MEMORY,
    maxHeaderListPairs: MAX_FIELDS,
  })
  // Whoever has a stream learns of it from that; the pool, from 'close'.
  session.on('error', () => {})
  session.once('connect', () => {
    if (!session.destroyed) session.setLocalWindowSize(CONNECTION_WINDOW)
  })
  return { session, socket }
}

/**
 * The transport over a session of the caller's, which is never ended or configured, and has windows and limits of its
 * own: Node has more streams than the peer allows wait. It need not lead to the origin of the URL. There is no way to
 * HTTP/1.1.
 */
export function overSession(given: Http2Session, pool = sessionPool()): Transport {
  // The options know of the session only what every runtime has.
  const session = given as ClientHttp2Session
  return async (request, signal) => {
    signal.throwIfAborted()
    for (let tries = 1; ; tries++) {
      const outcome = await extendedConnect(await borrowed(session, request, signal, pool), request, signal)
      if (!('error' in outcome)) return outcome
      if (outcome.remedy !== 'again' || tries === MAX_TRIES || session.closed) throw outcome.error
    }
  }
}

/**
 * Fails with CLIENT_FAILED for a session that is over, and with EXTENDED_CONNECT_UNSUPPORTED if its peer does not allow
 * it.
 */
async function borrowed(
  session: ClientHttp2Session,
  { url }: HandshakeRequest,
  signal: AbortSignal,
  pool: SessionPool,
): Promise<Lease> {
  const connection = pool.borrow(session)
  connection.retain()
  try {
    if (connection.isUsable) await connection.settled(signal)
    if (!connection.isUsable) throw sessionClosed(url.origin, connection.error)
    if (!connection.allowsConnect) throw connectUnsupported(url.origin)
  } catch (error) {
    connection.release()
    throw error
  }
  return { connection, isReused: true, release: () => connection.release() }
}
