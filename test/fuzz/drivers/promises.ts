import { ConnectionClosedError, HawserError, OptionsError } from '../../../src/errors.ts'
import { broken, show } from '../target.ts'

/** What a caller gives as the reason of an abort, which comes back as it is. */
export class CallersReason extends Error {
  override readonly name = 'CallersReason'
}

/** The promises of one case: all have to settle, and to fail with what is documented. */
export class Promises implements Disposable {
  readonly #waiting = new Set<string>()
  #count = 0
  readonly #failures: string[] = []
  readonly #unobserved: (() => void)[] = []
  readonly #onUnhandled = (reason: unknown) => this.#failures.push(`Nobody handles ${show(reason)}`)

  constructor() {
    process.on('unhandledRejection', this.#onUnhandled)
  }

  [Symbol.dispose](): void {
    process.off('unhandledRejection', this.#onUnhandled)
  }

  get isSettled(): boolean {
    return this.#waiting.size === 0
  }

  /** Follows a promise. One that is not observed is looked at in the end: until then its failure must not matter. */
  add<T>(call: string, promise: Promise<T>, isObserved = true): Promise<T> {
    const name = `${call} (number ${++this.#count})`
    this.#waiting.add(name)
    const observe = () => {
      promise.then(
        () => this.#waiting.delete(name),
        (reason) => {
          this.#waiting.delete(name)
          this.#judge(name, reason)
        },
      )
    }
    if (isObserved) observe()
    else this.#unobserved.push(observe)
    return promise
  }

  observeAll(): void {
    for (const observe of this.#unobserved.splice(0)) observe()
  }

  judge(): void {
    if (this.#waiting.size > 0) broken(`Never settled: ${[...this.#waiting].join(', ')}`)
    if (this.#failures.length > 0) broken(this.#failures.join('; '))
  }

  #judge(name: string, reason: unknown): void {
    const isDocumented =
      reason instanceof HawserError || reason instanceof OptionsError || reason instanceof CallersReason
    if (!isDocumented) this.#failures.push(`${name} failed with ${show(reason)}`)
    else if (reason instanceof ConnectionClosedError && !(reason.closeStatus >= 1000 && reason.closeStatus < 5000)) {
      this.#failures.push(`${name} failed with the status ${reason.closeStatus}`)
    }
  }
}
