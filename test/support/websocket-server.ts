/**
 * A WebSocket server on the loopback whose path says how it behaves.
 *
 *     /echo                                   sends every message back, of the same type
 *     /headers                                sends the request's rawHeaders as JSON; adds fields to its 101
 *     /subprotocols?choose=                   chooses the first that is offered, or what it is told to
 *     /messages?count=&size=&type=            sends so many messages of so many bytes, type=text or binary, no faster than
 *                                             they are read
 *     /ticks?every=                           sends "tick 1", "tick 2" and so on, every 1000 milliseconds or as told
 *     /close?code=&reason=                    closes at once, without a code if none is given
 *     /stalled                                accepts, and then reads nothing more
 *     /refuse?status=&framing=&retry-after=&size=   an ordinary answer; framing=length, chunked, or close for a body that
 *                                             the end of the connection delimits
 *     /redirect?to=&status=                   an ordinary answer with a Location
 *     /silent                                 never answers
 *
 * Ordinary requests are answered with 200, whatever their path.
 */
import {
  createServer as createHttpServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { type PerMessageDeflateOptions, type WebSocket, WebSocketServer } from 'ws'

export interface ServerTls {
  readonly cert: string
  readonly key: string
  /** Authorities of client certificates. */
  readonly ca?: string
  readonly requestCert?: boolean
}

export interface RecordedRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  /** The common name in the client's certificate. */
  readonly clientName: string | undefined
}

export interface RunningServer extends AsyncDisposable {
  /** ws://127.0.0.1:port or wss://localhost:port, without a path. */
  readonly url: string
  readonly port: number
  /** All requests, upgrades and ordinary ones, in order. */
  readonly requests: readonly RecordedRequest[]
  /** How many TCP connections have been accepted. */
  connections(): number
  /** Cuts all connections. */
  close(): Promise<void>
}

export interface WebSocketServerOptions {
  readonly tls?: ServerTls
  /** What it answers to an offer of permessage-deflate. Default: nothing. */
  readonly perMessageDeflate?: boolean | PerMessageDeflateOptions
}

export async function startWebSocketServer(options: WebSocketServerOptions = {}): Promise<RunningServer> {
  const requests: RecordedRequest[] = []
  const webSockets = createWebSocketServer(options.perMessageDeflate ?? false)
  const server: Server = options.tls === undefined ? createHttpServer() : createHttpsServer(options.tls)
  const sockets = trackSockets(server)
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    requests.push(recordOf(request))
    response.end(`${request.method} ${request.url}`)
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    requests.push(recordOf(request))
    const url = new URL(request.url ?? '/', 'ws://localhost')
    const accept = (opened: (webSocket: WebSocket) => void) => webSockets.handleUpgrade(request, socket, head, opened)
    const route = ROUTES[url.pathname] ?? notFound
    route({ request, socket, query: url.searchParams, accept })
  })
  const port = await listen(server)
  const close = async () => {
    for (const socket of sockets.open) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  const url = options.tls === undefined ? `ws://127.0.0.1:${port}` : `wss://localhost:${port}`
  return { url, port, requests, connections: () => sockets.accepted, close, [Symbol.asyncDispose]: close }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly query: URLSearchParams
  accept(opened: (webSocket: WebSocket) => void): void
}

const ROUTES: Readonly<Record<string, (exchange: Exchange) => void>> = {
  '/echo': ({ accept }) =>
    accept((webSocket) => webSocket.on('message', (data, binary) => webSocket.send(data, { binary }))),
  '/headers': ({ request, accept }) => accept((webSocket) => webSocket.send(JSON.stringify(request.rawHeaders))),
  '/subprotocols': ({ accept }) => accept(() => {}),
  '/messages': ({ query, accept }) => accept((webSocket) => void sendMessages(webSocket, query)),
  '/ticks': ({ query, accept }) => accept((webSocket) => sendTicks(webSocket, Number(query.get('every') ?? 1000))),
  '/close': ({ query, accept }) =>
    accept((webSocket) => {
      const code = query.get('code')
      webSocket.close(code === null ? undefined : Number(code), query.get('reason') ?? undefined)
    }),
  '/stalled': ({ accept }) => accept((webSocket) => webSocket.pause()),
  '/refuse': refuse,
  '/redirect': ({ socket, query }) =>
    answer(socket, Number(query.get('status') ?? 302), [`location: ${query.get('to')}`, 'content-length: 0'], ''),
  '/silent': ({ socket }) => outlive(socket),
}

