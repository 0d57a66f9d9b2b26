/**
 * `GET /feed?url=…` subscribes the caller's WebSocket to an upstream. All who ask for the same URL share one Durable
 * Object, which holds one upstream socket and sends each of its messages to all of them.
 *
 * Clients are never dropped because the upstream is away: it is connected again with back-off. Only a refusal that is
 * not worth a retry ends the feed, or an upstream that breaks the protocol: they are closed with 1011. A feed is
 * read-only: a client that sends is closed with 1008. A client that does not keep up is closed with 1013, where the
 * runtime tells what waits for it (`bufferedAmount`). Subprotocols are not negotiated.
 */
import { DurableObject } from 'cloudflare:workers'
import { type ClientWebSocket, HandshakeError, MessageTooBigError, OptionsError, ProtocolError } from 'hawser'
import { backOff } from './back-off.ts'
import { closeSocket, codeToPass } from './close.ts'
import type { Env } from './env.ts'
import { Refused, requireUpgrade } from './refused.ts'
import { unsent } from './room.ts'
import { connectWithSecrets, isAllowed, requestedUpstream } from './upstreams.ts'

type Message = string | Uint8Array

/** Milliseconds that the upstream is kept after the last client has left: somebody may only have reloaded a page. */
const GRACE = 5000
/** Milliseconds after which a connection counts as a success, so that the next wait is a short one again. */
const STABLE = 10_000
/**
 * Milliseconds between two looks whether all is as it should be: an evicted object does not know that it has lost its
 * upstream.
 */
const LOOK_EVERY = 30_000
/** Milliseconds that a refusal not worth a retry stands: whoever comes back at once does not make us ask again. */
const REFUSAL_STANDS = 10_000
/** Bytes that may wait for one client. */
const MAX_WAITING = 4 * 1024 * 1024
/** Milliseconds in which clients that leave together are looked at once. */
const LEAVING = 50

const HOPELESS = [Refused, OptionsError, ProtocolError, MessageTooBigError]

export function feed(request: Request, env: Env): Promise<Response> {
  requireUpgrade(request, env)
  return env.FEED.getByName(requestedUpstream(request, env).href).fetch(request)
}

/** What outlives an eviction. */
interface Kept {
  readonly url: string
  /** In a row. */
  readonly failures: number
  /** The time before which the upstream is left alone. */
  readonly notBefore: number
}

export class Feed extends DurableObject<Env> {
  /** From the first byte to the last of one upstream connection: there is never another meanwhile. */
  #session: AbortController | undefined
  #upstream: ClientWebSocket | undefined
  /** Since when nobody listens. */
  #emptySince: number | undefined
  #alarmAt: number | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #refusal: { readonly reason: string; readonly until: number } | undefined

  override fetch(request: Request): Response {
    const now = Date.now()
    if (this.#refusal && now < this.#refusal.until) return refusedAnew(this.#refusal.reason)
    const { 0: webSocket, 1: client } = new WebSocketPair()
    if (!this.#accept(client)) return new Response('This feed is full.\n', { status: 503 })
    if (this.#kept === undefined) this.#keep({ url: urlOf(request), failures: 0, notBefore: 0 })
    this.#settle()
    return new Response(null, { status: 101, webSocket })
  }

  override webSocketMessage(client: WebSocket): void {
    closeSocket(client, 1008, 'A feed is read-only.')
    this.#settleSoon()
  }

  override webSocketClose(client: WebSocket, code: number): void {
    // The runtime answers a Close frame by itself, but not for a socket that hibernates.
    closeSocket(client, codeToPass(code, 1001))
    this.#settleSoon()
  }

  override webSocketError(): void {
    this.#settleSoon()
  }

  override alarm(): void {
    this.#alarmAt = undefined
    this.#settle()
  }

  /** The runtime has a limit of 32,768 for each object. */
  #accept(client: WebSocket): boolean {
    try {
      this.ctx.acceptWebSocket(client)
      return true
    } catch {
      return false
    }
  }

  #settleSoon(): void {
    this.#timer ??= setTimeout(() => this.#settle(), LEAVING)
  }

  /** Does what has to be done now, and sets the alarm for what has to be done later. Called after every event. */
  #settle(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    this.#timer = undefined
    const due = this.#clients().length > 0 ? this.#serve() : this.#rest()
    if (due === undefined) this.#forget()
    else this.#wakeAt(due)
  }

