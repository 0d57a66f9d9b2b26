import type { ClientHttp2Stream } from 'node:http2'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ByteSink, ByteStream } from './contracts.ts'

/** By what a Duplex knows its reader. */
const READER = Symbol('hawser.reader')

type Read = Duplex & { [READER]?: NodeByteStream }

/**
 * A ByteStream over a Duplex of Node: a net.Socket, a tls.TLSSocket or a ClientHttp2Stream.
 *
 * Bytes come by `'data'` events or, from a socket made with the `onread` option, by {@link deliver}. What comes while
 * nobody may have it is held, in order, and the Duplex is paused, so that never more is held than what had already been
 * read.
 *
 * It ends in one of three ways: `onEnd`, then `onClosed(undefined)`; or `onClosed(error)`, before or after an `onEnd`,
 * also when the Duplex is closed by somebody else; or, after {@link destroy}, `onClosed(undefined)`.
 */
export class NodeByteStream implements ByteStream {
  readonly #duplex: Duplex
  /**
   * Whether a write that is called back has left our memory: so it is with the streams of the system, but a Duplex in
   * memory may just have passed the same bytes on.
   */
  readonly #letsGo: boolean
  /** Bytes for the sink to have first. */
  #held: Uint8Array[] | undefined
  /** Whom to tell of the writes that Node has not let go of, in their order. */
  #writing: ((sent: boolean) => void)[] | undefined
  /** One for all writes. */
  #onWritten: ((error?: Error | null) => void) | undefined
  #sink: ByteSink | undefined
  /** True when bytes may go straight to the sink: there is one, it has not paused, and nothing is held. */
  #passing = false
  #paused = false
  #pumpQueued = false
  /** What has happened on the Duplex; the sink may not know yet. */
  #ended = false
  #closed = false
  #endTold = false
  #destroyed = false
  #error: Error | undefined

  /** Listens at once, since undici hands over a socket without any listener. */
  constructor(duplex: Duplex) {
    this.#duplex = duplex
    this.#letsGo = duplex instanceof Socket || isHttp2Stream(duplex)
    // The peer's end is not ours: a Close frame may still have to go out.
    duplex.allowHalfOpen = true
    const read: Read = duplex
    read[READER] = this
    // This listener stays for ever: an 'error' after 'close' must not become an uncaught exception.
    duplex.on('error', NodeByteStream.#onError)
    duplex.on('data', NodeByteStream.#onData)
    duplex.on('end', NodeByteStream.#onEnd)
    duplex.on('close', NodeByteStream.#onClose)
  }

  // Listeners are the same functions for all: a closure for each would be a good part of what an idle socket takes.

  static readonly #onError = function (this: Read, error: Error): void {
    this[READER]!.#error ??= error
    // A TLS socket that was given a fatal alert says so, and then lives on.
    this.destroy()
  }

  static readonly #onData = function (this: Read, bytes: Uint8Array): void {
    const stream = this[READER]!
    if (stream.#passing) stream.#sink?.onData(bytes)
    else stream.#hold(bytes)
  }

  static readonly #onEnd = function (this: Read): void {
    const stream = this[READER]!
    // TLS emits one after a fatal alert as well, which is no orderly end.
    stream.#ended ||= stream.#error === undefined
    stream.#pump()
  }

  static readonly #onClose = function (this: Read): void {
    this[READER]!.#close()
  }

  /** Takes bytes from an `onread` callback. They are copied when the sink may not have them yet. */
  deliver(bytes: Uint8Array): void {
    if (this.#passing) this.#sink?.onData(bytes)
    else this.#hold(new Uint8Array(bytes))
  }

  attach(sink: ByteSink): void {
    this.#sink = sink
    this.#queuePump()
  }

  /** Takes delivery away from the sink, for another one to be attached, which gets `unread` first. */
  detach(unread: Uint8Array): void {
    this.#sink = undefined
    this.#passing = false
    if (unread.byteLength > 0) this.#held = [unread, ...(this.#held ?? [])]
  }

  write(bytes: readonly Uint8Array[], released: (sent: boolean) => void): void {
    const duplex = this.#duplex
    const chunks = this.#letsGo ? bytes : bytes.map((chunk) => Buffer.from(chunk))
    if (!duplex.writable || chunks.length === 0) {
      released(chunks.length === 0)
      return
    }
    this.#writing ??= []
    this.#writing.push(released)
    this.#onWritten ??= (error) => this.#writing?.shift()?.(!error)
    const last = chunks.length - 1
    if (last > 0) duplex.cork()
    for (let i = 0; i < last; i++) duplex.write(chunks[i])
    duplex.write(chunks[last], this.#onWritten)
    if (last > 0) duplex.uncork()
  }

  end(): void {
    if (this.#duplex.writable) this.#duplex.end()
  }

  pause(): void {
    this.#paused = true
    this.#passing = false
    this.#duplex.pause()
  }

  resume(): void {
    this.#paused = false
    this.#queuePump()
  }

  destroy(): void {
    this.#destroyed = true
    this.#passing = false
    this.#held = undefined
    this.#duplex.destroy()
    // A Duplex that is closed already emits nothing more.
    this.#queuePump()
  }

  defer(callback: () => void): void {
    process.nextTick(callback)
  }

  #hold(bytes: Uint8Array): void {
    if (this.#destroyed) return
    this.#held ??= []
    this.#held.push(bytes)
    this.#duplex.pause()
  }

  #close(): void {
    this.#closed = true
    // Node forgets callbacks of some streams that are destroyed while they write; the memory is free all the same.
    const forgotten = this.#writing ?? []
    this.#writing = undefined
    for (const released of forgotten) released(false)
    this.#pump()
  }

  /** The sink is never called from within a call on the stream. */
  #queuePump(): void {
    if (this.#pumpQueued) return
    this.#pumpQueued = true
    this.defer(() => {
      this.#pumpQueued = false
      this.#pump()
    })
  }

  /** Tells the sink whatever it may know by now: held bytes, then the end, then the close. */
  #pump(): void {
    // What is held is told even to a sink that has paused, once nothing more can come: it has to learn of the end.
    while ((!this.#paused || this.#closed) && this.#sink !== undefined && this.#held !== undefined) {
      const bytes = this.#held.shift()!
      if (this.#held.length === 0) this.#held = undefined
      this.#sink.onData(bytes)
    }
    if (this.#sink === undefined || this.#held !== undefined) return
    if (this.#ended && !this.#endTold && !this.#destroyed) {
      this.#endTold = true
      this.#sink.onEnd()
    }
    if (this.#closed) this.#tellClosed()
    else if (!this.#paused && !this.#destroyed) {
      this.#passing = true
      this.#duplex.resume()
    }
  }

  #tellClosed(): void {
    const sink = this.#sink
    this.#sink = undefined
    this.#passing = false
    sink?.onClosed(this.#closeError())
  }

  #closeError(): Error | undefined {
    if (this.#destroyed) return undefined
    if (this.#error !== undefined || this.#ended) return this.#error
    return new Error('The connection was closed before the peer had ended it')
  }
}

/** By a documented property, since undici's own node:http2 may not be ours. */
export function isHttp2Stream(duplex: Duplex): duplex is ClientHttp2Stream {
  // In Bun it has no value before the end.
  return 'rstCode' in duplex
}
