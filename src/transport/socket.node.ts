/** Connections through node:net and node:tls. */
import { connect as connectTcp, isIP, type OnReadOpts, type Socket, type TcpNetConnectOpts } from 'node:net'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { abortable } from '../abortable.ts'
import { HandshakeError } from '../errors.ts'
import type { TlsOptions } from '../options.ts'
import { http2Unavailable } from './http2-error.ts'
import { isProtocolRefused, networkError } from './network-error.ts'
import { NodeByteStream } from './node-byte-stream.ts'
import { isDeno } from './runtime.ts'
import type { Address, Dial, DialedStream, LateFailure } from './tcp.ts'
import { tlsMaterial } from './tls-material.ts'

export interface NodeDialOptions {
  readonly tls: TlsOptions | undefined
  /** Where reads land. All sockets of a thread may share it: nothing stays in it beyond a call of the sink. */
  readonly readBuffer: Uint8Array
}

/** The names that ALPN has for the versions of HTTP (RFC 9113 §3.1, RFC 7301 §6). */
export type Protocol = 'h2' | 'http/1.1'

/** A connection for HTTP/1.1, or what was made of one for HTTP/2. */
export type Dialed<T> =
  | { readonly stream: DialedStream; readonly http2?: undefined }
  | { readonly stream?: undefined; readonly http2: T }

/** Opens connections over TCP and, for wss, TLS with ALPN `http/1.1`. */
export function nodeDial(options: NodeDialOptions): Dial {
  return async (address, signal) => {
    const connection = new Connection(address, options, ['http/1.1'])
    return await connection.open(signal, () => connection.byteStream())
  }
}

/** With TLS 1.3 a server judges the client's certificate only after the client believes itself connected. */
export const lateTlsFailure: LateFailure = (error, { origin }) => {
  const failure = networkError(error, origin)
  return failure.code === 'TLS_FAILED' ? failure : undefined
}

/**
 * Opens a connection that HTTP/2 may be spoken over: with TLS, ALPN chooses from `protocols`, without it there is only
 * `h2`, with prior knowledge. `startHttp2` takes the socket over within the event that says it is open: later would be
 * too late, since what comes next would be read by nobody.
 *
 * Fails with HTTP2_UNAVAILABLE when only `h2` was offered and the server does not choose it.
 */
export async function dialHttp2<T>(
  address: Address,
  signal: AbortSignal,
  protocols: readonly Protocol[],
  startHttp2: (socket: Socket) => T,
  options: NodeDialOptions,
): Promise<Dialed<T>> {
  const connection = new Connection(address, options, protocols)
  return await connection.open(signal, (socket): Dialed<T> => {
    const chosen = address.secure ? (socket as TLSSocket).alpnProtocol : 'h2'
    if (chosen === 'h2') {
      // Node's session knows of no connection that is open in one direction only: it would not see the peer's end.
      socket.allowHalfOpen = false
      return { http2: startHttp2(socket) }
    }
    if (protocols.includes('http/1.1')) return { stream: connection.byteStream() }
    throw http2Unavailable(address.origin, 'the server does not choose it (ALPN)')
  })
}

/** One attempt to connect. */
class Connection {
  readonly #address: Address
  readonly #options: NodeDialOptions
  readonly #protocols: readonly Protocol[]
  /** What the socket holds on to, for as long as it lives. */
  readonly #reader: Reader = { stream: undefined }
  #socket: Socket | undefined
  #isConnected = false

  constructor(address: Address, options: NodeDialOptions, protocols: readonly Protocol[]) {
    this.#address = address
    this.#options = options
    this.#protocols = protocols
  }

  /** The open socket as a stream; to be called within `take`. */
  byteStream(): NodeByteStream {
    this.#reader.stream = new NodeByteStream(this.#socket!)
    return this.#reader.stream
  }

  /**
   * Connects, and gives what `take` makes of the open socket. Fails with a HandshakeError, or with the signal's reason.
   */
  async open<T>(signal: AbortSignal, take: (socket: Socket) => T): Promise<T> {
    const { secure, hostname: host, port } = this.#address
    const { tls = {}, readBuffer } = this.#options
    const connect = secure ? await secureConnector(this.#address, tls, this.#protocols) : connectTcp
    signal.throwIfAborted()
    try {
      // In Deno HTTP/2 cannot take over a socket that reads into a buffer.
      const reads = !(isDeno && this.#protocols.includes('h2'))
      const onread = reads ? { onread: readInto(readBuffer, this.#reader) } : {}
      this.#socket = connect({ host, port, noDelay: true, allowHalfOpen: true, ...onread })
      return await abortable(this.#taken(this.#socket, take), signal)
    } catch (error) {
      this.#socket?.destroy()
      signal.throwIfAborted()
      throw this.#failure(error)
    }
  }

  #taken<T>(socket: Socket, take: (socket: Socket) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      // Stays as long as nobody else listens: an error after all the others must not become an uncaught exception.
      socket.on('error', reject)
      socket.once('connect', () => {
        this.#isConnected = true
      })
      socket.once(this.#address.secure ? 'secureConnect' : 'connect', () => {
        try {
          resolve(take(socket))
          if (this.#reader.stream !== undefined) socket.off('error', reject)
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  #failure(error: unknown): HandshakeError {
    if (error instanceof HandshakeError) return error
    const { origin } = this.#address
    if (isProtocolRefused(error) && !this.#protocols.includes('http/1.1')) {
      return http2Unavailable(origin, 'the server refuses it (ALPN)', error)
    }
    // Before there is a socket only what TLS is given can fail.
    if (this.#socket === undefined && this.#address.secure) return networkError(error, origin, 'BAD_MATERIAL')
    // What fails when the connection stands and TLS does not, such as a check of the caller's, is the certificate.
    return networkError(error, origin, this.#isConnected ? 'TLS_FAILED' : 'NETWORK_FAILED')
  }
}

/** Who gets what is read. */
interface Reader {
  stream: NodeByteStream | undefined
}

function readInto(buffer: Uint8Array, reader: Reader): OnReadOpts {
  const callback = (length: number): boolean => {
    reader.stream?.deliver(buffer.subarray(0, length))
    // To go on reading: the stream pauses the socket by itself.
    return true
  }
  return { buffer, callback }
}

/** node:tls is loaded only when it is needed: a program that speaks ws: alone starts faster without it. */
async function secureConnector(
  address: Address,
  tls: TlsOptions,
  protocols: readonly Protocol[],
): Promise<(options: TcpNetConnectOpts) => Socket> {
  const { connect, checkServerIdentity } = await import('node:tls')
  const material = tlsMaterial(tls)
  const name = tls.servername ?? address.hostname
  const check = material.checkServerIdentity ?? checkServerIdentity
  const secure: ConnectionOptions = {
    ...material,
    ALPNProtocols: [...protocols],
    // RFC 6066 §3: an address is no name for SNI; it is still what the certificate is checked for.
    servername: isIP(name) === 0 ? name : '',
    checkServerIdentity: (_, certificate) => check(name, certificate),
  }
  return (options) => connect({ ...secure, ...options })
}
