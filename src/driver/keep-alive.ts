export interface KeepAliveActions {
  /** Sends something that keeps the path open, or that asks for an answer; false if nothing may be sent any more. */
  probe(): boolean
  /** Whether silence says nothing, since we are the ones who do not read. */
  isPaused(): boolean
  /** Nothing came in time after a probe. */
  expired(): void
}

/**
 * Probes a connection on which nothing has come in for a while, and tells when nothing comes after that either. Whatever
 * comes proves that the peer is there. Times are in milliseconds; Infinity is never.
 */
export class KeepAlive {
  readonly #interval: number
  readonly #timeout: number
  readonly #actions: KeepAliveActions
  #heardAt = performance.now()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(interval: number, timeout: number, actions: KeepAliveActions) {
    this.#interval = interval
    this.#timeout = timeout
    this.#actions = actions
    this.#sleep(interval, this.#check)
  }

  /** Something came in. */
  heard(): void {
    this.#heardAt = performance.now()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #sleep(time: number, then: () => void): void {
    if (time === Infinity) return
    this.#timer = setTimeout(then, time)
    // It is the socket that keeps a process alive, not its clock.
    ;(this.#timer as { unref?: () => void }).unref?.()
  }

  readonly #check = (): void => {
    const left = this.#heardAt + this.#interval - performance.now()
    if (left > 1) {
      this.#sleep(left, this.#check)
      return
    }
    const hasAsked = this.#actions.probe() && this.#timeout !== Infinity
    const probedAt = performance.now()
    if (!hasAsked) this.#sleep(this.#interval, this.#check)
    else this.#sleep(this.#timeout, () => this.#judge(probedAt))
  }

  #judge(probedAt: number): void {
    if (this.#isAlive(probedAt)) this.#check()
    // When this process was busy, the answer may be there already, unread: timers come before reads.
    else this.#sleep(1, () => (this.#isAlive(probedAt) ? this.#check() : this.#actions.expired()))
  }

  #isAlive(probedAt: number): boolean {
    return this.#heardAt >= probedAt || this.#actions.isPaused()
  }
}
