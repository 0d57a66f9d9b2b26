const BATCH = 1024

/**
 * Unpredictable masking keys (RFC 6455 §5.3, §10.3), drawn a batch at a time. Nothing is drawn before the first key is
 * asked for: some runtimes forbid it while modules load.
 */
export class MaskingKeys {
  readonly #keys = new Int32Array(BATCH)
  #left = 0

  readonly next = (): number => {
    if (this.#left === 0) {
      crypto.getRandomValues(this.#keys)
      this.#left = BATCH
    }
    // Read once, and wiped: a key that was used is nobody's business.
    const key = this.#keys[--this.#left]!
    this.#keys[this.#left] = 0
    return key
  }
}
