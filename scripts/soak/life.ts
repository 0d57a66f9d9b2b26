/** One socket from its opening to its end, on the client's side, in Node and in workerd. */
import {
  type ClientWebSocket,
  ConnectionClosedError,
  InvalidStateError,
  type Message,
  type MessageStream,
} from 'hawser'
import { type Command, Fault, messageOf, Sequence } from './messages.ts'
import { type Pace, within } from './pace.ts'
import type { Random } from './random.ts'

/** How it ends: as the server is asked to, or by the client. */
export type End =
  | Exclude<Command, 'echo' | 'rest' | 'away' | 'close'>
  | 'server closes'
  | 'close'
  /** When all has come back. */
  | 'close at rest'
  | 'abort'
  /** In the middle of a message. */
  | 'abandon'
  /** Together with others, on their connection of HTTP/2. */
  | 'lost'

/** What the client knows of a socket that is over. */
export interface Report {
  readonly id: string
  readonly end: End
  /** Whether both Close frames were exchanged. */
  readonly isClean: boolean
  /** What the server said at last. */
  readonly closeStatus: number | undefined
  /** Messages that were given to `send`. */
  readonly sent: number
  /** Those of them whose promise was rejected. */
  readonly rejected: number
  /** Messages that came back. */
  readonly received: number
  /** What receiving failed with, if it did. */
  readonly failure: string | undefined
  readonly fault: string | undefined
}

/** What is done between opening and end, and how often. */
export type Act = 'message' | 'burst' | 'stream' | 'ping' | 'away'
export type Acts = Readonly<Partial<Record<Act, number>>>
export type Ends = Readonly<Partial<Record<End, number>>>

const READINGS = { messages: 4, batches: 2, streams: 2, slowly: 2 }
const COMMANDS: Readonly<Partial<Record<End, Command>>> = {
  end: 'end',
  cut: 'cut',
  reset: 'reset',
  sever: 'sever',
  'server closes': 'close',
}
/** What the server says in its Close frame. */
export const SERVER_CLOSE = 4001

/** Of a message; ws takes 16,384. */
const MOST_FRAGMENTS = 10_000

export class Life {
  readonly #id: string
  readonly #ws: ClientWebSocket
  readonly #random: Random
  readonly #pace: Pace
  readonly #back: Sequence
  readonly #pending = new Set<Promise<void>>()
  readonly #reading: Promise<void>
  #sent = 0
  #rejected = 0
  #failure: string | undefined
  #fault: string | undefined
  #isOver = false
  /** Called with each message, and at the end. */
  #onProgress: (() => void) | undefined

  constructor(id: string, ws: ClientWebSocket, random: Random, pace: Pace) {
    this.#id = id
    this.#ws = ws
    this.#random = random
    this.#pace = pace
    this.#back = new Sequence(id)
    this.#reading = this.#readAll()
  }

  /** Nothing more can be sent: the connection was lost, or something is wrong. */
  get isOver(): boolean {
    return this.#isOver || this.#ws.state !== 'open'
  }

