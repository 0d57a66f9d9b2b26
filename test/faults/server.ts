/** The server's side of the exchanges: a real server, over HTTP/1.1 and HTTP/2, that notes what it saw of each. */
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { startHttp2Server } from '../support/http2-server.ts'
import { CLIENT_SAYS, SERVER_SAYS } from './client.ts'

export interface ServerReport {
  readonly received: readonly string[]
  /** The code of the client's Close frame, 1006 without one, or 0 as long as it knows of no end. */
  readonly closed: number
}

export interface ExchangeServer {
  /** Its port, for a version of HTTP. */
  readonly ports: Readonly<Record<'1.1' | '2', number>>
  /** What was seen of an exchange; undefined if it never began. */
  reportOf(id: string): ServerReport | undefined
  close(): Promise<void>
}

/** `/?id=&closes=client or server` is an exchange. */
export async function startExchangeServer(): Promise<ExchangeServer> {
  const reports = new Map<string, { received: string[]; closed: number }>()
  const sockets = new Set<Socket>()
  const server = createServer()
  const webSockets = new WebSocketServer({ server })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  webSockets.on('connection', (webSocket, request) => {
    const { searchParams: query } = new URL(request.url!, 'ws://server')
    const report = { received: [] as string[], closed: 0 }
    reports.set(query.get('id')!, report)
    // What goes wrong is told by the code.
    webSocket.on('error', () => {})
    webSocket.on('close', (code) => {
      report.closed = code
    })
    webSocket.on('message', (data) => {
      report.received.push(String(data))
      const isLast = report.received.length === CLIENT_SAYS.length
      if (isLast && query.get('closes') === 'server') webSocket.close(4001, 'server says bye')
    })
    speak(webSocket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const gateway = await startHttp2Server({ protocols: ['h2'], backendPort: port })
  const close = async () => {
    await gateway.close()
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  return { ports: { '1.1': port, '2': gateway.port }, reportOf: (id) => reports.get(id), close }
}

function speak(webSocket: WebSocket): void {
  const [one = '', two = '', three = ''] = SERVER_SAYS
  webSocket.send(one)
  webSocket.send(two.slice(0, 10), { fin: false })
  webSocket.send(two.slice(10))
  webSocket.send(three)
}
