/** The HTTP/2 connections of hawser's own, shared by all sockets of a thread. */
import { HandshakeError } from '../errors.ts'
import type { TlsOptions } from '../options.ts'
import { HostMemory } from './host-memory.ts'
import type { Lease } from './http2.ts'
import { Http2Connection } from './http2-connection.ts'
import { connectionLost, connectUnsupported, http2Unavailable } from './http2-error.ts'
import { type OwnSession, PooledSession, type PoolTimes } from './pooled-session.ts'
import type { Dialed } from './socket.node.ts'
import type { Address, DialedStream } from './tcp.ts'
import { TlsIdentities } from './tls-identity.ts'

/** The plans in which HTTP/2 has a part. */
export type Http2Plan = 'negotiate' | 'http2'

/** Opens a connection that HTTP/2 may be spoken over; `negotiate` may come out at HTTP/1.1. */
export type OpenConnection = (plan: Http2Plan, signal: AbortSignal) => Promise<Dialed<OwnSession>>

/** Room for a stream. */
export interface Http2Route {
  readonly lease: Lease
}

/** To be gone on with in HTTP/1.1. */
export interface Http1Route {
  readonly lease?: undefined
  /** Why HTTP/2 has failed; undefined if it was not tried. */
  readonly reason: HandshakeError | undefined
  /** The connection that was meant for either; undefined if another one is needed. */
  readonly stream: DialedStream | undefined
}

export interface RouteRequest {
  readonly plan: Http2Plan
  readonly open: OpenConnection
  /** Whether it has to be a connection that does not stand yet. */
  readonly fresh: boolean
  readonly signal: AbortSignal
}

const TIMES: PoolTimes = {
  idle: 10_000,
  trusted: 2000,
  check: 1000,
  pingInterval: 30_000,
  pingAnswer: 30_000,
  memory: 5 * 60_000,
}
const REMEMBERED_HOSTS = 1000
/** How many connections that take no request at all are opened for one handshake. */
const MAX_USELESS = 3

/**
 * Hands out room for streams. Connections are shared by those who have the same origin and the same TLS options, opened
 * once for all who ask at the same time, and again when the peer allows no more streams.
 */
export class SessionPool {
  readonly #times: PoolTimes
  readonly #identities = new TlsIdentities()
  readonly #memory: HostMemory
  readonly #hosts = new Map<string, Host>()
  /** Sessions of callers. */
  readonly #borrowed = new WeakMap<object, Http2Connection>()

  constructor(times: Partial<PoolTimes> = {}) {
    this.#times = { ...TIMES, ...times }
    this.#memory = new HostMemory(this.#times.memory, REMEMBERED_HOSTS)
  }

  /**
   * Finds a way to a host. Fails with a HandshakeError, or with the reason of the signal. A `negotiate` may be answered
   * from memory, an `http2` never is.
   */
  route({ origin }: Address, tls: TlsOptions, request: RouteRequest): Promise<Http2Route | Http1Route> {
    const key = this.#keyOf(origin, tls)
    if (request.plan === 'negotiate' && this.#memory.has(key)) {
      return Promise.resolve({ reason: undefined, stream: undefined })
    }
    let host = this.#hosts.get(key)
    if (host === undefined) {
      const memory = {
        remember: () => this.#memory.remember(key),
        forget: () => this.#memory.forget(key),
      }
      host = new Host(origin, this.#times, memory, (empty) => {
        if (this.#hosts.get(key) === empty) this.#hosts.delete(key)
      })
      this.#hosts.set(key, host)
    }
    return host.route(request)
  }

  /** For a host that turned out not to speak HTTP/1.1 any more. */
  forget({ origin }: Address, tls: TlsOptions): void {
    this.#memory.forget(this.#keyOf(origin, tls))
  }

  /** What is known of a session of the caller's. */
  borrow(session: Http2Connection['session']): Http2Connection {
    const known = this.#borrowed.get(session)
    if (known !== undefined) return known
    const connection = new Http2Connection(session)
    this.#borrowed.set(session, connection)
    return connection
  }

