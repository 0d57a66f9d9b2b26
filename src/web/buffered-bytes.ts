/**
 * Counts what `bufferedAmount` of a WebSocket tells: bytes of messages, without frame headers and before compression.
 *
 * The connection counts what it has on the wire's terms. Both are kept for all that was sent since the connection last
 * had nothing, and what is left on its terms tells how much is left on ours: exactly while nothing has left yet, and
 * when all has.
 */
export class BufferedBytes {
  /** Of messages that the connection took since it last had nothing. */
  #taken = 0
  /** The same on the wire's terms. */
  #onWire = 0
  /** Of Blobs that are not read yet, and of what can never be sent. */
  #held = 0

  /** A message was handed to the connection, which had and has so much on the wire's terms. */
  took(bytes: number, before: number, after: number): void {
    if (before === 0) {
      this.#taken = 0
      this.#onWire = 0
    }
    this.#taken += bytes
    this.#onWire += Math.max(after - before, 0)
  }

  hold(bytes: number): void {
    this.#held += bytes
  }

  release(bytes: number): void {
    this.#held -= bytes
  }

  /** How many they are, when the connection has so much on the wire's terms. */
  amount(onWire: number): number {
    if (onWire === 0) return this.#held
    const share = onWire >= this.#onWire ? 1 : onWire / this.#onWire
    return this.#held + Math.ceil(this.#taken * share)
  }
}
