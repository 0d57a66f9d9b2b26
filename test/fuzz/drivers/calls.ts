/** What a program does with a connection, and what comes of it. */
import type { Connection } from '../../../src/driver/connection.ts'
import type { MessageStream } from '../../../src/driver/incoming-stream.ts'
import type { Draw } from '../draw.ts'
import type { Does } from '../target.ts'
import { type Content, contentOf, type Received, type Sent } from './ledger.ts'
import { CallersReason, type Promises } from './promises.ts'

/** A call; `which` is the number of the stream that it is about. */
export type Call =
  | {
      readonly do: 'send'
      readonly isText: boolean
      readonly size: number
      readonly compress: boolean
      readonly isObserved: boolean
    }
  | { readonly do: 'send-stream'; readonly type: 'text' | 'binary' | undefined; readonly compress: boolean }
  | { readonly do: 'write'; readonly which: number; readonly isText: boolean; readonly size: number }
  | Does<'end-stream' | 'abort-stream' | 'read' | 'cancel', { readonly which: number }>
  | Does<'receive' | 'receive-stream', { readonly hasSignal: boolean }>
  | Does<'receive-all' | 'withdraw' | 'abort-signals' | 'abort'>
  | { readonly do: 'ping'; readonly hasSignal: boolean; readonly isObserved: boolean }
  | Does<'close' | 'close-output', { readonly isObserved: boolean }>

/** The code that only our own Close frames carry. */
export const OWN_CODE = 3001

export function makeCall(draw: Draw, largest: number): Call {
  const kind = draw.below(24)
  const size = () => draw.length(draw.oneIn(16) ? largest : 200)
  const isObserved = draw.below(2) === 0
  if (kind < 6)
    return { do: 'send', isText: draw.below(2) === 0, size: size(), compress: draw.below(4) !== 3, isObserved }
  if (kind < 10) return { do: 'receive', hasSignal: draw.oneIn(4) }
  if (kind < 12) return { do: 'write', which: draw.below(3), isText: draw.below(2) === 0, size: size() }
  if (kind === 12)
    return { do: 'send-stream', type: draw.pick(['text', 'binary', undefined] as const), compress: draw.below(2) === 0 }
  if (kind === 13) return { do: draw.pick(['end-stream', 'end-stream', 'abort-stream'] as const), which: draw.below(3) }
  if (kind === 14) return { do: 'receive-stream', hasSignal: draw.oneIn(4) }
  if (kind < 18) return { do: 'read', which: draw.below(3) }
  if (kind === 18) return { do: 'cancel', which: draw.below(3) }
  if (kind < 21) return { do: draw.pick(['receive-all', 'receive-all', 'withdraw', 'abort-signals'] as const) }
  if (kind === 21) return { do: 'ping', hasSignal: draw.oneIn(4), isObserved }
  if (kind === 22) return { do: draw.pick(['close', 'close-output'] as const), isObserved }
  return draw.oneIn(3) ? { do: 'abort' } : { do: 'close', isObserved }
}

const FILLER = 'abc€\u{1f600}'

/** A message that no other is like. */
export function makeContent(number: number, isText: boolean, size: number): string | Uint8Array {
  const text = `${number}:${FILLER.repeat(Math.ceil(size / FILLER.length))}`.slice(0, size + 3)
  return isText ? text : Buffer.from(text)
}

/** A message that is sent in pieces. */
class Outgoing implements Sent {
  readonly pieces: (string | Uint8Array)[] = []
  isText: boolean | undefined
  isClosed = false
  isComplete = false
  readonly writer: WritableStreamDefaultWriter<string | Uint8Array>

  constructor(stream: WritableStream<string | Uint8Array>, type: 'text' | 'binary' | undefined) {
    this.writer = stream.getWriter()
    this.isText = type === undefined ? undefined : type === 'text'
  }

  content(): Content {
    if (this.isText) return contentOf(this.pieces.join(''))
    return { isText: false, bytes: Buffer.concat(this.pieces.map((piece) => Buffer.from(piece as Uint8Array))) }
  }

  mayBeMissing(): boolean {
    return !this.isComplete
  }
}

/** A message that is received in pieces. */
class Incoming implements Received {
  readonly pieces: (string | Uint8Array)[] = []
  readonly isText: boolean
  isComplete = false
  isReading = false
  readonly reader: ReadableStreamDefaultReader<string | Uint8Array>

  constructor({ type, stream }: MessageStream) {
    this.isText = type === 'text'
    this.reader = (stream as ReadableStream<string | Uint8Array>).getReader()
  }
}

export class Caller {
  /** In the order of the calls. */
  readonly sent: Sent[] = []
  /** In the order in which they came. */
  readonly received: Received[] = []
  /** Whether it has ended the connection by a call after which messages may be dropped. */
  hasGivenUp = false
  /** Whether a drain has found that there is nothing more. */
  isDrained = false
  #isDraining = false
  readonly #connection: Connection
  readonly #promises: Promises
  readonly #outgoing: Outgoing[] = []
  readonly #incoming: Incoming[] = []
  readonly #cancelled = new Set<Incoming>()
  #signals: AbortController[] = []

  constructor(connection: Connection, promises: Promises) {
    this.#connection = connection
    this.#promises = promises
    promises.add('over', connection.over)
  }

