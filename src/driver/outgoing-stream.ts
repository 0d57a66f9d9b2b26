import { OptionsError } from '../errors.ts'
import type { OutgoingJob } from './outgoing-queue.ts'

/** What a message in fragments is sent with. */
export interface FragmentSink {
  /** Resolves when there is room for the next one. */
  write(piece: Uint8Array, isText: boolean): Promise<void>
  end(isText: boolean): void
  /** The message will not be completed. */
  abandon(reason: unknown): void
}

const encoder = new TextEncoder()
const HIGH_SURROGATE_AT_END = /[\ud800-\udbff]$/

/** One message, written piece by piece by the caller when its turn has come. */
export class OutgoingStream implements OutgoingJob {
  readonly size = 0
  readonly stream: WritableStream<string | Uint8Array>
  readonly #sink: FragmentSink
  readonly #turn = Promise.withResolvers<void>()
  #controller: WritableStreamDefaultController | undefined
  #signal: AbortSignal | undefined
  #done: (() => void) | undefined
  #isOver = false
  #failure: { readonly reason: unknown } | undefined
  #isText: boolean | undefined
  /** Half a character, which waits for its other half. */
  #surrogate = ''

  /** Without a type the first piece decides. */
  constructor(type: 'text' | 'binary' | undefined, sink: FragmentSink) {
    this.#isText = type === undefined ? undefined : type === 'text'
    this.#sink = sink
    this.#turn.promise.catch(() => {})
    this.stream = new WritableStream<string | Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
          // Whoever aborts need not wait for the turn, or for room. By then the stream has noted why.
          const { signal } = controller as WritableStreamDefaultController & { readonly signal: AbortSignal }
          this.#signal = signal
          signal.addEventListener('abort', () => queueMicrotask(() => this.#abort(signal.reason)))
          return this.#turn.promise
        },
        write: (piece) => this.#write(piece),
        close: () => this.#close(),
      },
      // What is written waits here only until the piece before it has found room.
      { highWaterMark: 1 },
    )
  }

  start(done: () => void): void {
    this.#done = done
    this.#turn.resolve()
    if (this.#isOver) done()
  }

  fail(reason: unknown): void {
    this.#failure = { reason }
    this.#turn.reject(reason)
    this.#controller?.error(reason)
  }

  #write(piece: string | Uint8Array): Promise<void> {
    const isText = typeof piece === 'string'
    this.#isText ??= isText
    if (isText !== this.#isText || !(isText || piece instanceof Uint8Array)) {
      const takes = this.#isText ? 'strings' : 'Uint8Arrays'
      const error = new OptionsError('piece', `This message takes ${takes} as its pieces.`)
      // This is why the stream fails, and not what follows from it.
      this.#controller?.error(error)
      this.#abort(error)
      return Promise.reject(error)
    }
    return this.#push(isText ? this.#encode(piece) : piece)
  }

  async #close(): Promise<void> {
    if (this.#surrogate !== '') await this.#push(encoder.encode(this.#surrogate))
    // It may have been aborted, or have failed, while it waited for room: neither ends a close that is under way.
    this.#signal?.throwIfAborted()
    if (this.#failure) throw this.#failure.reason
    this.#sink.end(this.#isText ?? false)
    this.#finish()
  }

  #push(piece: Uint8Array): Promise<void> {
    return this.#sink.write(piece, this.#isText ?? false).catch((error) => {
      this.#abort(error)
      throw error
    })
  }

  #abort(reason: unknown): void {
    if (this.#isOver) return
    this.#sink.abandon(reason)
    this.#finish()
    this.#turn.resolve()
  }

  #finish(): void {
    this.#isOver = true
    this.#done?.()
  }

  #encode(piece: string): Uint8Array {
    const text = this.#surrogate + piece
    this.#surrogate = HIGH_SURROGATE_AT_END.test(text) ? text.slice(-1) : ''
    return encoder.encode(this.#surrogate === '' ? text : text.slice(0, -1))
  }
}
