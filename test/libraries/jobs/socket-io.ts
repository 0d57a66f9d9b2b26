import { WebSocket as EngineWebSocket } from 'engine.io-client'
import { io } from 'socket.io-client'
import type { Job } from './job.ts'

/** An event of the server's, an event with an acknowledgement and binary data, and a namespace, on one connection. */
export const socketIo: Job = async (url, WebSocket) => {
  class Transport extends EngineWebSocket {
    override createSocket(uri: string, protocols: string | string[] | undefined) {
      // In Node the library asks for Node's Buffers, which only `ws` has.
      this.socket.binaryType = 'arraybuffer'
      return new WebSocket(uri, protocols ?? [])
    }
  }
  const main = io(url, { transports: [Transport], reconnection: false, forceNew: true })
  const welcome = new Promise((resolve) => main.once('welcome', resolve))
  const [text, bytes] = await main.emitWithAck('echo', 'hello', new Uint8Array([1, 2, 3]))
  const rooms = main.io.socket('/rooms')
  const joined = await rooms.emitWithAck('join', 'a')
  const ended = new Promise((resolve) => main.once('disconnect', resolve))
  const result = [await welcome, text, [...new Uint8Array(bytes)], joined]
  main.io.engine.close()
  return [...result, await ended]
}
