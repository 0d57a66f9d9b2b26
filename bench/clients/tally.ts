/** Counts the messages that one connection receives, and calls when there are so many. */
export class Tally {
  messages = 0
  bytes = 0
  #target = Number.POSITIVE_INFINITY
  #reached: () => void = () => {}
  /** What the messages have to be in turn. */
  readonly #expected: readonly (string | Buffer)[] | undefined

  /** With `expected`, each message is compared with the next of them: for the run before the timed one. */
  constructor(expected?: readonly (string | Buffer)[]) {
    this.#expected = expected
  }

  /** What is expected, for who sees no messages. */
  get expected(): readonly (string | Buffer)[] | undefined {
    return this.#expected
  }

  /** A message has come. */
  take(message: string | Uint8Array): void {
    this.bytes += message.length
    if (this.#expected !== undefined) this.#compare(message)
    this.messages++
    while (this.messages >= this.#target) this.#reached()
  }

  /** So many messages have come, whose content was looked at elsewhere. */
  takeMany(count: number): void {
    this.messages += count
    while (this.messages >= this.#target) this.#reached()
  }

  /** Calls when there are so many more messages. The call has to say what is next. */
  next(count: number, reached: () => void): void {
    this.#target = (this.#target === Number.POSITIVE_INFINITY ? this.messages : this.#target) + count
    this.#reached = reached
  }

  /** Nothing more is waited for. */
  rest(): void {
    this.#target = Number.POSITIVE_INFINITY
  }

  #compare(message: string | Uint8Array): void {
    const expected = this.#expected![this.messages % this.#expected!.length]!
    const isText = typeof message === 'string'
    if (isText === (typeof expected === 'string') && Buffer.from(expected).equals(Buffer.from(message as string)))
      return
    throw new Error(`Another message has come than was expected: ${message.length} of ${typeof message}`)
  }
}
