/** For those who find room. */
export const READY = Promise.resolve()

/** What those wait for who have more to send. */
export class Room {
  readonly #isThere: () => boolean
  #awaited: PromiseWithResolvers<void> | undefined

  constructor(isThere: () => boolean) {
    this.#isThere = isThere
  }

  /** A promise that is shared by all who wait, and that is there already while there is room. */
  wait(): Promise<void> {
    if (this.#isThere()) return READY
    if (this.#awaited === undefined) {
      this.#awaited = Promise.withResolvers<void>()
      // Nobody has to look at it.
      this.#awaited.promise.catch(() => {})
    }
    return this.#awaited.promise
  }

  /** There may be room now. */
  check(): void {
    if (this.#awaited === undefined || !this.#isThere()) return
    this.#awaited.resolve()
    this.#awaited = undefined
  }

  /** There never will be. */
  fail(reason: unknown): void {
    this.#awaited?.reject(reason)
    this.#awaited = undefined
  }
}
