import { memoryText } from '../codec/text.ts'
import type { Message } from '../protocol/message-parts.ts'
import type { FragmentWriter } from '../protocol/message-writer.ts'
import type { Protocol } from '../protocol/protocol.ts'
import { canSend } from '../protocol/states.ts'
import { nextTurn } from './next-turn.ts'
import { type OutgoingJob, OutgoingQueue } from './outgoing-queue.ts'
import { OutgoingStream } from './outgoing-stream.ts'
import { READY, Room } from './room.ts'

export interface OutgoingActions {
  /** There is something in the outbox. */
  flushSoon(): void
  /** The whole of a message is. */
  completed(): void
  /** A message has begun, and will not be completed. */
  abandoned(reason: unknown): void
}

/** As much of a piece becomes one fragment, and one step. */
const FRAGMENT_BYTES = 1 << 18

/** Puts messages into the outbox, each in its turn, and tells when there is room for more. */
export class OutgoingMessages {
  readonly #protocol: Protocol
  readonly #actions: OutgoingActions
  readonly #highWaterMark: number
  // Most sockets never need what follows.
  #queue: OutgoingQueue | undefined
  /** For messages: behind all that waits. */
  #room: Room | undefined
  /** For the pieces of the message under way: those that wait for its end take no room from it. */
  #roomForPieces: Room | undefined

  constructor(protocol: Protocol, highWaterMark: number, actions: OutgoingActions) {
    this.#protocol = protocol
    this.#actions = actions
    this.#highWaterMark = highWaterMark
  }

  /** Bytes that wait, here or in the outbox, and those that are on their way out of it. */
  get buffered(): number {
    return this.#protocol.outbox.buffered + (this.#queue?.size ?? 0)
  }

  /** Those of them that have not left the outbox. */
  get waiting(): number {
    return this.#protocol.outbox.waiting + (this.#queue?.size ?? 0)
  }

  /** Resolves when there is room for more. */
  send(message: Message, compress: boolean): Promise<void> {
    if (this.#queue?.isEmpty !== false && !this.#protocol.writer.isLong(message, compress)) {
      this.#protocol.send(message, compress)
      this.#actions.completed()
    } else {
      this.#enqueue(message, compress)
    }
    if (this.#hasRoom) return READY
    this.#room ??= new Room(() => this.#hasRoom)
    return this.#room.wait()
  }

  sendStream(type: 'text' | 'binary' | undefined, compress: boolean): WritableStream<string | Uint8Array> {
    let fragments: FragmentWriter | undefined
    const begin = (isText: boolean) => (fragments ??= this.#protocol.writer.fragments(isText, compress))
    const outgoing = new OutgoingStream(type, {
      write: (piece, isText) => this.#writePiece(begin(isText), piece),
      end: (isText) => {
        begin(isText).end()
        this.#actions.completed()
      },
      abandon: (reason) => {
        if (fragments?.hasBegun && this.#canSend) this.#actions.abandoned(reason)
      },
    })
    this.#add(outgoing)
    return outgoing.stream
  }

  /** Does something when all messages before it are in the outbox. */
  afterAll(action: () => void): void {
    const start = (done: () => void) => {
      action()
      done()
    }
    this.#add({ size: 0, start, fail: () => {} })
  }

  /** Bytes have left the outbox. */
  onSent(): void {
    this.#room?.check()
    this.#roomForPieces?.check()
  }

  /**
   * What is not in the outbox yet never will be; nor can those who wait for room tell whether theirs was. Gives how
   * many bytes that are.
   */
  failQueue(reason: unknown): number {
    if (this.#queue?.isEmpty === false) this.#room?.fail(reason)
    this.#roomForPieces?.fail(reason)
    return this.#queue?.fail(reason) ?? 0
  }

  /** Nothing is sent any more. */
  fail(reason: unknown): void {
    this.#queue?.fail(reason)
    this.#room?.fail(reason)
    this.#roomForPieces?.fail(reason)
  }

  #add(job: OutgoingJob): void {
    this.#queue ??= new OutgoingQueue()
    this.#queue.add(job)
  }

  get #hasRoom(): boolean {
    return this.buffered < this.#highWaterMark
  }

  get #canSend(): boolean {
    return canSend(this.#protocol.state)
  }

  /** What is given is copied: the caller may change it. */
  #enqueue(message: Message, compress: boolean): void {
    const isText = typeof message === 'string'
    const bytes = isText ? memoryText.encode(message) : new Uint8Array(message)
    const steps = this.#protocol.writer.writeInSteps(bytes, isText, compress)
    const step = (done: () => void): void => {
      if (!this.#canSend) return
      if (!steps.next().done) {
        nextTurn(() => step(done))
        return
      }
      done()
      this.#actions.completed()
    }
    this.#add({ size: bytes.length, start: step, fail: () => {} })
  }

  #roomForPiece(): Promise<void> {
    this.#roomForPieces ??= new Room(() => this.#protocol.outbox.buffered < this.#highWaterMark)
    return this.#roomForPieces.wait()
  }

  /** Others have their turn within a large piece. */
  async #writePiece(fragments: FragmentWriter, piece: Uint8Array): Promise<void> {
    for (let from = 0; this.#canSend; from += FRAGMENT_BYTES) {
      fragments.write(piece.subarray(from, from + FRAGMENT_BYTES))
      this.#actions.flushSoon()
      await this.#roomForPiece()
      if (from + FRAGMENT_BYTES >= piece.length) return
      await new Promise<void>(nextTurn)
    }
  }
}
