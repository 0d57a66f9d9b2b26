import { InvalidStateError } from '../errors.ts'
import type { Message } from '../protocol/message-reader.ts'

/** What a message costs beyond its content, so that a flood of empty ones is not free. */
const OVERHEAD = 32
/** So many places of messages that were taken are worth freeing. */
const COMPACT_FROM = 1024

interface Receiver {
  readonly resolve: (messages: Message[] | undefined) => void
  readonly reject: (reason: unknown) => void
  /** Whether it takes all messages there are, or one. */
  readonly all: boolean
}

/** Received messages until somebody takes them, and the one who waits for them. */
export class Inbox {
  /** Roughly the bytes that the messages hold. */
  size = 0
  #messages: Message[] = []
  /** The first message that was not taken. */
  #first = 0
  #receiver: Receiver | undefined
  #end: { readonly error: unknown } | undefined
  readonly #state: () => string
  readonly #onTaken: () => void

  /** `state` is the socket's; `onTaken` is called when messages were taken, and when somebody begins to wait. */
  constructor(state: () => string, onTaken: () => void) {
    this.#state = state
    this.#onTaken = onTaken
  }

  /** Whether somebody waits for a message. */
  get isAwaited(): boolean {
    return this.#receiver !== undefined
  }

  push(message: Message): void {
    if (this.#end) return
    this.#messages.push(message)
    this.size += sizeOf(message)
  }

  /** Hands what has been pushed to the one who waits. Called once for all messages that came together. */
  deliver(): void {
    const receiver = this.#receiver
    if (!receiver || this.#isEmpty) return
    this.#receiver = undefined
    receiver.resolve(receiver.all ? this.#takeAll() : [this.#takeOne()])
  }

  /** No more will come. What is there can still be taken; then comes the error, or undefined if there is none. */
  end(error?: unknown): void {
    if (this.#end) return
    this.deliver()
    this.#end = { error }
    const receiver = this.#receiver
    this.#receiver = undefined
    if (!receiver) return
    if (error === undefined) receiver.resolve(undefined)
    else receiver.reject(error)
  }

  /** The next message, or undefined when there will be none. */
  receive(signal?: AbortSignal): Promise<Message | undefined> {
    if (!this.#isEmpty && !this.#receiver && !signal?.aborted) {
      const message = this.#takeOne()
      this.#onTaken()
      return Promise.resolve(message)
    }
    return this.#wait(false, signal).then((messages) => messages?.[0])
  }

  /** All messages that are there, at least one; undefined when there will be none. */
  receiveAll(): Promise<Message[] | undefined> {
    if (!this.#isEmpty && !this.#receiver) {
      const messages = this.#takeAll()
      this.#onTaken()
      return Promise.resolve(messages)
    }
    return this.#wait(true, undefined)
  }

  /** The one who waits does not want to any more: it is told that there is nothing, and no message is lost. */
  withdraw(): void {
    this.#receiver?.resolve(undefined)
    this.#receiver = undefined
  }

  get #isEmpty(): boolean {
    return this.#first === this.#messages.length
  }

  #takeOne(): Message {
    const message = this.#messages[this.#first]!
    // A message that was taken is not held any longer.
    this.#messages[this.#first++] = ''
    this.size -= sizeOf(message)
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
    const messages = this.#first === 0 ? this.#messages : this.#messages.slice(this.#first)
    this.#clear()
    return messages
  }

  #clear(): void {
    this.#messages = []
    this.#first = 0
    this.size = 0
  }

  #wait(all: boolean, signal: AbortSignal | undefined): Promise<Message[] | undefined> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.#receiver) {
      const message = 'A receive is already waiting: let it end before the next.'
      return Promise.reject(new InvalidStateError(message, this.#state()))
    }
    if (this.#end) {
      return this.#end.error === undefined ? Promise.resolve(undefined) : Promise.reject(this.#end.error)
    }
    const { promise, resolve, reject } = Promise.withResolvers<Message[] | undefined>()
    const receiver = { resolve, reject, all }
    this.#receiver = receiver
    if (signal) this.#withdrawOnAbort(receiver, promise, signal)
    this.#onTaken()
    return promise
  }

  /** A receive that is cancelled leaves the connection as it is, and every message in its place. */
  #withdrawOnAbort(receiver: Receiver, promise: Promise<unknown>, signal: AbortSignal): void {
    const withdraw = () => {
      if (this.#receiver === receiver) this.#receiver = undefined
      receiver.reject(signal.reason)
    }
    const settled = () => signal.removeEventListener('abort', withdraw)
    signal.addEventListener('abort', withdraw, { once: true })
    promise.then(settled, settled)
  }
}

function sizeOf(message: Message): number {
  return message.length + OVERHEAD
}
