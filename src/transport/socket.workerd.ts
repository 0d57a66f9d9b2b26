/** Connections through cloudflare:sockets. */
import { connect, type Socket } from 'cloudflare:sockets'
import { HandshakeError } from '../errors.ts'
import type { ByteSink } from './contracts.ts'
import type { Address, Dial, DialedStream } from './tcp.ts'

const READ_BYTES = 65536

export const workerdDial: Dial = async (address, signal) => {
  const { hostname, port, secure } = address
  let socket: Socket | undefined
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort)
  try {
    socket = connect({ hostname, port }, { secureTransport: secure ? 'on' : 'off', allowHalfOpen: true })
    await Promise.race([socket.opened, aborted])
    return new WorkerdByteStream(socket)
  } catch (error) {
    socket?.close().catch(() => {})
    signal.throwIfAborted()
    throw unreachable(address, error)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Workers do not tell a refused connection from a name without an address, or from a certificate that is not trusted. */
function unreachable({ origin, secure }: Address, cause: unknown): HandshakeError {
  const reasons = secure
    ? 'nobody listens there, the name is wrong, or TLS failed'
    : 'nobody listens there, or the name is wrong'
  return new HandshakeError('NETWORK_FAILED', `Cannot connect to ${origin}: ${reasons}`, { cause, retriable: true })
}

/** A ByteStream over a socket of Workers. It reads only when the sink may have what comes. */
class WorkerdByteStream implements DialedStream {
  readonly #socket: Socket
  readonly #reader
  readonly #writer
  /** Bytes for the sink to have first. */
  readonly #held: Uint8Array[] = []
  #sink: ByteSink | undefined
  #buffer = new ArrayBuffer(READ_BYTES)
  #isReading = false
  #isPaused = false
  #isOver = false
  /** Which directions have ended. */
  #hasEnded = false
  #hasFinished = false

  constructor(socket: Socket) {
    this.#socket = socket
    this.#reader = socket.readable.getReader({ mode: 'byob' })
    this.#writer = socket.writable.getWriter()
    this.#writer.closed.catch(() => {})
  }

  attach(sink: ByteSink): void {
    this.#sink = sink
    this.defer(() => void this.#read())
  }

  detach(unread: Uint8Array): void {
    this.#sink = undefined
    if (unread.byteLength > 0) this.#held.unshift(unread)
  }

  write(chunks: readonly Uint8Array[], released: (sent: boolean) => void): void {
    const written = chunks.map((chunk) => this.#writer.write(chunk))
    Promise.all(written).then(
      () => released(true),
      (error) => {
        released(false)
        this.#close(error)
      },
    )
  }

  end(): void {
    if (this.#hasFinished || this.#isOver) return
    this.#hasFinished = true
    this.#writer.close().then(
      () => this.#hasEnded && this.#close(undefined),
      () => {},
    )
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.defer(() => void this.#read())
  }

  destroy(): void {
    this.defer(() => this.#close(undefined))
  }

  defer(callback: () => void): void {
    setTimeout(callback, 0)
  }

  /** One loop at a time. */
  async #read(): Promise<void> {
    if (this.#isReading) return
    this.#isReading = true
    try {
      while (this.#mayDeliver) await this.#readOnce()
    } catch (error) {
      this.#close(error)
    } finally {
      this.#isReading = false
    }
  }

  get #mayDeliver(): boolean {
    return this.#sink !== undefined && !this.#isPaused && !this.#isOver && (!this.#hasEnded || this.#held.length > 0)
  }

  async #readOnce(): Promise<void> {
    const held = this.#held.shift()
    if (held !== undefined) {
      this.#sink?.onData(held)
      return
    }
    const { value, done } = await this.#reader.read(new Uint8Array(this.#buffer))
    if (value) this.#buffer = value.buffer as ArrayBuffer
    if (this.#isOver) return
    if (done) this.#takeEnd()
    else if (this.#mayDeliver) this.#sink?.onData(value)
    else this.#held.push(value.slice())
  }

  #takeEnd(): void {
    this.#hasEnded = true
    this.#sink?.onEnd()
    if (this.#hasFinished) this.#close(undefined)
  }

  #close(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#held.length = 0
    this.#socket.close().catch(() => {})
    this.#sink?.onClosed(error === undefined || error instanceof Error ? error : new Error(String(error)))
  }
}
