import library from 'reconnecting-websocket'
import type { Job } from './job.ts'

// Its types promise another default export than there is.
const ReconnectingWebSocket = library as unknown as typeof library.default

/** A server that hangs up after each answer: what is sent in between waits for the next connection. */
export const reconnectingWebSocket: Job = async (url, WebSocket) => {
  const options = { WebSocket, minReconnectionDelay: 1, maxReconnectionDelay: 10 }
  const socket = new ReconnectingWebSocket(url, ['numbered'], options)
  const results: unknown[] = []
  for (const message of ['one', 'two', 'three']) {
    const answer = new Promise((resolve) => {
      socket.onmessage = ({ data }) => resolve(data)
    })
    socket.send(message)
    results.push(await answer, socket.protocol)
    await new Promise((resolve) => {
      socket.onclose = resolve
    })
  }
  socket.close()
  return results
}
