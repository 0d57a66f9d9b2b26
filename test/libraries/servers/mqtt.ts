import { Aedes } from 'aedes'
import { createWebSocketStream } from 'ws'
import { listenWithWebSockets, type Serve } from './serve.ts'

export const serveMqtt: Serve = async () => {
  const broker = await Aedes.createBroker()
  return listenWithWebSockets((webSockets) => {
    webSockets.on('connection', (webSocket, request) => {
      const stream = createWebSocketStream(webSocket)
      stream.on('error', () => {})
      broker.handle(stream, request)
    })
    return () => new Promise<void>((resolve) => broker.close(resolve))
  })
}
