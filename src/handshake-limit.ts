import { abortable } from './abortable.ts'

/** What can end a handshake from our side: the caller, by a signal or by `abort`, and the time limit. */
export class HandshakeLimit extends AbortController {
  /** Whether it was the time that ended it. */
  expired = false
  readonly #caller: AbortSignal | undefined
  readonly #timer: ReturnType<typeof setTimeout> | undefined

  /** `timeout` is in milliseconds, Infinity for none. */
  constructor(timeout: number, caller: AbortSignal | undefined) {
    super()
    if (caller?.aborted) {
      this.abort(caller.reason)
      return
    }
    this.#caller = caller
    caller?.addEventListener('abort', this.#onCallerAbort)
    if (timeout === Infinity) return
    this.#timer = setTimeout(() => {
      this.expired = !this.signal.aborted
      this.abort(new DOMException('Timed out', 'TimeoutError'))
    }, timeout)
  }

  /** Whether it was the caller who ended it. */
  get isCancelled(): boolean {
    return this.signal.aborted && !this.expired
  }

  /** Settles as the promise does, but no later than the limit. */
  race<T>(promise: Promise<T> | T): Promise<T> {
    return abortable(Promise.resolve(promise), this.signal)
  }

  /** There is nothing more to end: lets go of the caller's signal, and of the clock. */
  end(): void {
    clearTimeout(this.#timer)
    this.#caller?.removeEventListener('abort', this.#onCallerAbort)
  }

  readonly #onCallerAbort = (): void => this.abort(this.#caller?.reason)
}
