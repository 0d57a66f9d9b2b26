/** `hawser/node-stream`: an open socket as a Duplex of node:stream. */
import { Duplex, type DuplexOptions } from 'node:stream'
import type { ClientWebSocket } from '../client-websocket.ts'
import type { Message } from '../protocol/message-parts.ts'

export interface NodeStreamOptions
  extends Pick<DuplexOptions, 'readableHighWaterMark' | 'writableHighWaterMark' | 'signal'> {
  /**
   * Whether messages are read one by one, text as strings and binary as Uint8Arrays. Otherwise they are read as bytes, and where one
   * ends is lost. Default: false.
   */
  readonly readableObjectMode?: boolean
}

/**
 * An open socket as a Duplex. Each chunk that is written is a message: a string is text, bytes are binary. A write is done when the
 * socket has room for more; reading asks for a message at a time, so that back-pressure reaches the server.
 *
 * - `end()` sends a Close frame, and what the server still sends can be read (`closeOutput`).
 * - The readable side ends with the server's Close frame. What is written after it fails.
 * - A connection that fails destroys the stream with its error, after the messages that had come before.
 * - `destroy()` before both sides have ended drops the connection (`abort`). `close` comes when it has ended.
 *
 * From then on the socket's own `send` and `receive` are not to be used.
 */
export function toNodeStream(socket: ClientWebSocket, options: NodeStreamOptions = {}): Duplex {
  return new WebSocketDuplex(socket, options)
}

type Callback = (error?: Error | null) => void

class WebSocketDuplex extends Duplex {
  readonly #socket: ClientWebSocket

  constructor(socket: ClientWebSocket, options: NodeStreamOptions) {
    super({ ...options, decodeStrings: false })
    this.#socket = socket
  }

  override _read(): void {
    this.#socket.receive().then(
      (message) => this.push(message === undefined ? null : this.#chunk(message)),
      (error) => this.destroy(error),
    )
  }

  override _write(chunk: string | Uint8Array, _encoding: BufferEncoding, callback: Callback): void {
    this.#socket.send(chunk).then(() => callback(), callback)
  }

  override _final(callback: Callback): void {
    if (this.#socket.closeStatus !== undefined && this.#socket.state !== 'close-received') {
      // The server's Close frame has been answered already.
      callback()
      return
    }
    this.#socket.closeOutput().then(() => callback(), callback)
  }

  override _destroy(error: Error | null, callback: Callback): void {
    const hasEnded = error === null && this.readableEnded && this.writableFinished
    if (!hasEnded) this.#socket.abort(error ?? undefined)
    this.#socket.close().then(() => callback(error), callback)
  }

  #chunk(message: Message): Message {
    if (this.readableObjectMode) return message
    return typeof message === 'string' ? Buffer.from(message) : message
  }
}
