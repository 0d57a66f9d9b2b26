import { abortable } from './transport/abortable.ts'

/** What can end a handshake from our side: the caller's signal, and the time limit. */
export class HandshakeLimit {
  /** What the transports obey. */
  readonly signal: AbortSignal
  /** Whether it was the time that ended it. */
  expired = false
  readonly #controller = new AbortController()
  readonly #caller: AbortSignal | undefined
  readonly #timer: ReturnType<typeof setTimeout> | undefined

  /** `timeout` is in milliseconds, Infinity for none. */
  constructor(timeout: number, caller: AbortSignal | undefined) {
    this.signal = this.#controller.signal
    this.#caller = caller
    caller?.addEventListener('abort', this.#onCallerAbort)
    if (timeout === Infinity) return
    this.#timer = setTimeout(() => {
      this.expired = true
      this.#controller.abort(new DOMException(`The handshake took longer than ${timeout} ms.`, 'TimeoutError'))
    }, timeout)
  }

  /** Settles as the promise does, but no later than the limit. */
  race<T>(promise: Promise<T> | T): Promise<T> {
    return abortable(Promise.resolve(promise), this.signal)
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#caller?.removeEventListener('abort', this.#onCallerAbort)
  }

  readonly #onCallerAbort = (): void => this.#controller.abort(this.#caller?.reason)
}
