import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

/** A library's server on the loopback. */
export interface Served {
  readonly port: number
  close(): Promise<unknown>
}

export type Serve = () => Promise<Served>

/** Listens; `end` is called before all connections are cut. */
export async function listen(server: Server, end: () => unknown = () => {}): Promise<Served> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async () => {
    await end()
    server.closeAllConnections()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
  return { port: (server.address() as AddressInfo).port, close }
}

/** A server of `ws`, for libraries that are plugged into one; `plug` gives what unplugs it. */
export function listenWithWebSockets(plug: (webSockets: WebSocketServer) => unknown): Promise<Served> {
  const server = createServer()
  const webSockets = new WebSocketServer({ server })
  const unplug = plug(webSockets)
  return listen(server, async () => {
    if (typeof unplug === 'function') await unplug()
    for (const webSocket of webSockets.clients) webSocket.terminate()
  })
}
