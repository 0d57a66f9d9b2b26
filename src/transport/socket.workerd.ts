/** Connections through cloudflare:sockets. */
import { connect, type Socket } from 'cloudflare:sockets'
import { abortable } from '../abortable.ts'
import { concatenated } from '../concatenated.ts'
import { HandshakeError } from '../errors.ts'
import type { ByteSink } from './contracts.ts'
import type { Address, Dial, DialedStream } from './tcp.ts'

const READ_BYTES = 65_536
/** Up to so many bytes it is cheaper to join chunks than to write each by itself. */
const JOIN_UP_TO = 65_536
/** Milliseconds after which what a peer does not take is given up, once the connection is over for us. */
const LINGER = 500

export const workerdDial: Dial = async (address, signal) => {
  const { hostname, port, secure } = address
  let socket: Socket | undefined
  try {
    socket = connect({ hostname, port }, { secureTransport: secure ? 'on' : 'off', allowHalfOpen: true })
    await abortable(socket.opened, signal)
    return new WorkerdByteStream(socket)
  } catch (error) {
    socket?.close().catch(() => {})
    signal.throwIfAborted()
    throw unreachable(address, error, socket !== undefined)
  }
}

/**
 * Workers do not tell a refused connection from a name without an address, or from a certificate that is not trusted.
 * Some addresses and ports the runtime itself refuses, and does not try.
 */
function unreachable({ origin, secure }: Address, cause: unknown, wasTried: boolean): HandshakeError {
  const tried = `nobody listens there, or the name is wrong${secure ? ', or TLS failed' : ''}`
  const why = wasTried ? tried : 'Workers may not; see `cause`'
  return new HandshakeError('NETWORK_FAILED', `Cannot connect to ${origin}: ${why}`, { cause, retriable: wasTried })
}

/** A ByteStream over a socket of Workers. It reads only when the sink may have what comes. */
class WorkerdByteStream implements DialedStream {
  readonly #socket: Socket
  readonly #reader
  readonly #writer
  /** Bytes for the sink to have first. */
  readonly #held: Uint8Array[] = []
  /** What is to be told of the writes that are under way. */
  readonly #unreleased = new Set<(sent: boolean) => void>()
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

  /** The runtime copies what it is given; that it has been let go of tells that it has been sent. */
  write(chunks: readonly Uint8Array[], released: (sent: boolean) => void): void {
    if (this.#isOver) {
      released(false)
      return
    }
    this.#unreleased.add(released)
    Promise.all(joined(chunks).map((chunk) => this.#writer.write(chunk))).then(
      () => this.#release(released, true),
      (error) => this.#close(error),
    )
  }

  end(): void {
    if (this.#hasFinished || this.#isOver) return
    this.#hasFinished = true
    this.#writer.close().then(
      () => this.#hasEnded && this.#close(),
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
    this.defer(() => this.#close())
  }

  /**
   * A timer would take a millisecond, and a microtask would run before those that are due. To read a body takes one
   * turn of the event loop and nothing more, which costs a fifth of a timer.
   */
  defer(callback: () => void): void {
    new Response('.').arrayBuffer().then(callback)
  }

  #release(released: (sent: boolean) => void, sent: boolean): void {
    if (this.#unreleased.delete(released)) released(sent)
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
    return this.#sink !== undefined && !this.#isPaused && (!this.#hasEnded || this.#held.length > 0)
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
    if (this.#hasFinished) this.#close()
  }

  #close(error?: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    const sink = this.#sink
    // The runtime may keep an error of the socket, and with it whoever was called when it came.
    this.#sink = undefined
    this.#buffer = new ArrayBuffer(0)
    this.#closeSocket()
    for (const released of this.#unreleased) this.#release(released, false)
    sink?.onClosed(error === undefined || error instanceof Error ? error : new Error(String(error)))
  }

  /** The runtime ends the connection once the peer has taken what is under way. Aborting alone would not end it. */
  #closeSocket(): void {
    const timer = setTimeout(() => this.#writer.abort().catch(() => {}), LINGER)
    const settled = () => clearTimeout(timer)
    this.#socket.close().then(settled, settled)
  }
}

/** Chunks in a row that are few bytes together as one. */
function joined(chunks: readonly Uint8Array[]): readonly Uint8Array[] {
  const groups: Uint8Array[][] = []
  let size = JOIN_UP_TO
  for (const chunk of chunks) {
    size += chunk.length
    if (size <= JOIN_UP_TO) {
      groups.at(-1)!.push(chunk)
    } else {
      groups.push([chunk])
      size = chunk.length
    }
  }
  return groups.map((group) => (group.length === 1 ? group[0]! : concatenated(group)))
}