  /** While somebody listens. */
  #serve(): number {
    this.#emptySince = undefined
    const { notBefore = 0 } = this.#kept ?? {}
    const now = Date.now()
    if (this.#session === undefined && now < notBefore) return notBefore
    if (this.#session === undefined) void this.#run()
    return now + LOOK_EVERY
  }

  /** While nobody does. The wait that the upstream asked for is kept: somebody may come. */
  #rest(): number | undefined {
    const now = Date.now()
    if (this.#session === undefined) {
      const { notBefore = 0 } = this.#kept ?? {}
      return notBefore > now ? notBefore : undefined
    }
    this.#emptySince ??= now
    const end = this.#emptySince + GRACE
    if (now < end) return end
    this.#session.abort()
    this.#upstream?.close().catch(() => {})
    return now + LOOK_EVERY
  }

  /** One connection to the upstream, from its beginning to its end. */
  async #run(): Promise<void> {
    const session = new AbortController()
    this.#session = session
    try {
      await this.#listen(session.signal)
      this.#fail(session, undefined)
    } catch (error) {
      this.#fail(session, error)
    } finally {
      this.#upstream = undefined
      this.#session = undefined
      this.#settle()
    }
  }

  async #listen(signal: AbortSignal): Promise<void> {
    const url = new URL(this.#kept!.url)
    // UPSTREAMS may have changed since the clients came.
    if (!isAllowed(url, this.env)) throw new Refused(403, 'This upstream is not allowed any more.')
    const upstream = await connectWithSecrets(url, this.env, { signal })
    this.#upstream = upstream
    const openedAt = Date.now()
    try {
      for await (const messages of upstream.batches()) this.#fanOut(messages)
      // Until this connection is over there must not be another.
      await upstream.close()
    } finally {
      // After a close this does nothing.
      upstream.abort()
      if (Date.now() - openedAt >= STABLE) this.#keep({ ...this.#kept!, failures: 0 })
    }
  }

  #fanOut(messages: readonly Message[]): void {
    for (const client of this.#clients()) {
      try {
        for (const message of messages) client.send(message)
      } catch {
        // It is lost, and nobody else is to notice.
        closeSocket(client, 1011, 'This client could not be reached.')
      }
      if (unsent(client) > MAX_WAITING) closeSocket(client, 1013, 'This client does not keep up with the feed.')
    }
  }

  /** A connection has ended, or could not be made. */
  #fail({ signal }: AbortController, error: unknown): void {
    if (signal.aborted) return
    if (!isWorthRetry(error)) {
      this.#refuse(error instanceof Error ? error.message : '')
      return
    }
    const retryAfter = error instanceof HandshakeError ? error.retryAfter : undefined
    const failures = this.#kept!.failures + 1
    this.#keep({ ...this.#kept!, failures, notBefore: Date.now() + backOff(failures, retryAfter) })
  }

  #refuse(reason: string): void {
    this.#refusal = { reason, until: Date.now() + REFUSAL_STANDS }
    for (const client of this.#clients()) closeSocket(client, 1011, reason)
  }

  #clients(): WebSocket[] {
    return this.ctx.getWebSockets().filter(({ readyState }) => readyState === WebSocket.OPEN)
  }

  get #kept(): Kept | undefined {
    return this.ctx.storage.kv.get('feed')
  }

  #keep(kept: Kept): void {
    this.ctx.storage.kv.put('feed', kept)
  }

  /** An alarm that comes earlier does no harm, and costs less than another write. */
  #wakeAt(time: number): void {
    if (this.#alarmAt !== undefined && this.#alarmAt <= time) return
    this.#alarmAt = time
    void this.ctx.storage.setAlarm(time)
  }

  /** Nobody listens, and nothing has to be remembered. */
  #forget(): void {
    this.#alarmAt = undefined
    void this.ctx.storage.deleteAlarm()
    void this.ctx.storage.deleteAll()
  }
}

/** What has been refused, here or there, stays refused; and who breaks a rule, or sends too much, will do so again. */
function isWorthRetry(error: unknown): boolean {
  if (error instanceof HandshakeError) return error.retriable
  return !HOPELESS.some((type) => error instanceof type)
}

function urlOf(request: Request): string {
  return URL.parse(new URL(request.url).searchParams.get('url')!)!.href
}

function refusedAnew(reason: string): Response {
  const headers = { 'retry-after': String(REFUSAL_STANDS / 1000) }
  return new Response(`The upstream does not want to be asked: ${reason}\n`, { status: 502, headers })
}