  #keyOf(origin: string, tls: TlsOptions): string {
    return `${origin} ${this.#identities.of(tls)}`
  }

  /** Cuts all connections and forgets everything; for tests. */
  clear(): void {
    for (const host of [...this.#hosts.values()]) host.cut()
    this.#memory.clear()
  }
}

let pool: SessionPool | undefined

/** The pool of this thread. */
export function sessionPool(): SessionPool {
  pool ??= new SessionPool()
  return pool
}

/** Somebody who asked for a route. */
interface Waiter extends RouteRequest {
  /** The newest connection that stood when they came. */
  readonly since: number
  /** Connections that were opened for them and took no request. */
  useless: number
  resolve(route: Http2Route | Http1Route): void
  reject(reason: unknown): void
}

interface OpeningConnection {
  readonly plan: Http2Plan
  readonly controller: AbortController
}

/** One origin with one set of TLS options. */
class Host {
  readonly #origin: string
  readonly #times: PoolTimes
  readonly #memory: { remember(): void; forget(): void }
  readonly #onEmpty: (host: Host) => void
  readonly #sessions = new Set<PooledSession>()
  /** In the order in which they came. */
  readonly #waiters = { negotiate: new Set<Waiter>(), http2: new Set<Waiter>() }
  readonly #openings = new Set<OpeningConnection>()
  #serial = 0
  /** How many streams the newest connection allows; until there was one, enough for all. */
  #limit = Infinity

  constructor(
    origin: string,
    times: PoolTimes,
    memory: { remember(): void; forget(): void },
    onEmpty: (host: Host) => void,
  ) {
    this.#origin = origin
    this.#times = times
    this.#memory = memory
    this.#onEmpty = onEmpty
  }

  route(request: RouteRequest): Promise<Http2Route | Http1Route> {
    const session = this.#hasWaiters || request.fresh ? undefined : this.#readySession
    if (session !== undefined) return Promise.resolve({ lease: session.lease(true) })
    const { signal } = request
    return new Promise((resolve, reject) => {
      const settle = () => {
        this.#waiters[request.plan].delete(waiter)
        signal.removeEventListener('abort', onAbort)
      }
      const onAbort = () => {
        waiter.reject(signal.reason)
        this.#serve()
      }
      const waiter: Waiter = {
        ...request,
        since: this.#serial,
        useless: 0,
        resolve: (route) => {
          settle()
          resolve(route)
        },
        reject: (reason) => {
          settle()
          reject(reason)
        },
      }
      this.#waiters[request.plan].add(waiter)
      signal.addEventListener('abort', onAbort)
      if (signal.aborted) onAbort()
      else this.#serve()
    })
  }

  get #hasWaiters(): boolean {
    return this.#waiters.negotiate.size + this.#waiters.http2.size > 0
  }

  /** What most find, who then need not wait. */
  get #readySession(): PooledSession | undefined {
    for (const session of this.#sessions) if (session.hasRoom && !session.isDoubtful) return session
    return undefined
  }

  cut(): void {
    for (const { controller } of this.#openings) controller.abort(new Error('The pool was cleared'))
    for (const session of this.#sessions) session.cut()
  }

  /** Gives out what room there is, and sees that there will be enough for those who still wait. */
  #serve(): void {
    for (const waiters of [this.#waiters.http2, this.#waiters.negotiate]) {
      for (const waiter of waiters) {
        if (!this.#hasRoom) break
        const session = this.#roomFor(waiter)
        if (session !== undefined) waiter.resolve({ lease: session.lease(session.serial <= waiter.since) })
      }
    }
    this.#openAsNeeded('http2')
    this.#openAsNeeded('negotiate')
    const { http2, negotiate } = this.#waiters
    if (this.#sessions.size + this.#openings.size + http2.size + negotiate.size === 0) this.#onEmpty(this)
  }

  get #hasRoom(): boolean {
    for (const session of this.#sessions) if (session.hasRoom) return true
    return false
  }

  #roomFor({ fresh, since }: Waiter): PooledSession | undefined {
    for (const session of this.#sessions) {
      if (!session.hasRoom || (fresh && session.serial <= since)) continue
      if (!session.isDoubtful) return session
      void session.check()
    }
    return undefined
  }

  #openAsNeeded(plan: Http2Plan): void {
    const waiters = this.#waiters[plan]
    const openings = [...this.#openings].filter((each) => each.plan === plan)
    const [first] = waiters
    if (first === undefined) {
      for (const { controller } of openings) controller.abort(new Error('Nobody waits for it'))
    } else if (plan === 'http2' && this.#cannotConnect) {
      for (const waiter of waiters) waiter.reject(connectUnsupported(this.#origin))
    } else if (!this.#mayStillServe) {
      const wanted = Math.ceil(waiters.size / Math.max(this.#limit, 1)) || 1
      for (let i = openings.length; i < wanted; i++) void this.#open(plan, first.open)
    }
  }

  /** Whether there is a connection, but none that allows extended CONNECT. */
  get #cannotConnect(): boolean {
    const usable = [...this.#sessions].filter(({ connection }) => connection.isUsable)
    return usable.length > 0 && !usable.some(({ connection }) => connection.allowsConnect)
  }

  /**
   * Whether to wait for a connection that is being checked, or for one on which the peer allows no streams for now: as
   * long as that has none, it is soon closed.
   */
  get #mayStillServe(): boolean {
    return [...this.#sessions].some(
      (session) => session.isChecking || (session.isIdle && session.connection.isUsable && session.limit === 0),
    )
  }

  async #open(plan: Http2Plan, open: OpenConnection): Promise<void> {
    const opening: OpeningConnection = { plan, controller: new AbortController() }
    this.#openings.add(opening)
    try {
      const { stream, http2 } = await open(plan, opening.controller.signal)
      if (http2 === undefined) this.#goOnWithHttp1(stream)
      else await this.#add(http2, plan, opening.controller.signal)
    } catch (error) {
      if (!opening.controller.signal.aborted) this.#fail(plan, error)
    } finally {
      this.#openings.delete(opening)
      this.#serve()
    }
  }

  /** The connection goes to the one who has waited longest. */
  #goOnWithHttp1(stream: DialedStream): void {
    this.#memory.remember()
    const reason = http2Unavailable(this.#origin, 'the server chose HTTP/1.1')
    const [first, ...others] = this.#waiters.negotiate
    if (first === undefined) stream.destroy()
    first?.resolve({ reason, stream })
    for (const waiter of others) waiter.resolve({ reason, stream: undefined })
  }

  async #add({ session, socket }: OwnSession, plan: Http2Plan, signal: AbortSignal): Promise<void> {
    const connection = new Http2Connection(session)
    connection.retain()
    try {
      await connection.settled(signal)
    } catch (error) {
      socket.destroy()
      throw error
    }
    if (!connection.hasSettings) throw noSettings(this.#origin, connection, socket.bytesRead)
    if (!connection.isClosed) this.#take(connection, socket)
    if (!connection.isUsable) this.#countUseless(plan)
    else if (!connection.allowsConnect) this.#takeUnsupported()
    else this.#memory.forget()
  }

  #take(connection: Http2Connection, socket: OwnSession['socket']): void {
    const events = {
      changed: () => this.#serve(),
      closed: () => {
        this.#sessions.delete(pooled)
        this.#serve()
      },
    }
    const pooled = new PooledSession(connection, socket, ++this.#serial, this.#times, events)
    this.#limit = pooled.limit
    this.#sessions.add(pooled)
  }

  #takeUnsupported(): void {
    this.#memory.remember()
    const reason = connectUnsupported(this.#origin)
    for (const waiter of this.#waiters.negotiate) waiter.resolve({ reason, stream: undefined })
  }

  /** A server that ends each connection at once is not asked for ever. */
  #countUseless(plan: Http2Plan): void {
    for (const waiter of this.#waiters[plan]) {
      if (++waiter.useless === MAX_USELESS) waiter.reject(connectionLost(this.#origin, 'the server takes no requests'))
    }
  }

  #fail(plan: Http2Plan, error: unknown): void {
    if (error instanceof HandshakeError && error.code === 'HTTP2_UNAVAILABLE') this.#memory.remember()
    const isLast = [...this.#openings].filter((each) => each.plan === plan).length === 1
    // The others of several that are being opened may still serve the rest.
    let share = isLast ? Infinity : Math.max(this.#limit, 1)
    for (const waiter of this.#waiters[plan]) if (share-- > 0) waiter.reject(error)
  }
}

/** A connection that was over before SETTINGS came: it was lost, or what has come instead is not HTTP/2. */
function noSettings(origin: string, { error, goaway }: Http2Connection, bytesRead: number): HandshakeError {
  const failure = connectionLost(origin, 'the connection was lost before the SETTINGS of the server', error)
  if (goaway !== undefined || failure.code === 'TLS_FAILED') return failure
  const isSomethingElse = !origin.startsWith('wss:') && bytesRead > 0
  return isSomethingElse ? http2Unavailable(origin, 'what answered does not speak it', error) : failure
}