function notFound({ socket }: Exchange): void {
  answer(socket, 404, ['content-length: 0'], '')
}

function createWebSocketServer(perMessageDeflate: boolean | PerMessageDeflateOptions): WebSocketServer {
  const queryOf = (request: IncomingMessage) => new URL(request.url ?? '/', 'ws://localhost')
  const webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate,
    maxPayload: 256 * 1024 * 1024,
    handleProtocols: (offered, request) => {
      const { pathname, searchParams } = queryOf(request)
      return pathname === '/subprotocols' && (searchParams.get('choose') ?? [...offered][0] ?? false)
    },
  })
  webSockets.on('headers', (lines, request) => {
    if (queryOf(request).pathname === '/headers') lines.push('x-hello: world', 'set-cookie: a=1', 'set-cookie: b=2')
  })
  // What a client does wrong is for the client's tests to see, and must not end the server.
  webSockets.on('connection', (webSocket) => webSocket.on('error', () => {}))
  return webSockets
}

async function sendMessages(webSocket: WebSocket, query: URLSearchParams): Promise<void> {
  const message = Buffer.alloc(Number(query.get('size') ?? 1), 'x')
  const binary = query.get('type') !== 'text'
  for (let left = Number(query.get('count') ?? 1); left > 0; left--) {
    if (webSocket.bufferedAmount < 65_536) webSocket.send(message, { binary })
    else await new Promise((resolve) => webSocket.send(message, { binary }, resolve))
    if (webSocket.readyState !== webSocket.OPEN) return
  }
}

function sendTicks(webSocket: WebSocket, every: number): void {
  let count = 0
  const timer = setInterval(() => webSocket.send(`tick ${++count}`), every)
  webSocket.on('close', () => clearInterval(timer))
}

function refuse({ socket, query }: Exchange): void {
  const body = 'refused'.padEnd(Number(query.get('size') ?? 0), '.')
  const retryAfter = query.get('retry-after')
  const fields = ['x-reason: no', 'set-cookie: a=1', 'set-cookie: b=2', 'content-type: text/plain']
  if (retryAfter !== null) fields.push(`retry-after: ${retryAfter}`)
  const status = Number(query.get('status') ?? 403)
  const framing = query.get('framing') ?? 'length'
  if (framing === 'length') answer(socket, status, [...fields, `content-length: ${body.length}`], body)
  else if (framing === 'chunked') answer(socket, status, [...fields, 'transfer-encoding: chunked'], inChunks(body))
  else answer(socket, status, fields, body).end()
}

function inChunks(body: string): string {
  const half = Math.ceil(body.length / 2)
  const chunks = [body.slice(0, half), body.slice(half), '']
  return chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')
}

/** The connection serves no other request, but stays open: the client has to know where the answer ends. */
function answer(socket: Duplex, status: number, fields: readonly string[], body: string): Duplex {
  outlive(socket)
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...fields, 'connection: close']
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  return socket
}

/** Lets a client end or reset the connection as it likes. */
function outlive(socket: Duplex): void {
  socket.on('error', () => {})
  socket.on('end', () => socket.end())
  socket.resume()
}

function recordOf({ method = '', url = '', headers, rawHeaders, socket }: IncomingMessage): RecordedRequest {
  const clientName = socket instanceof TLSSocket ? socket.getPeerCertificate().subject?.CN : undefined
  return { method, url, headers, rawHeaders, clientName: typeof clientName === 'string' ? clientName : undefined }
}

function trackSockets(server: Server): { open: Set<Socket>; accepted: number } {
  const sockets = { open: new Set<Socket>(), accepted: 0 }
  const track = (socket: Socket) => {
    sockets.open.add(socket)
    socket.on('close', () => sockets.open.delete(socket))
  }
  server.on('connection', (socket: Socket) => {
    sockets.accepted++
    track(socket)
  })
  server.on('secureConnection', track)
  return sockets
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return (server.address() as AddressInfo).port
}
