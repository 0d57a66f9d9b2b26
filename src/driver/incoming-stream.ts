import type { Message } from '../protocol/message-parts.ts'
import type { PartSink } from '../protocol/message-reader.ts'
import { ReceivedParts } from './received-parts.ts'

/**
 * A message that is read while it is still arriving: text is strings, binary is a stream of bytes, which a BYOB reader
 * may read.
 */
export type MessageStream =
  | { readonly type: 'text'; readonly stream: ReadableStream<string> }
  | { readonly type: 'binary'; readonly stream: ReadableStream<Uint8Array> }

type Controller = ReadableStreamDefaultController<Message> | ReadableByteStreamController

/** A received message as a stream, with what has come of it and was not read. */
export class IncomingStream implements PartSink {
  readonly message: MessageStream
  readonly #isText: boolean
  readonly #highWaterMark: number
  readonly #onChange: () => void
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  readonly #parts = new ReceivedParts()
  #isComplete = false
  #isDiscarded = false
  #error: { readonly reason: unknown } | undefined
  /** The reader waits for this; true if it has been given something already. */
  #wake: ((isServed: boolean) => void) | undefined
  /** While the reader waits. */
  #waiting: Controller | undefined
  #isOver = false

  /** `onChange` is called when there is room again, and when nobody needs the stream any more. */
  constructor(isText: boolean, highWaterMark: number, onChange: () => void) {
    this.#isText = isText
    this.#highWaterMark = highWaterMark
    this.#onChange = onChange
    const source = { pull: (controller: Controller) => this.#pull(controller), cancel: () => this.#discard() }
    // What is not read is kept here, where it is counted in bytes.
    const strategy = { highWaterMark: 0 }
    this.message = isText
      ? { type: 'text', stream: new ReadableStream<string>(source, strategy) }
      : { type: 'binary', stream: new ReadableStream({ ...source, type: 'bytes' }, strategy) }
  }

  /** A message that is there already. */
  static of(message: Message, onChange: () => void): IncomingStream {
    const isText = typeof message === 'string'
    const incoming = new IncomingStream(isText, Infinity, onChange)
    // Bytes that are read are transferred: no other message may share their memory.
    if (message.length > 0) incoming.#parts.add(isText ? new TextEncoder().encode(message) : message)
    incoming.end()
    return incoming
  }

  get isFull(): boolean {
    return this.#parts.size >= this.#highWaterMark && !this.#error
  }

  /** Whether it was read to its end, discarded, or has failed: the next message may be asked for. */
  get isOver(): boolean {
    return this.#isOver
  }

  write(memory: Uint8Array, from: number, to: number): void {
    if (this.#isDiscarded || this.#error) return
    const given = this.#isText ? 0 : this.#giveAtOnce(memory.subarray(from, to))
    this.#parts.add(memory.subarray(from + given, to))
    if (!this.#parts.isEmpty) this.#wake?.(false)
  }

  /** Copies bytes straight into the memory of a reader that waits with its own; returns how many. */
  #giveAtOnce(bytes: Uint8Array): number {
    const request = this.#waiting && requestOf(this.#waiting)
    if (!request || bytes.length === 0) return 0
    this.#waiting = undefined
    const given = fill(request, bytes)
    this.#wake?.(true)
    return given
  }

  end(): void {
    this.#isComplete = true
    this.#wake?.(false)
  }

  /** The rest will never come. What has come can still be read. */
  fail(reason: unknown): void {
    if (this.#isComplete || this.#error) return
    this.#error = { reason }
    this.#wake?.(false)
  }

  async #pull(controller: Controller): Promise<void> {
    for (;;) {
      const isWaiting = this.#parts.isEmpty && !this.#isComplete && !this.#error
      if (isWaiting && (await this.#change(controller))) return
      const wasFull = this.isFull
      const part = this.#parts.take()
      if (part === undefined) break
      const isGiven = this.#give(controller, part)
      if (wasFull && !this.isFull) this.#onChange()
      if (isGiven) return
    }
    if (this.#isDiscarded) return
    this.#isOver = true
    this.#finish(controller)
    this.#onChange()
  }

  /** Resolves when there is something to be given; to true if it has been. */
  async #change(controller: Controller): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.#wake = resolve
    this.#waiting = controller
    const isServed = await promise
    this.#waiting = undefined
    return isServed
  }

  /** Gives a part, or as much of it as a reader has memory for. False if it is not even a whole character. */
  #give(controller: Controller, part: Uint8Array): boolean {
    const request = requestOf(controller)
    if (request) {
      const rest = part.subarray(fill(request, part))
      if (rest.length > 0) this.#parts.putBack(rest)
      return true
    }
    const given = this.#isText ? this.#decoder.decode(part, { stream: true }) : part
    if (given.length === 0) return false
    ;(controller as ReadableStreamDefaultController<Message>).enqueue(given)
    return true
  }

  #finish(controller: Controller): void {
    if (this.#error) {
      controller.error(this.#error.reason)
      return
    }
    controller.close()
    // A reader that waits with memory of its own is told only now.
    requestOf(controller)?.respond(0)
  }

  #discard(): void {
    this.#isDiscarded = true
    this.#isOver = true
    this.#parts.clear()
    this.#wake?.(false)
    this.#onChange()
  }
}

function requestOf(controller: Controller): ReadableStreamBYOBRequest | null {
  return 'byobRequest' in controller ? controller.byobRequest : null
}

/** Copies as much as there is memory for, and says how much that is. */
function fill(request: ReadableStreamBYOBRequest, bytes: Uint8Array): number {
  const { buffer, byteOffset, byteLength } = request.view!
  const length = Math.min(byteLength, bytes.length)
  new Uint8Array(buffer, byteOffset, length).set(bytes.subarray(0, length))
  request.respond(length)
  return length
}
