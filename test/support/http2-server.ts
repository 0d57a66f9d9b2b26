/**
 * A server of HTTP/2 on the loopback, for WebSockets (RFC 8441) and ordinary requests.
 *
 * It is a gateway, as real ones are: each extended CONNECT becomes an upgrade at an HTTP/1.1 server behind it, by
 * default that of `websocket-server.ts`, whose paths say how it behaves. Connections that speak HTTP/1.1 are passed
 * through to the same server. Ordinary requests over HTTP/2 are answered with 200 and their own body; those without
 * one, with as many bytes as `?size=` says, or with method and path.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request as requestHttp1 } from 'node:http'
import {
  constants,
  createServer as createHttp2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2'
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { type RecordedRequest, type ServerTls, startWebSocketServer } from './websocket-server.ts'

export type Protocol = 'h2' | 'http/1.1'

export interface Http2ServerOptions {
  readonly tls?: ServerTls | undefined
  /**
   * What is spoken, the preferred one first: chosen by ALPN over TLS, by the first bytes without. Default: both.
   * `'unsaid'` is a TLS server that speaks HTTP/1.1 and takes no part in ALPN.
   */
  readonly protocols?: readonly Protocol[] | 'unsaid'
  /** Whether SETTINGS allow extended CONNECT. Default: true. */
  readonly extendedConnect?: boolean
  /** More settings. */
  readonly settings?: Settings
  /** The port of an HTTP/1.1 server of WebSockets. Default: one of its own. */
  readonly backendPort?: number
  /** Takes an extended CONNECT instead of the backend; says whether it did. */
  readonly onConnect?: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => boolean
}

/** A stream that was opened by an extended CONNECT. */
export interface RecordedConnect {
  readonly headers: IncomingHttpHeaders
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[]
  readonly stream: ServerHttp2Stream
  /** Settles once the stream is over, with the code of its RST_STREAM, or 0. */
  readonly closed: Promise<number>
  /** Whether the client has sent END_STREAM. */
  ended: boolean
}

export interface RunningHttp2Server extends AsyncDisposable {
  /** ws://127.0.0.1:port or wss://localhost:port, without a path. */
  readonly url: string
  readonly port: number
  /** How many TCP connections have been accepted. */
  connections(): number
  /** How many TLS handshakes were completed. */
  handshakes(): number
  /** The protocols that each ClientHello offered. */
  readonly offers: readonly (readonly string[])[]
  /** All sessions of HTTP/2 so far. */
  readonly sessions: readonly ServerHttp2Session[]
  readonly connects: readonly RecordedConnect[]
  /** Ordinary requests over HTTP/2, as method and path. */
  readonly requests: readonly string[]
  /** What the server behind this one was asked for, directly or through the gateway; empty when it is not its own. */
  readonly backendRequests: readonly RecordedRequest[]
  /** Cuts all connections and ends the server, the one behind it too if it is its own. */
  close(): Promise<void>
}

export async function startHttp2Server(options: Http2ServerOptions = {}): Promise<RunningHttp2Server> {
  const ownBackend = options.backendPort === undefined ? await startWebSocketServer() : undefined
  const gateway = new Gateway(options, ownBackend?.port ?? options.backendPort!)
  const port = await gateway.listen()
  const close = async () => {
    await gateway.close()
    await ownBackend?.close()
  }
  return {
    url: options.tls === undefined ? `ws://127.0.0.1:${port}` : `wss://localhost:${port}`,
    port,
    connections: () => gateway.connections,
    handshakes: () => gateway.handshakes,
    offers: gateway.offers,
    sessions: gateway.sessions,
    connects: gateway.connects,
    requests: gateway.requests,
    backendRequests: ownBackend?.requests ?? [],
    close,
    [Symbol.asyncDispose]: close,
  }
}

class Gateway {
  connections = 0
  handshakes = 0
  readonly offers: string[][] = []
  readonly sessions: ServerHttp2Session[] = []
  readonly connects: RecordedConnect[] = []
  readonly requests: string[] = []
  readonly #options: Http2ServerOptions
  readonly #backendPort: number
  readonly #protocols: readonly Protocol[]
  readonly #listener: Server
  /** Is given its connections one by one, and never listens. */
  readonly #http2: ReturnType<typeof createHttp2Server>
  readonly #open = new Set<Duplex>()

