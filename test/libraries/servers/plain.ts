/** For libraries that come without a server: those of `ws`, with a few lines to answer what the library is for. */
import { listenWithWebSockets, type Serve } from './serve.ts'

/** Answers one message, and hangs up. */
export const serveOneAnswer: Serve = async () => {
  let connections = 0
  return listenWithWebSockets((webSockets) => {
    webSockets.on('connection', (webSocket) => {
      const number = ++connections
      webSocket.once('message', (data) => {
        webSocket.send(`${data} on ${number}`)
        webSocket.close(1012)
      })
    })
  })
}

/** Sends three readings to whoever subscribes to a topic. */
export const serveReadings: Serve = () =>
  listenWithWebSockets((webSockets) => {
    webSockets.on('connection', (webSocket) => {
      webSocket.on('message', (data) => {
        const { subscribe: topic } = JSON.parse(String(data)) as { subscribe?: string }
        if (topic === undefined) return
        for (const value of [1, 2, 3]) webSocket.send(JSON.stringify({ topic, value }))
      })
    })
  })
