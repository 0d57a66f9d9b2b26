export interface KeepAliveActions {
  /**
   * Sends something that keeps the path open, or that asks for an answer; false if none is to be waited for.
   * `onSent` is called when it has left, behind all that was still waiting.
   */
  probe(onSent: () => void): boolean
  /** Whether silence says nothing, since we do not read, or nothing has to come any more. */
  isPaused(): boolean
  /** Whether bytes of ours wait for room in the system's buffers. */
  isSending(): boolean
  /** Nothing came in time after a probe. */
  expired(): void
}

/**
 * Probes a connection on which nothing has come in for a while, and tells when nothing comes after that either.
 * Whatever comes proves that the peer is there. Times are in milliseconds; Infinity is never.
 */
export class KeepAlive {
  readonly #interval: number
  readonly #timeout: number
  readonly #actions: KeepAliveActions
  #heardAt = performance.now()
  /** When the last of our bytes left of which that shows that the peer takes them, or the last probe. */
  #progressAt = 0
  #isProbeWaiting = false
  /** When the probe was sent whose answer is awaited; 0 if none is. */
  #probedAt = 0
  /** Whether the time for the answer was over when this was looked at last. */
  #isLate = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(interval: number, timeout: number, actions: KeepAliveActions) {
    this.#interval = interval
    this.#timeout = timeout
    this.#actions = actions
    this.#sleep(interval)
  }

  /** Something came in. */
  heard(): void {
    this.#heardAt = performance.now()
  }

  /**
   * Something of ours has left. As long as more waits, or the probe itself does, that is all the life there can be: the
   * peer takes what is before the probe, in our buffers and in the system's.
   */
  progressed(): void {
    if (this.#isProbeWaiting || this.#actions.isSending()) this.#progressAt = performance.now()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** One function for all: a closure for each would be a part of what an idle socket takes. */
  static #wake(keepAlive: KeepAlive): void {
    if (keepAlive.#probedAt === 0) keepAlive.#probeIfDue()
    else keepAlive.#judge(keepAlive.#probedAt)
  }

  #sleep(time: number): void {
    if (time === Infinity) return
    this.#timer = setTimeout(KeepAlive.#wake, time, this)
    // It is the socket that keeps a process alive, not its clock.
    ;(this.#timer as { unref?: () => void }).unref?.()
  }

  #probeIfDue(): void {
    this.#probedAt = 0
    this.#isLate = false
    const left = this.#heardAt + this.#interval - performance.now()
    if (left > 1) {
      this.#sleep(left)
      return
    }
    const probedAt = performance.now()
    this.#isProbeWaiting = true
    const hasAsked = this.#actions.probe(() => this.#probeSent())
    if (hasAsked) this.#probedAt = probedAt
    this.#sleep(hasAsked ? this.#timeout : this.#interval)
  }

  #probeSent(): void {
    this.#isProbeWaiting = false
    this.#progressAt = performance.now()
  }

  #judge(probedAt: number): void {
    if (this.#heardAt >= probedAt || this.#actions.isPaused()) {
      this.#probeIfDue()
      return
    }
    const left = Math.max(probedAt, this.#progressAt) + this.#timeout - performance.now()
    // When this process was busy, the answer may be there already, unread: timers come before reads.
    if (left <= 0 && this.#isLate) this.#actions.expired()
    else this.#sleep(left > 0 ? left : 2)
    this.#isLate = left <= 0
  }
}