  constructor(options: Http2ServerOptions, backendPort: number) {
    const { protocols = ['h2', 'http/1.1'], extendedConnect: enableConnectProtocol = true, settings } = options
    this.#options = options
    this.#backendPort = backendPort
    this.#protocols = protocols === 'unsaid' ? ['http/1.1'] : protocols
    this.#listener = options.tls === undefined ? this.#listenClear() : this.#listenSecurely(options.tls)
    this.#listener.on('connection', (socket: Socket) => {
      this.connections++
      this.#track(socket.setNoDelay())
    })
    // Node refuses streams while more than 10 MB wait to be sent; many long echoes at once are more than that.
    // And it ends connections on which more than 33 streams a second are reset.
    this.#http2 = createHttp2Server({
      settings: { enableConnectProtocol, ...settings },
      maxSessionMemory: 1000,
      streamResetBurst: 1_000_000,
      streamResetRate: 1_000_000,
    })
    this.#http2.on('session', (session) => {
      this.sessions.push(session)
      session.on('error', () => {})
    })
    // What a client does wrong is for the client's tests to see.
    this.#http2.on('sessionError', () => {})
    this.#http2.on('stream', (stream, headers, _flags, rawHeaders) => this.#answer(stream, headers, rawHeaders))
  }

  async listen(): Promise<number> {
    this.#listener.listen(0, '127.0.0.1')
    await once(this.#listener, 'listening')
    return (this.#listener.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    for (const session of this.sessions) session.destroy()
    for (const socket of this.#open) socket.destroy()
    await new Promise((resolve) => this.#listener.close(resolve))
  }

  #listenClear(): Server {
    return createTcpServer({ allowHalfOpen: true }, (socket) => {
      if (this.#protocols.length === 1) this.#serve(socket, this.#protocols[0]!)
      else {
        socket.once('data', (bytes: Buffer) => {
          socket.pause()
          socket.unshift(bytes)
          this.#serve(socket, bytes.toString('latin1').startsWith('PRI ') ? 'h2' : 'http/1.1')
        })
      }
    })
  }

  #listenSecurely(tls: ServerTls): Server {
    const options: TlsOptions = { ...tls, allowHalfOpen: true }
    if (this.#options.protocols !== 'unsaid') {
      options.ALPNCallback = ({ protocols }) => {
        this.offers.push(protocols)
        return this.#protocols.find((protocol) => protocols.includes(protocol))
      }
    }
    const server = createTlsServer(options, (socket) => {
      this.handshakes++
      this.#track(socket)
      this.#serve(socket, socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1')
    })
    return server.on('tlsClientError', () => {})
  }

  #track(socket: Duplex): void {
    this.#open.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#open.delete(socket))
  }

  #serve(socket: Socket, protocol: Protocol): void {
    if (protocol === 'h2') this.#http2.emit('connection', socket)
    else join(socket, this.#connectBackend(), () => socket.destroy())
  }

  #connectBackend(): Socket {
    const backend = connect({ port: this.#backendPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    this.#track(backend)
    return backend
  }

  #answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
    stream.on('error', () => {})
    if (headers[':method'] !== 'CONNECT') {
      this.requests.push(`${headers[':method']} ${headers[':path']}`)
      stream.respond({ ':status': 200 })
      if (stream.endAfterHeaders) stream.end(bodyFor(headers))
      else stream.pipe(stream)
      return
    }
    const closed = new Promise<number>((resolve) => stream.once('close', () => resolve(stream.rstCode ?? 0)))
    const connect: RecordedConnect = { headers, rawHeaders, stream, closed, ended: false }
    this.connects.push(connect)
    stream.once('end', () => {
      // A reset ends it as well.
      connect.ended = stream.rstCode === constants.NGHTTP2_NO_ERROR
    })
    if (!this.#options.onConnect?.(stream, headers)) this.#tunnel(stream, headers, rawHeaders)
  }

  /** RFC 8441 §5: what is a CONNECT here is an upgrade there. */
  #tunnel(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
    const request = requestHttp1({
      path: headers[':path'],
      headers: upgradeFields(headers, rawHeaders),
      createConnection: () => this.#connectBackend(),
    })
    stream.on('close', () => request.destroy())
    request.on('error', () => stream.close(constants.NGHTTP2_CANCEL))
    request.on('upgrade', (response, socket, head) => {
      socket.unshift(head)
      if (stream.destroyed) socket.destroy()
      else {
        stream.respond(responseFields(response, 200))
        join(stream, socket, () => stream.close(constants.NGHTTP2_CANCEL))
      }
    })
    request.on('response', (response) => {
      if (stream.destroyed) return
      stream.respond(responseFields(response, response.statusCode))
      response.pipe(stream)
    })
    request.end()
  }
}

function bodyFor({ ':method': method, ':path': path = '' }: IncomingHttpHeaders): string {
  const size = /[?]size=([0-9]+)/.exec(path)?.[1]
  return size === undefined ? `${method} ${path}` : 'x'.repeat(Number(size))
}

/** Passes everything on in both directions, ends included; `cut` ends the client's side when the backend was reset. */
function join(client: Duplex, backend: Duplex, cut: () => void): void {
  client.pipe(backend).pipe(client)
  client.on('close', () => backend.destroy())
  backend.on('error', cut)
}

function upgradeFields(headers: IncomingHttpHeaders, rawHeaders: readonly string[]): string[] {
  const fields = [
    'host',
    String(headers[':authority']),
    'connection',
    'Upgrade',
    'upgrade',
    String(headers[':protocol']),
  ]
  fields.push('sec-websocket-key', randomBytes(16).toString('base64'))
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!rawHeaders[i]!.startsWith(':')) fields.push(rawHeaders[i]!, rawHeaders[i + 1]!)
  }
  return fields
}

/** Fields of the HTTP/1.1 connection (RFC 9113 §8.2.2), and of its handshake. */
const HTTP1_FIELDS = ['connection', 'upgrade', 'keep-alive', 'transfer-encoding', 'sec-websocket-accept', 'date']

function responseFields({ headersDistinct }: IncomingMessage, status: number | undefined): OutgoingHttpHeaders {
  const fields = Object.entries(headersDistinct).filter(([name]) => !HTTP1_FIELDS.includes(name))
  return { ':status': status, ...Object.fromEntries(fields) }
}
