/** A WebSocket server whose behaviour a test changes while it runs, and which counts what comes. */
import { createServer, type IncomingMessage, STATUS_CODES } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'

export interface Refusal {
  readonly status: number
  /** Header lines. */
  readonly headers?: readonly string[]
  readonly body?: string | Buffer
}

export class Upstream implements AsyncDisposable {
  /** ws://127.0.0.1:port, without a path. */
  url = ''
  /** Upgrades that were asked for, and when (`performance.now()`). */
  readonly asked: { readonly request: IncomingMessage; readonly time: number }[] = []
  /** All sockets so far, closed ones included. */
  readonly webSockets: WebSocket[] = []
  /** The most TCP connections that there were at once. */
  most = 0
  /** How upgrades are refused, as long as they are. */
  refusal: Refusal | undefined
  readonly #connections = new Set<Socket>()
  readonly #server = createServer()
  readonly #acceptor = new WebSocketServer({ noServer: true })

  static async start(onOpen: (webSocket: WebSocket, request: IncomingMessage) => void = () => {}): Promise<Upstream> {
    const upstream = new Upstream()
    upstream.#server.on('connection', (socket) => upstream.#count(socket))
    upstream.#server.on('upgrade', (request, socket, head) => upstream.#answer(request, socket, head))
    upstream.#acceptor.on('connection', (webSocket: WebSocket, request: IncomingMessage) => {
      webSocket.on('error', () => {})
      upstream.webSockets.push(webSocket)
      onOpen(webSocket, request)
    })
    await new Promise<void>((resolve) => upstream.#server.listen(0, '127.0.0.1', resolve))
    upstream.url = `ws://127.0.0.1:${(upstream.#server.address() as AddressInfo).port}`
    return upstream
  }

  /** TCP connections that are open now. */
  get connections(): number {
    return this.#connections.size
  }

  /** The socket that is open now: the only one. */
  get webSocket(): WebSocket {
    const open = this.webSockets.filter(({ readyState, OPEN }) => readyState === OPEN)
    if (open.length !== 1) throw new Error(`There are ${open.length} open sockets.`)
    return open[0]!
  }

  /** Ends all connections without a word. */
  cut(): void {
    for (const socket of this.#connections) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #count(socket: Socket): void {
    this.#connections.add(socket)
    this.most = Math.max(this.most, this.#connections.size)
    socket.on('close', () => this.#connections.delete(socket))
  }

  #answer(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.asked.push({ request, time: performance.now() })
    if (this.refusal !== undefined) refuse(socket, this.refusal)
    else
      this.#acceptor.handleUpgrade(request, socket, head, (opened) =>
        this.#acceptor.emit('connection', opened, request),
      )
  }
}

function refuse(socket: Duplex, { status, headers = [], body = '' }: Refusal): void {
  socket.on('error', () => {})
  const bytes = Buffer.from(body)
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...headers, `content-length: ${bytes.length}`]
  socket.end(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), bytes]))
}
