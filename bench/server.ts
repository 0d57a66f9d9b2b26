/**
 * The other side of every benchmark, in a process of its own: it looks at no frame, so that it is faster than any client.
 *
 * - `/sink?bytes=N` reads N bytes, then sends one message.
 * - `/source?messages=N&size=S&kind=K` sends N messages.
 */
import { createHash } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { block, frame, type Kind } from './frames.ts'

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

function sink(socket: Socket, query: URLSearchParams, head: number): void {
  let left = Number(query.get('bytes')) - head
  const take = (count: number) => {
    left -= count
    if (left === 0) socket.write(frame('text', 4, false))
  }
  take(0)
  socket.on('data', (chunk) => take(chunk.length))
}

function source(socket: Socket, query: URLSearchParams): void {
  let left = Number(query.get('messages'))
  const { bytes, messages } = block(query.get('kind') as Kind, Number(query.get('size')), false)
  const size = bytes.length / messages
  const pump = () => {
    while (left > 0) {
      const count = Math.min(left, messages)
      left -= count
      if (!socket.write(bytes.subarray(0, count * size))) return
    }
  }
  socket.on('drain', pump)
  pump()
}

const server = createServer({ noDelay: true }, (socket) => {
  let head = ''
  socket.on('error', () => {})
  const onHead = (chunk: Buffer) => {
    head += chunk.toString('latin1')
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    socket.off('data', onHead)
    const key = /sec-websocket-key: (.*)\r\n/i.exec(head)?.[1]
    const accept = createHash('sha1')
      .update(key + GUID)
      .digest('base64')
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
    const { pathname, searchParams } = new URL(head.split(' ')[1]!, 'http://localhost')
    if (pathname === '/sink') sink(socket, searchParams, head.length - end - 4)
    else source(socket, searchParams)
  }
  socket.on('data', onHead)
})

server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as { port: number }).port }))
process.on('disconnect', () => process.exit())
