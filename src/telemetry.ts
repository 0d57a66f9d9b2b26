/**
 * What sockets tell about themselves on the channels of node:diagnostics_channel: docs/telemetry.md.
 *
 * A socket is observed if any of the channels has a subscriber when its handshake begins. Every other socket has no
 * telemetry, and pays for none. The module is looked up and not imported, since some runtimes do not have it.
 */
import { type ErrorCode, type HandshakeAttempt, HandshakeError, HawserError, TimeoutError } from './errors.ts'

/** What every event holds. */
interface OfSocket {
  /** The same in all events of a socket, and of no other socket of this thread. */
  readonly id: number
  /** Without userinfo, query and fragment. */
  readonly url: string
}

/** What a connection has carried in one direction. */
export interface Traffic {
  /** Messages, however many frames they were sent in. */
  readonly messages: number
  /**
   * Bytes of frames as they were on the wire: headers, control frames and compression count. 0 where the runtime
   * frames.
   */
  readonly bytes: number
}

/** The events by the names of their channels; docs/telemetry.md says when each comes. Times are in milliseconds. */
export interface TelemetryEvents {
  'hawser:handshake:start': OfSocket
  'hawser:handshake:response': OfSocket & {
    readonly transport: HandshakeAttempt['transport']
    readonly httpVersion: HandshakeAttempt['httpVersion']
    readonly status: number
    /** Since the start. */
    readonly duration: number
  }
  'hawser:handshake:error': OfSocket & {
    /** `'ABORTED'` if the caller gave up; undefined for an error that is not hawser's. */
    readonly code: ErrorCode | 'ABORTED' | undefined
    /** 0 if there was no response. */
    readonly status: number
    /** What was tried, in order. */
    readonly attempts: readonly HandshakeAttempt[]
    readonly retriable: boolean
    readonly retryAfter: number | undefined
    /** Since the start. */
    readonly duration: number
  }
  'hawser:open': OfSocket & {
    readonly transport: HandshakeAttempt['transport']
    readonly httpVersion: HandshakeAttempt['httpVersion']
    readonly status: number
    /** As in Sec-WebSocket-Extensions. */
    readonly extensions: string
    /** Since the start. */
    readonly duration: number
  }
  'hawser:ping': OfSocket & {
    readonly roundTrip: number
  }
  'hawser:close': OfSocket & {
    /** As `closeStatus` of the socket: 1006 if no Close frame came. */
    readonly closeStatus: number
    /** The reason in the server's Close frame. */
    readonly reason: string
    /** Whether both sides have sent a Close frame. */
    readonly wasClean: boolean
    /** Why it was not clean; `'ABORTED'` if the caller cut it. */
    readonly error: ErrorCode | 'ABORTED' | undefined
    readonly sent: Traffic
    readonly received: Traffic
    /** Since it was open. */
    readonly duration: number
  }
}

type Name = keyof TelemetryEvents
type Details<N extends Name> = Omit<TelemetryEvents[N], keyof OfSocket>

/** A channel of node:diagnostics_channel. */
interface Channel {
  readonly hasSubscribers: boolean
  publish(message: unknown): void
}
type Channels = Readonly<Record<Name, Channel>>

const NAMES: Readonly<Record<Name, true>> = {
  'hawser:handshake:start': true,
  'hawser:handshake:response': true,
  'hawser:handshake:error': true,
  'hawser:open': true,
  'hawser:ping': true,
  'hawser:close': true,
}

/** The channels of this thread, which are looked up once. */
class Observatory {
  #channels: Channels | undefined
  #hasLooked = false

