/**
 * The other side: WebSockets of ws over HTTP/1.1, and over HTTP/2 through the gateway of the tests. It sends back what
 * it gets, ends sockets as it is told to, and tells its parent of each that is over what it has seen. Any message of
 * the parent is answered with how many are open.
 */
import { createServer, type IncomingMessage } from 'node:http'
import type { Http2Session, ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { type RecordedConnect, startHttp2Server } from '../../test/support/http2-server.ts'
import { SERVER_CLOSE } from './life.ts'
import { type Command, type Content, Sequence } from './messages.ts'

/** What the server knows of a socket that is over. */
export interface Account {
  readonly id: string
  /** Messages that came, and messages that were sent back. */
  readonly received: number
  readonly echoed: number
  /** Whether its connection of HTTP/2 was cut, because of it or of another. */
  readonly severed: boolean
  readonly fault: string | undefined
}

export type FromServer =
  | { readonly type: 'ports'; readonly http1: number; readonly http2: number }
  | { readonly type: 'record'; readonly record: Account }
  | { readonly type: 'open'; readonly sockets: number }

/** As many as common servers allow on a connection. */
const STREAMS = 100
const SENT_BACK: readonly Command[] = ['echo', 'rest', 'away']
const SMALL_ENOUGH_TO_PING = 3000
/** The streams that stand before sockets, by their ids. */
const streams = new Map<string, ServerHttp2Stream>()
const severed = new WeakSet<Http2Session>()
let open = 0

const tell = (message: FromServer) => process.send?.(message)
const idOf = (path: string | undefined) => new URL(path ?? '/', 'ws://localhost').searchParams.get('id') ?? ''

function obey(command: Command, id: string, webSocket: WebSocket, socket: Socket): void {
  const stream = streams.get(id)
  const actions: Readonly<Partial<Record<Command, () => void>>> = {
    away: () => stream?.session?.close(),
    close: () => webSocket.close(SERVER_CLOSE, 'enough'),
    end: () => webSocket.terminate(),
    cut: () => socket.resetAndDestroy(),
    reset: () => stream?.close(),
    sever: () => stream?.session && sever(stream.session),
  }
  actions[command]?.()
}

function sever(session: Http2Session): void {
  severed.add(session)
  session.destroy()
}

/** In one frame, or in fragments; with a Ping now and then. */
function sendBack(webSocket: WebSocket, data: Buffer, binary: boolean, number: number): void {
  if (number % 8 === 0 && data.length < SMALL_ENOUGH_TO_PING) webSocket.ping()
  if (number % 5 !== 0 || data.length < 2) {
    webSocket.send(data, { binary })
    return
  }
  const half = data.length >> 1
  webSocket.send(data.subarray(0, half), { binary, fin: false })
  webSocket.send(data.subarray(half), { binary, fin: true })
}

function serve(webSocket: WebSocket, request: IncomingMessage): void {
  const id = idOf(request.url)
  // By the end of the socket it is no longer there.
  const session = streams.get(id)?.session
  const sequence = new Sequence(id)
  let echoed = 0
  let fault: string | undefined
  open++
  const take = (data: Buffer, binary: boolean) => {
    const content: Content = binary ? data : data.toString()
    const command = sequence.take(content)
    if (webSocket.readyState === webSocket.OPEN && SENT_BACK.includes(command)) {
      sendBack(webSocket, data, binary, echoed++)
    }
    obey(command, id, webSocket, request.socket)
  }
  webSocket.on('message', (data: Buffer, binary) => {
    try {
      if (fault === undefined) take(data, binary)
    } catch (error) {
      fault = error instanceof Error ? error.message : `${error}`
      webSocket.terminate()
    }
  })
  // Connections that are cut are what this is for; a broken rule shows in the client's report.
  webSocket.on('error', () => {})
  webSocket.on('close', () => {
    open--
    const isSevered = session !== undefined && severed.has(session)
    tell({ type: 'record', record: { id, received: sequence.count, echoed, severed: isSevered, fault } })
  })
}

const server = createServer()
const webSockets = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  perMessageDeflate: { threshold: 256, concurrencyLimit: 4 },
  maxPayload: 16 * 1024 * 1024,
})
server.on('upgrade', (request, socket, head) => {
  socket.on('error', () => {})
  webSockets.handleUpgrade(request, socket, head, (webSocket) => serve(webSocket, request))
})
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address() as AddressInfo
  const gateway = await startHttp2Server({
    protocols: ['h2'],
    backendPort: port,
    settings: { maxConcurrentStreams: STREAMS },
    onConnect: (stream, headers) => {
      const id = idOf(headers[':path'])
      streams.set(id, stream)
      // A handshake that is made again has the same id.
      stream.on('close', () => streams.get(id) === stream && streams.delete(id))
      // What the gateway records would grow without end.
      for (const list of [gateway.connects as RecordedConnect[], gateway.sessions as ServerHttp2Session[]]) {
        if (list.length > STREAMS) list.length = 0
      }
      return false
    },
  })
  tell({ type: 'ports', http1: port, http2: gateway.port })
})
process.on('message', () => tell({ type: 'open', sockets: open }))
process.on('disconnect', () => process.exit())