  async act(acts: Acts): Promise<void> {
    switch (this.#random.pick<Act>(acts)) {
      case 'message':
        return this.#send()
      case 'burst':
        for (let left = 1 + this.#random.below(10); left > 0; left--) void this.#send()
        return this.#send()
      case 'stream':
        return this.#stream()
      case 'ping':
        return this.#expect(this.#ws.ping().then(() => {}))
      case 'away':
        return this.#send('away')
    }
  }

  /** Resolves when everything has come back, or never will. */
  async rest(): Promise<void> {
    void this.#send('rest')
    const isAtRest = () => this.isOver || this.#back.count === this.#sent
    const resting = new Promise<void>((resolve) => {
      const look = () => isAtRest() && resolve()
      this.#onProgress = look
      look()
    })
    const late = () =>
      new Fault(`${this.#sent - this.#back.count} of ${this.#sent} messages of ${this.#id} do not come`)
    await this.#guard(within(resting, late))
    this.#onProgress = undefined
  }

  async end(wanted: End): Promise<Report> {
    const end = this.isOver ? 'lost' : wanted
    if (!this.isOver) {
      if (end === 'close at rest') await this.rest()
      else for (let left = this.#random.below(4); left > 0; left--) void this.#send()
      await this.#begin(end)
    }
    // It is over by itself, but its last connection may not be.
    await this.#guard(within(this.#reading, () => new Fault(`${this.#id} (${end}) is not told of its end`)))
    await this.#guard(within(this.#ws.close(), () => new Fault(`${this.#id} (${end}) is never over`)))
    const settled = Promise.all(this.#pending)
    await this.#guard(within(settled, () => new Fault(`${this.#pending.size} sends of ${this.#id} never settle`)))
    await this.#refusesMore()
    const { state, closeStatus } = this.#ws
    const isClean = state === 'closed'
    if (end === 'server closes' && isClean && closeStatus !== SERVER_CLOSE)
      this.#blame(`the server's code is ${closeStatus}`)
    const { count: received } = this.#back
    const counts = { sent: this.#sent, rejected: this.#rejected, received }
    return { id: this.#id, end, isClean, closeStatus, ...counts, failure: this.#failure, fault: this.#fault }
  }

  async #begin(end: End): Promise<void> {
    const command = COMMANDS[end]
    if (command !== undefined) {
      void this.#send(command)
      for (let left = this.#random.below(4); left > 0; left--) void this.#send()
    } else if (end === 'abort') {
      this.#ws.abort()
    } else if (end === 'abandon') {
      await this.#abandon()
    } else {
      await this.#guard(within(this.#ws.close(), () => new Fault(`close() of ${this.#id} does not end`)))
    }
  }

  #send(command?: Command): Promise<void> {
    if (this.isOver) return Promise.resolve()
    return this.#follow(this.#ws.send(messageOf(this.#id, this.#sent++, command)))
  }

  async #stream(): Promise<void> {
    if (this.isOver) return
    const message = messageOf(this.#id, this.#sent++)
    // One type stands for both: what is written is what the stream was made for.
    const stream = this.#ws.sendStream(typeof message === 'string' ? ('text' as 'binary') : 'binary')
    const writer = stream.getWriter()
    const write = async () => {
      const step = Math.max(1 + this.#random.below(100_000), Math.ceil(message.length / MOST_FRAGMENTS))
      for (let from = 0; from < message.length; from += step) {
        await writer.write(message.slice(from, from + step) as Uint8Array)
      }
      await writer.close()
    }
    writer.closed.catch(() => {})
    await this.#follow(write())
  }

  /** Begins a message, and gives it up. */
  async #abandon(): Promise<void> {
    const writer = this.#ws.sendStream('binary').getWriter()
    writer.closed.catch(() => {})
    this.#sent++
    await this.#expect(writer.write(new Uint8Array(this.#random.below(100_000))))
    if (this.#random.chance(0.5)) await this.#expect(writer.abort(new Error('given up')))
    this.#ws.abort()
  }

  /** A send: it may fail only when the connection has. */
  #follow(sending: Promise<void>): Promise<void> {
    const followed = this.#expect(sending, () => this.#rejected++).then(() => {
      this.#pending.delete(followed)
    })
    this.#pending.add(followed)
    return followed
  }

  async #expect(promise: Promise<void>, rejected?: () => void): Promise<void> {
    try {
      await promise
    } catch (error) {
      rejected?.()
      if (!isEnd(error)) this.#blame(`a call has failed with ${error}`)
    }
  }

  async #refusesMore(): Promise<void> {
    const refused = await this.#ws.send('late').then(
      () => false,
      (error) => isEnd(error),
    )
    if (!refused) this.#blame('it takes messages after its end')
  }

  async #readAll(): Promise<void> {
    try {
      await this.#read()
    } catch (error) {
      this.#failure = error instanceof Error ? `${error.message} ${error.cause ?? ''}`.trim() : String(error)
      if (error instanceof Fault) this.#blame(error.message)
      else if (!isEnd(error)) this.#blame(`receiving has failed with ${error}`)
    }
    this.#isOver = true
    this.#onProgress?.()
  }

  async #read(): Promise<void> {
    const ws = this.#ws
    const reading = this.#random.pick(READINGS)
    if (reading === 'messages') {
      for await (const message of ws) this.#take(message)
    } else if (reading === 'batches') {
      for await (const batch of ws.batches()) for (const message of batch) this.#take(message)
    } else if (reading === 'streams') {
      for (let next = await ws.receiveStream(); next !== undefined; next = await ws.receiveStream()) {
        this.#take(await collect(next))
      }
    } else {
      for (let message = await ws.receive(); message !== undefined; message = await ws.receive()) {
        this.#take(message)
        if (this.#random.chance(0.2)) await this.#pace.sleep(this.#random.below(300))
      }
    }
  }

  #take(message: Message): void {
    this.#back.take(message)
    this.#onProgress?.()
  }

  async #guard(promise: Promise<unknown>): Promise<void> {
    try {
      await promise
    } catch (error) {
      this.#blame(error instanceof Fault ? error.message : `${this.#id} has failed with ${error}`)
    }
  }

  /** The first thing that is wrong; what follows from it is not. */
  #blame(what: string): void {
    this.#fault ??= what.includes(this.#id) ? what : `${this.#id}: ${what}`
    this.#ws.abort()
  }
}

/** The errors that tell of the end of a socket. */
function isEnd(error: unknown): boolean {
  return error instanceof ConnectionClosedError || error instanceof InvalidStateError
}

async function collect(message: MessageStream): Promise<Message> {
  if (message.type === 'text') {
    let text = ''
    for await (const piece of message.stream) text += piece
    return text
  }
  const pieces: Uint8Array[] = []
  for await (const piece of message.stream) pieces.push(piece.slice())
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
