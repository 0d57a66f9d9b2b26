import type { ClientHttp2Stream } from 'node:http2'
import type { ByteSink, ByteStream } from './contracts.ts'
import { CANCELLED, type Canceller } from './http2-cancel.ts'
import type { Http2Connection } from './http2-connection.ts'
import type { TurnTaker } from './http2-turns.ts'
import { NodeByteStream } from './node-byte-stream.ts'

/** How long a peer that has ended its direction has for the RST_STREAM of its own, in milliseconds. */
const RESETS_WITHIN = 300

/** Bytes that a stream gives to its session in one turn. */
const TURN_BYTES = 65_536

interface Chunk {
  readonly bytes: Uint8Array
  /** For the last chunk of a write. */
  readonly released: ((sent: boolean) => void) | undefined
}

const NONE: Chunk[] = []

/** By what a stream knows its writer. */
const WRITER = Symbol('hawser.writer')

type Written = ClientHttp2Stream & { [WRITER]?: Http2ByteStream }

/**
 * A ByteStream over a stream of HTTP/2. Reading is that of any Duplex; writing and ending differ.
 *
 * - Streams that have much to send take turns.
 * - `end` sends END_STREAM alone, after everything else; but nothing at all once the peer has ended: there are peers
 *   that take a late END_STREAM for an error of the whole connection. Those have a moment to reset the stream, which is
 *   then cancelled.
 * - `destroy` resets the stream with CANCEL.
 */
export class Http2ByteStream implements ByteStream, ByteSink, TurnTaker {
  readonly #stream: ClientHttp2Stream
  readonly #connection: Http2Connection
  readonly #canceller: Canceller | undefined
  readonly #reader: NodeByteStream
  /** What waits for its turn, and what has it. */
  #waiting = NONE
  #writing = NONE
  /** One for all writes. */
  #onWritten: ((error?: Error | null) => void) | undefined
  #sink: ByteSink | undefined
  #isEnding = false
  #peerHasEnded = false
  #isDestroyed = false
  #resetTimer: ReturnType<typeof setTimeout> | undefined

  /**
   * Listens at once: Node may deliver data before the head of the answer. `canceller` is of the signal that it was
   * requested with.
   */
  constructor(stream: ClientHttp2Stream, connection: Http2Connection, canceller: Canceller | undefined) {
    this.#stream = stream
    this.#connection = connection
    this.#canceller = canceller
    this.#reader = new NodeByteStream(stream)
    const written: Written = stream
    written[WRITER] = this
    stream.on('aborted', Http2ByteStream.#onAborted)
    stream.on('close', Http2ByteStream.#onClose)
  }

  // Listeners are the same functions for all, as those of the reader.

  /** Comes before Node throws away what a stream that was reset has not delivered; reading hands it to the reader. */
  static readonly #onAborted = function (this: Written): void {
    while (this.read() !== null);
  }

  static readonly #onClose = function (this: Written): void {
    const stream = this[WRITER]!
    clearTimeout(stream.#resetTimer)
    stream.#abandonWrites()
  }

  attach(sink: ByteSink): void {
    this.#sink = sink
    this.#reader.attach(this)
  }

  write(chunks: readonly Uint8Array[], released: (sent: boolean) => void): void {
    if (!this.#stream.writable || this.#isEnding || chunks.length === 0) {
      released(chunks.length === 0)
      return
    }
    const last = chunks.length - 1
    if (this.#waiting === NONE) this.#waiting = []
    for (let i = 0; i < last; i++) this.#waiting.push({ bytes: chunks[i]!, released: undefined })
    this.#waiting.push({ bytes: chunks[last]!, released })
    if (this.#writing.length === 0) this.#connection.turns.ask(this)
  }

  end(): void {
    this.#isEnding = true
    this.#endIfWritten()
  }

  pause(): void {
    this.#reader.pause()
  }

  resume(): void {
    this.#reader.resume()
  }

  destroy(): void {
    if (this.#isDestroyed) return
    this.#isDestroyed = true
    if (this.#canceller === undefined) this.#stream.destroy(CANCELLED)
    else this.#canceller.cancel()
    this.defer(() => this.#tellClosed(undefined))
  }

  defer(callback: () => void): void {
    process.nextTick(callback)
  }

  // What the reader tells.

  onData(bytes: Uint8Array): void {
    if (!this.#isDestroyed) this.#sink?.onData(bytes)
  }

  onEnd(): void {
    this.#peerHasEnded = true
    if (this.#isDestroyed) return
    this.#sink?.onEnd()
    if (this.#isEnding) this.#endIfWritten()
  }

  onClosed(error: Error | undefined): void {
    this.#tellClosed(error && !this.#isDestroyed ? (this.#connection.error ?? error) : undefined)
  }

  // Writing.

  takeTurn(): number {
    const chunks = this.#waiting
    let size = 0
    let count = 0
    while (count < chunks.length && size < TURN_BYTES) size += chunks[count++]!.bytes.length
    this.#waiting = count === chunks.length ? NONE : chunks.splice(count)
    this.#writing = chunks
    this.#onWritten ??= (error) => this.#endTurn(error)
    this.#write(chunks, this.#onWritten)
    return size
  }

  #write(chunks: readonly Chunk[], onWritten: (error?: Error | null) => void): void {
    const stream = this.#stream
    const last = chunks.length - 1
    if (last > 0) stream.cork()
    for (let i = 0; i < last; i++) stream.write(chunks[i]!.bytes)
    stream.write(chunks[last]!.bytes, onWritten)
    if (last > 0) stream.uncork()
  }

  #endTurn(error: Error | null | undefined): void {
    if (error) this.#abandonWrites()
    const written = this.#writing
    // After 'close' Node may still tell.
    if (written.length === 0) return
    this.#writing = NONE
    const { turns } = this.#connection
    if (this.#waiting.length > 0) turns.ask(this)
    turns.end()
    for (const { released } of written) released?.(true)
    if (this.#isEnding) this.#endIfWritten()
  }

  /** Node calls a write finished, or forgets it, while parts of it are still in the hands of the socket. */
  #abandonWrites(): void {
    const { turns } = this.#connection
    const [waiting, abandoned] = [this.#waiting, this.#writing]
    this.#waiting = NONE
    this.#writing = NONE
    turns.leave(this)
    for (const { released } of waiting) released?.(false)
    if (abandoned.length === 0) return
    turns.end()
    this.#connection.whenFlushed(() => {
      for (const { released } of abandoned) released?.(false)
    })
  }

  // Ending.

  #endIfWritten(): void {
    if (this.#stream.closed) return
    if (this.#peerHasEnded) {
      this.#resetTimer ??= setTimeout(() => this.destroy(), RESETS_WITHIN).unref()
    } else if (this.#writing.length + this.#waiting.length === 0 && this.#stream.writable) {
      this.#stream.end()
    }
  }

  #tellClosed(error: Error | undefined): void {
    const sink = this.#sink
    this.#sink = undefined
    sink?.onClosed(error)
  }
}