  /** Begins to observe a socket to this URL, if anybody wants to know. */
  observe(url: string): SocketTelemetry | undefined {
    if (!this.#hasLooked) this.#channels = findChannels()
    this.#hasLooked = true
    const channels = this.#channels
    if (channels === undefined) return undefined
    for (const name in channels) {
      if (channels[name as Name].hasSubscribers) return new SocketTelemetry(channels, nextId(), url)
    }
    return undefined
  }
}

export const observatory = new Observatory()

/** The last id, which all copies of the package in a thread count up, as they share the channels. */
const LAST_ID = Symbol.for('hawser.telemetry.lastId')

function nextId(): number {
  const shared = globalThis as { [LAST_ID]?: number }
  shared[LAST_ID] = (shared[LAST_ID] ?? 0) + 1
  return shared[LAST_ID]
}

/** Workers without `nodejs_compat` have neither `process` nor the module. */
function findChannels(): Channels | undefined {
  const module = globalThis.process?.getBuiltinModule?.('node:diagnostics_channel')
  if (module === undefined) return undefined
  return Object.fromEntries(Object.keys(NAMES).map((name) => [name, module.channel(name)])) as unknown as Channels
}

/** A connection that is over, as a driver tells of it. */
interface Ended {
  /** Undefined if no Close frame came. */
  readonly closeStatus: number | undefined
  readonly closeReason: string
  readonly state: string
  /** Why it failed, if it did. */
  readonly failure: unknown
}

/** Tells about one socket. */
export class SocketTelemetry {
  readonly sent = { messages: 0, bytes: 0 }
  readonly received = { messages: 0, bytes: 0 }
  readonly #channels: Channels
  readonly #id: number
  #url: string
  /** When the handshake began, then when the socket was open. */
  #since = performance.now()
  #isAborted = false
  #isOpen = false
  /** The end of a connection that was over before it was told to be open. */
  #end: (() => void) | undefined

  constructor(channels: Channels, id: number, url: string) {
    this.#channels = channels
    this.#id = id
    this.#url = url
    this.#publish('hawser:handshake:start', {})
  }

  /** A response has come from this URL: after a redirect it is another one. */
  responded(url: string, details: Omit<Details<'hawser:handshake:response'>, 'duration'>): void {
    this.#url = url
    this.#publish('hawser:handshake:response', { ...details, duration: this.#duration })
  }

  /** Connecting has failed, because the caller gave up or by itself. */
  failed(error: unknown, isAborted: boolean): void {
    const refusal = !isAborted && error instanceof HandshakeError ? error : undefined
    const attempts = refusal?.attempts ?? []
    this.#publish('hawser:handshake:error', {
      code: isAborted ? 'ABORTED' : codeOf(error),
      status: attempts.at(-1)?.status ?? 0,
      attempts,
      retriable: refusal?.retriable ?? false,
      retryAfter: refusal?.retryAfter,
      duration: this.#duration,
    })
  }

  opened(details: Omit<Details<'hawser:open'>, 'duration'>): void {
    this.#publish('hawser:open', { ...details, duration: this.#duration })
    this.#since = performance.now()
    this.#isOpen = true
    this.#end?.()
  }

  /** A Ping is being sent; nobody need look at what becomes of it. */
  pinged(answered: Promise<number>): void {
    answered.then(
      (roundTrip) => this.#publish('hawser:ping', { roundTrip }),
      () => {},
    )
  }

  /** The caller cuts the connection. */
  aborted(): void {
    this.#isAborted = true
  }

  /** The connection is over. */
  closed(connection: Ended): void {
    if (!this.#isOpen) {
      this.#end = () => this.closed(connection)
      return
    }
    const { closeStatus = 1006, closeReason: reason, state, failure } = connection
    const wasClean = state === 'closed'
    const why = this.#isAborted ? 'ABORTED' : codeOf(failure)
    this.#publish('hawser:close', {
      closeStatus,
      reason,
      wasClean,
      error: wasClean ? undefined : why,
      sent: { ...this.sent },
      received: { ...this.received },
      duration: this.#duration,
    })
  }

  get #duration(): number {
    return performance.now() - this.#since
  }

  #publish<N extends Name>(name: N, details: Details<N>): void {
    const channel = this.#channels[name]
    if (channel.hasSubscribers) channel.publish({ id: this.#id, url: this.#url, ...details })
  }
}

/** Of a limit that ran out, its own code tells more than that of the error around it. */
function codeOf(error: unknown): ErrorCode | undefined {
  if (!(error instanceof HawserError)) return undefined
  return error.cause instanceof TimeoutError ? error.cause.code : error.code
}
