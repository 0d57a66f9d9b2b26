/** What stands in for `http1.c` where there is no C compiler: the same over a socket of Node. Prints its port. */
import { createHash } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { endWithParent, tellPort } from './process.ts'
import { serve } from './serve.ts'

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

function upgrade(socket: Socket, head: string): void {
  const path = head.split(' ')[1]!
  const key = /sec-websocket-key: *(.*)\r\n/i.exec(head)?.[1]
  const accept = createHash('sha1')
    .update(key + GUID)
    .digest('base64')
  const deflates = path.includes('deflate') && head.includes('permessage-deflate')
  const fields = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
    ...(deflates ? ['Sec-WebSocket-Extensions: permessage-deflate'] : []),
  ]
  socket.write(`${fields.join('\r\n')}\r\n\r\n`)
  serve(socket, path)
}

const server = createServer({ noDelay: true }, (socket) => {
  let head = Buffer.alloc(0)
  socket.on('error', () => {})
  const onHead = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    socket.off('data', onHead)
    const rest = head.subarray(end + 4)
    if (rest.length > 0) socket.unshift(rest)
    upgrade(socket, head.toString('latin1', 0, end + 2))
  }
  socket.on('data', onHead)
})

tellPort(server)
endWithParent()
