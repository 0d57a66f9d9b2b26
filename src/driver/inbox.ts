import { onAbort } from '../abortable.ts'
import { InvalidStateError } from '../errors.ts'
import type { Message } from '../protocol/message-parts.ts'
import { IncomingStream, type MessageStream } from './incoming-stream.ts'

/** What a message costs beyond its content, so that a flood of empty ones is not free. */
const OVERHEAD = 32
/** So many places of messages that were taken are worth freeing. */
const COMPACT_FROM = 1024

/** Whose messages they are. */
export interface InboxOwner {
  /** The socket's. */
  readonly state: string
  /** Messages or pieces of them were taken, or somebody begins to wait. */
  onTaken(): void
}

/** What is wanted: a message, all that are there, or one piece by piece. */
const ONE = 0
const ALL = 1
const STREAM = 2
type Wanted = typeof ONE | typeof ALL | typeof STREAM

/** Somebody who waits: for what, and whom to give it to. */
interface Receiver extends PromiseWithResolvers<unknown> {
  readonly wanted: Wanted
}

/** Received messages until somebody takes them, and the one who waits for them. */
export class Inbox {
  /** Roughly the bytes that the messages hold. */
  size = 0
  #messages: Message[] = []
  /** The first message that was not taken. */
  #first = 0
  #receiver: Receiver | undefined
  /** The last message that was given as a stream. */
  #incoming: IncomingStream | undefined
  #end: { readonly error: unknown } | undefined
  readonly #owner: InboxOwner
  readonly #highWaterMark: number
  readonly #unitBytes: number

  /** A stream keeps `highWaterMark` bytes. A UTF-16 unit of text counts as `unitBytes`. */
  constructor(owner: InboxOwner, highWaterMark: number, unitBytes = 1) {
    this.#owner = owner
    this.#highWaterMark = highWaterMark
    this.#unitBytes = unitBytes
  }

  /** Whether somebody waits for a message. */
  get isAwaited(): boolean {
    return this.#receiver !== undefined
  }

  /** Whether the next message is wanted as a whole. */
  get wantsMessage(): boolean {
    return this.#receiver !== undefined && this.#receiver.wanted !== STREAM && this.#isEmpty
  }

  /** Whether more has come of a message than its stream is to keep. */
  get isStreamFull(): boolean {
    return this.#incoming?.isFull ?? false
  }

  /** Begins to give a message piece by piece, if that is how the next one is wanted. */
  takeStream(isText: boolean): IncomingStream | undefined {
    const receiver = this.#receiver
    if (receiver?.wanted !== STREAM || !this.#isEmpty) return undefined
    this.#receiver = undefined
    const incoming = new IncomingStream(isText, this.#highWaterMark, this.#tellTaken)
    receiver.resolve(this.#begin(incoming))
    return incoming
  }

  /** The message that is being given piece by piece will not be complete. */
  failStream(reason: unknown): void {
    this.#incoming?.fail(reason)
  }

  push(message: Message): void {
    if (this.#end) return
    this.#messages.push(message)
    this.size += this.#sizeOf(message)
  }

  /** Hands what has been pushed to the one who waits. Called once for all messages that came together. */
  deliver(): void {
    const receiver = this.#receiver
    if (!receiver || this.#isEmpty) return
    this.#receiver = undefined
    receiver.resolve(this.#take(receiver.wanted))
  }

  /** No more will come. What is there can still be taken; then comes the error, or undefined if there is none. */
  end(error?: unknown): void {
    if (this.#end) return
    this.deliver()
    this.#end = { error }
    if (error !== undefined) this.#receiver?.reject(error)
    this.withdraw()
  }

  /** The next message, or undefined when there will be none. */
  receive(signal?: AbortSignal): Promise<Message | undefined> {
    return this.#get(ONE, signal)
  }

  /** The next message, or what else is to be taken, if it is there and nobody waits for it. */
  poll<T = Message>(wanted: Wanted = ONE): T | undefined {
    if (this.#isEmpty || this.#isBusy) return undefined
    const taken = this.#take(wanted)
    this.#owner.onTaken()
    return taken as T
  }

  /** All messages that are there, at least one; undefined when there will be none. */
  receiveAll(): Promise<Message[] | undefined> {
    return this.#get(ALL, undefined)
  }

  /** The next message as a stream, as soon as it begins to come; undefined when there will be none. */
  receiveStream(signal?: AbortSignal): Promise<MessageStream | undefined> {
    return this.#get(STREAM, signal)
  }

  /**
   * Who waits, if it is for this promise, does not want to any more: it resolves to nothing, and no message is lost.
   */
  withdraw(promise = this.#receiver?.promise): void {
    if (this.#receiver?.promise !== promise) return
    this.#receiver?.resolve(undefined)
    this.#receiver = undefined
  }

  get #isEmpty(): boolean {
    return this.#first === this.#messages.length
  }

  #take(wanted: Wanted): unknown {
    if (wanted === ONE) return this.#takeOne()
    return wanted === ALL ? this.#takeAll() : this.#begin(IncomingStream.of(this.#takeOne(), this.#tellTaken))
  }

  get #tellTaken(): () => void {
    return () => this.#owner.onTaken()
  }

  #takeOne(): Message {
    const message = this.#messages[this.#first]!
    // A message that was taken is not held any longer.
    this.#messages[this.#first++] = ''
    this.size -= this.#sizeOf(message)
    if (this.#isEmpty) this.#clear()
    else if (this.#first >= COMPACT_FROM && this.#first * 2 >= this.#messages.length) this.#compact()
    return message
  }

  /** A reader that is never quite up to date must not leave a place behind for each message it took. */
  #compact(): void {
    this.#messages = this.#messages.slice(this.#first)
    this.#first = 0
  }

  #takeAll(): Message[] {
    const messages = this.#messages.slice(this.#first)
    this.#clear()
    return messages
  }

  #sizeOf(message: Message): number {
    return message.length * (typeof message === 'string' ? this.#unitBytes : 1) + OVERHEAD
  }

  #clear(): void {
    this.#messages = []
    this.#first = 0
    this.size = 0
  }

  #begin(incoming: IncomingStream): MessageStream {
    this.#incoming = incoming
    return incoming.message
  }

  #get<T>(wanted: Wanted, signal: AbortSignal | undefined): Promise<T | undefined> {
    const taken = signal?.aborted ? undefined : this.poll<T>(wanted)
    return taken === undefined ? this.#wait(wanted, signal) : Promise.resolve(taken)
  }

  get #isBusy(): boolean {
    return this.#receiver !== undefined || this.#incoming?.isOver === false
  }

  #wait<T>(wanted: Wanted, signal: AbortSignal | undefined): Promise<T | undefined> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.#isBusy) {
      const message = this.#receiver
        ? 'A receive waits already: let it end first.'
        : 'The stream of the last message is not at its end: read or cancel it.'
      return Promise.reject(new InvalidStateError(message, this.#owner.state))
    }
    if (this.#end) {
      return this.#end.error === undefined ? Promise.resolve(undefined) : Promise.reject(this.#end.error)
    }
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    // Not spread: that takes three times as long, and is done for each message that is waited for.
    const receiver: Receiver = { wanted, promise, resolve, reject }
    this.#receiver = receiver
    // A receive that is cancelled leaves the connection as it is, and every message in its place.
    if (signal) {
      onAbort(signal, promise, () => {
        if (this.#receiver === receiver) this.#receiver = undefined
        reject(signal.reason)
      })
    }
    this.#owner.onTaken()
    return promise as Promise<T | undefined>
  }
}
