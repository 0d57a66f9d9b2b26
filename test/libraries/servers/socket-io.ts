import { createServer } from 'node:http'
import { Server } from 'socket.io'
import { listen, type Serve } from './serve.ts'

export const serveSocketIo: Serve = () => {
  const http = createServer()
  const server = new Server(http)
  server.on('connection', (socket) => {
    socket.emit('welcome', 'hi')
    socket.on('echo', (text: string, bytes: Buffer, acknowledge) => acknowledge([text, bytes]))
  })
  server.of('/rooms').on('connection', (socket) => {
    socket.on('join', async (room: string, acknowledge) => {
      await socket.join(room)
      acknowledge([...socket.rooms].filter((name) => name !== socket.id))
    })
  })
  return listen(http, () => server.close())
}
