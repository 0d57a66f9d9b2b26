import type { PartSink } from '../protocol/message-reader.ts'

/** A message that is read while it is still arriving: text is strings, binary is bytes. */
export type MessageStream =
  | { readonly type: 'text'; readonly stream: ReadableStream<string> }
  | { readonly type: 'binary'; readonly stream: ReadableStream<Uint8Array> }

type Part = string | Uint8Array

/** What a part costs beyond its content, so that a message of many tiny fragments is not free. */
const OVERHEAD = 32

/** A received message as a stream, with what has come of it and was not read. */
export class IncomingStream implements PartSink {
  readonly message: MessageStream
  readonly #isText: boolean
  readonly #highWaterMark: number
  readonly #onChange: () => void
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  #parts: Part[] = []
  #size = 0
  #isComplete = false
  #isDiscarded = false
  #error: { readonly reason: unknown } | undefined
  /** The reader waits for this. */
  #wake: (() => void) | undefined
  #isOver = false

  /** `onChange` is called when there is room again, and when nobody needs the stream any more. */
  constructor(isText: boolean, highWaterMark: number, onChange: () => void) {
    this.#isText = isText
    this.#highWaterMark = highWaterMark
    this.#onChange = onChange
    const stream = new ReadableStream<Part>(
      { pull: (controller) => this.#pull(controller), cancel: () => this.#discard() },
      // What is not read is kept here, where it is counted in bytes.
      { highWaterMark: 0 },
    )
    this.message = { type: isText ? 'text' : 'binary', stream } as MessageStream
  }

  /** A message that is there already. */
  static of(message: Part, onChange: () => void): IncomingStream {
    const incoming = new IncomingStream(typeof message === 'string', Infinity, onChange)
    incoming.#add(message)
    incoming.end()
    return incoming
  }

  get isFull(): boolean {
    return this.#size >= this.#highWaterMark && !this.#error
  }

  /** Whether it was read to its end, discarded, or has failed: the next message may be asked for. */
  get isOver(): boolean {
    return this.#isOver
  }

  write(memory: Uint8Array, from: number, to: number): void {
    if (this.#isDiscarded || this.#error) return
    const bytes = memory.subarray(from, to)
    this.#add(this.#isText ? this.#decoder.decode(bytes, { stream: true }) : new Uint8Array(bytes))
  }

  end(): void {
    this.#isComplete = true
    this.#wake?.()
  }

  /** The rest will never come. What has come can still be read. */
  fail(reason: unknown): void {
    if (this.#isComplete || this.#error) return
    this.#error = { reason }
    this.#wake?.()
  }

  #add(part: Part): void {
    if (part.length === 0) return
    this.#parts.push(part)
    this.#size += part.length + OVERHEAD
    this.#wake?.()
  }

  async #pull(controller: ReadableStreamDefaultController<Part>): Promise<void> {
    if (this.#parts.length === 0 && !this.#isComplete && !this.#error) await this.#change()
    const part = this.#parts.shift()
    if (part !== undefined) {
      const wasFull = this.isFull
      this.#size -= part.length + OVERHEAD
      controller.enqueue(part)
      if (wasFull && !this.isFull) this.#onChange()
    } else if (!this.#isDiscarded) {
      this.#isOver = true
      if (this.#error) controller.error(this.#error.reason)
      else controller.close()
      this.#onChange()
    }
  }

  #change(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    return promise
  }

  #discard(): void {
    this.#isDiscarded = true
    this.#isOver = true
    this.#parts = []
    this.#size = 0
    this.#wake?.()
    this.#onChange()
  }
}
