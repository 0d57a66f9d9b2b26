import { errorMonitor } from 'node:events'
import type { ClientHttp2Session } from 'node:http2'
import { abortable } from '../abortable.ts'
import { Http2Turns } from './http2-turns.ts'
import { isBun, isDeno } from './runtime.ts'

/** After a probe that could not be sent, in milliseconds. */
const FLUSH_AGAIN = 1000

/** What a GOAWAY said (RFC 9113 §6.8). */
export interface Goaway {
  readonly code: number
  /** Streams above this one were not processed. */
  readonly lastStreamId: number
}

/**
 * A session, and what hawser has to know of it: its SETTINGS, its GOAWAY, its end.
 *
 * It listens to the session once, however many streams there are, and only while it is retained, so that nothing is
 * left on a session of the caller's. It never ends or configures the session.
 */
export class Http2Connection {
  readonly session: ClientHttp2Session
  readonly turns: Http2Turns
  goaway: Goaway | undefined
  /** Told of each GOAWAY. */
  readonly goawayListeners = new Set<() => void>()
  /** What the session failed with. */
  error: Error | undefined
  /** Whether the peer's SETTINGS have come. */
  hasSettings = false
  /** Whether the session and its socket are closed. */
  isClosed = false
  #users = 0
  readonly #settings = Promise.withResolvers<void>()
  /** Callbacks for when everything that is in the session's hands by now has been sent. */
  readonly #unflushed = new Set<() => void>()
  #isFlushing = false

  constructor(session: ClientHttp2Session) {
    this.session = session
    this.turns = new Http2Turns(session)
  }

  /** Whether a stream may be opened. */
  get isUsable(): boolean {
    return !this.session.closed && !this.session.destroyed
  }

  /** Whether the peer allows extended CONNECT (RFC 8441 §3). */
  get allowsConnect(): boolean {
    return this.session.remoteSettings.enableConnectProtocol === true
  }

  retain(): void {
    if (this.#users++ > 0) return
    const { session } = this
    // RFC 9113 §3.4: SETTINGS are the first thing that the peer sends, so whoever has acknowledged ours has sent
    // theirs.
    if (!session.connecting && !session.pendingSettingsAck) this.#onSettings()
    session.on('remoteSettings', this.#onSettings)
    session.on('localSettings', this.#onSettings)
    session.on('goaway', this.#onGoaway)
    session.on(errorMonitor, this.#onError)
    session.on('close', this.#onClose)
  }

  release(): void {
    if (--this.#users > 0) return
    const { session } = this
    session.off('remoteSettings', this.#onSettings)
    session.off('localSettings', this.#onSettings)
    session.off('goaway', this.#onGoaway)
    session.off(errorMonitor, this.#onError)
    session.off('close', this.#onClose)
  }

  /** Waits for the peer's SETTINGS, or for the end of a session to which none have come. Needs to be retained. */
  settled(signal: AbortSignal): Promise<void> {
    return abortable(this.#settings.promise, signal)
  }

  /**
   * Calls back once the memory of writes that were given up may be reused: Node calls these finished while parts of
   * them are still in the hands of the socket.
   */
  whenFlushed(callback: () => void): void {
    if (this.isClosed) {
      callback()
      return
    }
    this.retain()
    this.#unflushed.add(callback)
    this.#flush()
  }

  /** What is answered has been sent, and so has all that was sent before it. The end of a session tells as well. */
  #flush(): void {
    if (this.#isFlushing || this.#unflushed.size === 0 || !this.#mayProbe) return
    const batch = [...this.#unflushed]
    this.#isFlushing = true
    this.#probe((error) => {
      this.#isFlushing = false
      if (error) {
        // There may be too many PINGs of others under way.
        setTimeout(() => this.#flush(), FLUSH_AGAIN).unref()
        return
      }
      this.#finish(batch)
      this.#flush()
    })
  }

  /** Others than Node may not be able to once the session takes no more streams. */
  get #mayProbe(): boolean {
    return isBun || isDeno ? this.isUsable : !this.session.destroyed
  }

  /**
   * By a PING; but Node sends none on a session that only lives on for the streams it has, which may be long. SETTINGS
   * that change nothing are acknowledged as well (RFC 9113 §6.5.3).
   */
  #probe(answered: (error: Error | null) => void): void {
    if (this.session.closed) this.session.settings({}, answered)
    else this.session.ping(answered)
  }

  #finish(batch: Iterable<() => void>): void {
    for (const callback of batch) {
      if (!this.#unflushed.delete(callback)) continue
      callback()
      this.release()
    }
  }

  readonly #onSettings = (): void => {
    this.hasSettings = true
    this.#settings.resolve()
  }

  readonly #onGoaway = (code: number, lastStreamId: number): void => {
    this.goaway = { code, lastStreamId }
    for (const listener of this.goawayListeners) listener()
  }

  readonly #onError = (error: Error): void => {
    this.error ??= error
  }

  /** Of the session; by then its socket has closed, too. */
  readonly #onClose = (): void => {
    this.isClosed = true
    this.#settings.resolve()
    this.#finish([...this.#unflushed])
  }
}
