import type { ClientHttp2Session, Settings } from 'node:http2'
import type { Socket } from 'node:net'
import type { Lease } from './http2.ts'
import { PROTOCOL_ERROR } from './http2-codes.ts'
import type { Http2Connection } from './http2-connection.ts'

/** A session of hawser's own, and the socket below it. */
export interface OwnSession {
  readonly session: ClientHttp2Session
  readonly socket: Socket
}

/** The times of a pool, in milliseconds. */
export interface PoolTimes {
  /** How long a connection without streams is kept. */
  readonly idle: number
  /** How long one may have been without streams to be used again without a check. */
  readonly trusted: number
  /** How long such a check may take. */
  readonly check: number
  /** How often a connection with streams is tried by a PING. */
  readonly pingInterval: number
  /** How long nothing may have come after such a PING. */
  readonly pingAnswer: number
  /** How long it is remembered that a host cannot do what it was asked for. */
  readonly memory: number
}

/** What a pool wants to know of its sessions. */
export interface PooledSessionEvents {
  /** There may be room for another stream. */
  changed(): void
  closed(): void
}

/** How long the peer has for the end of a connection that was closed in good order, in milliseconds. */
const LINGER = 1000

/** A connection of a pool. It keeps the process alive while it has streams, and only then. */
export class PooledSession {
  readonly serial: number
  readonly connection: Http2Connection
  readonly #socket: Socket
  readonly #times: PoolTimes
  readonly #events: PooledSessionEvents
  #streams = 0
  #allowsConnect: boolean
  #isChecking = false
  #restsSince = performance.now()
  #idleTimer: ReturnType<typeof setTimeout> | undefined
  #pingTimer: ReturnType<typeof setInterval> | undefined

  /** Of a session whose SETTINGS have come, over a connection that is retained for it. */
  constructor(
    connection: Http2Connection,
    socket: Socket,
    serial: number,
    times: PoolTimes,
    events: PooledSessionEvents,
  ) {
    this.serial = serial
    this.connection = connection
    this.#socket = socket
    this.#times = times
    this.#events = events
    this.#allowsConnect = connection.allowsConnect
    connection.session.on('remoteSettings', (settings) => this.#onSettings(settings))
    connection.session.once('close', () => this.#onClose())
    this.#rest()
  }

  /** How many streams the peer allows at once. */
  get limit(): number {
    return this.connection.session.remoteSettings.maxConcurrentStreams ?? Infinity
  }

  get hasRoom(): boolean {
    const { isUsable, allowsConnect } = this.connection
    return isUsable && !this.#socket.destroyed && allowsConnect && !this.#isChecking && this.#streams < this.limit
  }

  /** Whether it has rested so long that it may be dead without having said so. */
  get isDoubtful(): boolean {
    return this.#streams === 0 && performance.now() - this.#restsSince > this.#times.trusted
  }

  get isIdle(): boolean {
    return this.#streams === 0
  }

  get isChecking(): boolean {
    return this.#isChecking
  }

  /** For one stream, which there has to be room for. */
  lease(isReused: boolean): Lease {
    if (this.#streams++ === 0) this.#wake()
    this.connection.retain()
    const release = () => {
      this.connection.release()
      if (--this.#streams === 0) this.#rest()
      this.#events.changed()
    }
    return { connection: this.connection, isReused, release }
  }

  /** Finds out by a PING whether it lives; cuts it if not. */
  async check(): Promise<void> {
    const { session } = this.connection
    this.#isChecking = true
    // Somebody waits for the answer.
    session.ref()
    const isAlive = await this.#answersWithin(this.#times.check)
    this.#isChecking = false
    if (this.isIdle && !session.destroyed) session.unref()
    this.#restsSince = performance.now()
    if (!isAlive) this.cut()
    this.#events.changed()
  }

  /** Ends it at once; its streams fail. Closing the socket lets go of all that is being written. */
  cut(error?: Error): void {
    this.#socket.destroy(error)
  }

  #wake(): void {
    clearTimeout(this.#idleTimer)
    this.connection.session.ref()
    this.#pingTimer = setInterval(() => void this.#probe(), this.#times.pingInterval).unref()
  }

  #rest(): void {
    clearInterval(this.#pingTimer)
    this.#restsSince = performance.now()
    this.connection.session.unref()
    this.#idleTimer = setTimeout(() => this.#end(), this.#times.idle).unref()
  }

  /** A connection whose peer is gone would never tell. Whatever has come since the PING shows that it is there. */
  async #probe(): Promise<void> {
    // Node sends no PING once a GOAWAY has come.
    if (!this.connection.isUsable) return
    const before = this.#socket.bytesRead
    const isAlive = await this.#answersWithin(this.#times.pingAnswer)
    if (isAlive || !this.connection.isUsable || this.#socket.bytesRead !== before) return
    this.cut(new Error(`The server did not answer a PING within ${this.#times.pingAnswer} ms`))
  }

  #answersWithin(time: number): Promise<boolean> {
    const { session } = this.connection
    if (!this.connection.isUsable) return Promise.resolve(false)
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), time).unref()
      session.ping((error) => {
        clearTimeout(timer)
        resolve(error === null)
      })
    })
  }

  /** In good order: GOAWAY, then the end of the connection, which the peer is given a moment to take. */
  #end(): void {
    this.connection.session.destroy()
    this.#idleTimer = setTimeout(() => this.cut(), LINGER).unref()
  }

  /** RFC 8441 §3: what was allowed once must not be taken back. */
  #onSettings({ enableConnectProtocol = false }: Settings): void {
    const isTakenBack = this.#allowsConnect && !enableConnectProtocol
    this.#allowsConnect = enableConnectProtocol
    if (isTakenBack) {
      const error = new Error('The server took back that it allows extended CONNECT (RFC 8441 §3)')
      this.connection.session.destroy(error, PROTOCOL_ERROR)
    }
    this.#events.changed()
  }

  #onClose(): void {
    clearTimeout(this.#idleTimer)
    clearInterval(this.#pingTimer)
    this.connection.release()
    this.#events.closed()
  }
}