  /** Does a call if a ClientWebSocket would do it. */
  do(call: Call): void {
    const connection = this.#connection
    this.hasGivenUp ||= call.do === 'close' || call.do === 'abort'
    if (call.do === 'send') this.#send(call)
    else if (call.do === 'send-stream') this.#sendStream(call)
    else if (call.do === 'write') this.#write(call)
    else if (call.do === 'end-stream') this.#endStream(call.which)
    else if (call.do === 'abort-stream') this.#abortStream(call.which)
    else if (call.do === 'receive') this.#take('receive', connection.inbox.receive(this.#signal(call)))
    else if (call.do === 'receive-all') this.#takeAll()
    else if (call.do === 'receive-stream') this.#receiveStream(this.#signal(call))
    else if (call.do === 'read') this.#read(call.which)
    else if (call.do === 'cancel') this.#cancel(call.which)
    else if (call.do === 'withdraw') connection.inbox.withdraw()
    else if (call.do === 'abort-signals') this.#abortSignals()
    else if (call.do === 'abort') connection.abort(new CallersReason())
    else this.#control(call)
  }

  /** Reads on in all streams, and asks for all messages. */
  drain(): void {
    this.#isDraining = true
    for (const which of this.#incoming.keys()) this.#read(which)
    this.#takeAll()
  }

  #control(call: Extract<Call, { do: 'ping' | 'close' | 'close-output' }>): void {
    const connection = this.#connection
    if (call.do === 'close') this.#promises.add('close', connection.close(OWN_CODE, 'done'), call.isObserved)
    else if (call.do === 'close-output' && connection.canSend) {
      this.#promises.add('closeOutput', connection.closeOutput(OWN_CODE, ''), call.isObserved)
    } else if (call.do === 'ping' && connection.state === 'open') {
      this.#promises.add('ping', connection.ping(undefined, this.#signal(call)), call.isObserved)
    }
  }

  #send({ isText, size, compress, isObserved }: Extract<Call, { do: 'send' }>): void {
    if (!this.#connection.canSend) return
    const message = makeContent(this.sent.length, isText, size)
    const content = contentOf(message)
    this.sent.push({ content: () => content, mayBeMissing: () => false })
    this.#promises.add('send', this.#connection.send(message, compress), isObserved)
    // What was sent may be changed.
    if (typeof message !== 'string') message.fill(0xee)
  }

  #sendStream({ type, compress }: Extract<Call, { do: 'send-stream' }>): void {
    if (!this.#connection.canSend) return
    const outgoing = new Outgoing(this.#connection.sendStream(type, compress), type)
    this.#outgoing.push(outgoing)
    this.sent.push(outgoing)
    this.#promises.add('closed of a sendStream', outgoing.writer.closed)
    outgoing.writer.ready.catch(() => {})
  }

  #write({ which, isText, size }: Extract<Call, { do: 'write' }>): void {
    const outgoing = this.#outgoing[which]
    if (outgoing === undefined || outgoing.isClosed) return
    outgoing.isText ??= isText
    const piece = makeContent(outgoing.pieces.length, isText, size)
    outgoing.pieces.push(piece)
    outgoing.writer.ready.catch(() => {})
    this.#promises.add('write', outgoing.writer.write(piece))
  }

  #endStream(which: number): void {
    const outgoing = this.#outgoing[which]
    if (outgoing === undefined || outgoing.isClosed) return
    outgoing.isClosed = true
    const closed = outgoing.writer.close().then(() => {
      outgoing.isComplete = true
    })
    this.#promises.add('close of a sendStream', closed.catch(unlessFailed))
  }

  #abortStream(which: number): void {
    const outgoing = this.#outgoing[which]
    if (outgoing === undefined) return
    outgoing.isClosed = true
    this.#promises.add('abort of a sendStream', outgoing.writer.abort(new CallersReason()))
  }

  #take(call: string, taken: Promise<string | Uint8Array | undefined>): void {
    const noted = taken.then((message) => {
      if (message !== undefined) this.#note(message)
    })
    this.#promises.add(call, noted)
  }

  async #takeAll(): Promise<void> {
    const taken = this.#promises.add('receiveAll', this.#connection.inbox.receiveAll())
    const messages = await taken.catch(() => [])
    for (const message of messages ?? []) this.#note(message)
    // Before, there may have been nothing because a receive was withdrawn.
    this.isDrained = this.#isDraining && messages === undefined
  }

  #note(message: string | Uint8Array): void {
    const { isText, bytes } = contentOf(message)
    this.received.push({ isText, pieces: [bytes], isComplete: true })
  }

  #receiveStream(signal: AbortSignal | undefined): void {
    const noted = this.#connection.inbox.receiveStream(signal).then((message) => {
      if (message === undefined) return
      const incoming = new Incoming(message)
      incoming.reader.closed.catch(() => {})
      this.#incoming.push(incoming)
      this.received.push(incoming)
    })
    this.#promises.add('receiveStream', noted)
  }

  #read(which: number): void {
    const incoming = this.#incoming[which]
    if (incoming === undefined || incoming.isReading) return
    incoming.isReading = true
    const read = incoming.reader.read().then(({ done, value }) => {
      incoming.isReading = false
      if (!done) incoming.pieces.push(value)
      else if (!this.#cancelled.has(incoming)) incoming.isComplete = true
    })
    this.#promises.add('read', read)
  }

  #cancel(which: number): void {
    const incoming = this.#incoming[which]
    if (incoming === undefined || incoming.isComplete) return
    this.#cancelled.add(incoming)
    this.#promises.add('cancel', incoming.reader.cancel(new CallersReason()))
  }

  #signal({ hasSignal }: { readonly hasSignal: boolean }): AbortSignal | undefined {
    if (!hasSignal) return undefined
    const controller = new AbortController()
    this.#signals.push(controller)
    return controller.signal
  }

  #abortSignals(): void {
    for (const controller of this.#signals) controller.abort(new CallersReason())
    this.#signals = []
  }
}

/** A stream that has failed already is closed in vain, as Node says by an error of its own; `closed` tells why it failed. */
function unlessFailed(error: unknown): void {
  if ((error as { code?: unknown }).code !== 'ERR_INVALID_STATE') throw error
}
