/** `hawser/node-stream`: an open socket as a Duplex of node:stream. */
import { addAbortSignal, Duplex, type DuplexOptions } from 'node:stream'
import { signalOf } from '../arguments.ts'
import type { ClientWebSocket } from '../client-websocket.ts'
import { OptionsError } from '../errors.ts'
import type { Message } from '../protocol/message-parts.ts'

export interface NodeStreamOptions
  extends Pick<DuplexOptions, 'readableHighWaterMark' | 'writableHighWaterMark' | 'signal'> {
  /**
   * Whether messages are read one by one, text as strings and binary as Uint8Arrays. Otherwise they are read as bytes,
   * and where one ends is lost. Default: false.
   */
  readonly readableObjectMode?: boolean
}

/**
 * An open socket as a Duplex. Each chunk that is written is a message: a string is text, bytes are binary, and so is a
 * string with another encoding than UTF-8. A write is done when the socket has room for more; a message at a time is
 * asked for, up to `readableHighWaterMark`, so that back-pressure reaches the server.
 *
 * - `end()` sends a Close frame, and what the server still sends can be read (`closeOutput`).
 * - The readable side ends with the server's Close frame, and the writable side with it, but for a socket with
 *   `allowHalfOpen`.
 * - A connection that fails destroys the stream with its error, when the messages that had come before have been read,
 *   or at once if nobody reads.
 * - `destroy()` before both sides have ended drops the connection (`abort`). `close` comes when it has ended.
 *
 * From then on the socket's own `send` and `receive` are not to be used. Fails with an OptionsError for what is no
 * ClientWebSocket.
 */
export function toNodeStream(socket: ClientWebSocket, options: NodeStreamOptions = {}): Duplex {
  // Not instanceof: it may be one of another copy of the package.
  if (typeof socket?.receive !== 'function') throw new OptionsError('socket', 'socket must be a ClientWebSocket.')
  const signal = signalOf(options, NAMES)
  return new WebSocketDuplex(socket, { ...options, signal })
}

const NAMES: Readonly<Record<keyof NodeStreamOptions, true>> = {
  readableObjectMode: true,
  readableHighWaterMark: true,
  writableHighWaterMark: true,
  signal: true,
}
const UTF8 = new Set(['utf8', 'utf-8'])

type Callback = (error?: Error | null) => void

class WebSocketDuplex extends Duplex {
  readonly #socket: ClientWebSocket
  /** Why nothing more will come. */
  #failure: { readonly error: Error } | undefined

  constructor(socket: ClientWebSocket, { signal, ...options }: NodeStreamOptions) {
    super({ ...options, decodeStrings: false })
    this.#socket = socket
    this.once('end', () => this.#endWritable())
    // Who only writes is told of a lost connection, too: as with a net.Socket, reading begins by itself.
    this.read(0)
    if (signal) addAbortSignal(signal, this)
  }

  override _read(): void {
    this.#socket.receive().then(
      (message) => {
        // Of an empty chunk Node believes that nothing came, and with a mark of 0 it does not ask again.
        if (message?.length === 0 && !this.readableObjectMode) return this._read()
        this.push(message === undefined ? null : this.#chunk(message))
        // The end is told without being read if there is nothing before it.
        if (message === undefined) this.read(0)
      },
      (error) => {
        this.#failure = { error }
        if (this.readableLength === 0 || !this.#isRead) this.destroy(error)
        // Whoever asked for more than there is asks once more.
        else this.emit('readable')
      },
    )
  }

  /** A stream that is destroyed gives nothing any more: what had come before a failure is read first. */
  override read(size?: number): unknown {
    const chunk = super.read(size)
    if (this.#failure && (this.readableLength === 0 || (chunk === null && size !== 0)))
      this.destroy(this.#failure.error)
    return chunk
  }

  override _write(chunk: string | Uint8Array, encoding: BufferEncoding, callback: Callback): void {
    const isText = typeof chunk === 'string' && UTF8.has(encoding.toLowerCase())
    const message = isText || typeof chunk !== 'string' ? chunk : Buffer.from(chunk, encoding)
    this.#socket.send(message).then(() => callback(), callback)
  }

  override _final(callback: Callback): void {
    const { state } = this.#socket
    // The server's Close frame may have been answered already.
    if (state === 'closed' || state === 'close-sent') callback()
    else this.#socket.closeOutput().then(() => callback(), callback)
  }

  override _destroy(error: Error | null, callback: Callback): void {
    const hasEnded = error === null && this.readableEnded && this.writableFinished
    if (!hasEnded) this.#socket.abort(error ?? undefined)
    this.#socket.close().then(() => callback(error), callback)
  }

  /** Whether somebody reads, or has begun to. */
  get #isRead(): boolean {
    return this.readableFlowing !== null || this.listenerCount('readable') > 0
  }

  /** After the server's Close frame has been answered nothing can be written any more. */
  #endWritable(): void {
    if (this.#socket.state !== 'close-received') this.end()
  }

  #chunk(message: Message): Message {
    if (this.readableObjectMode) return message
    return typeof message === 'string' ? Buffer.from(message) : message
  }
}
