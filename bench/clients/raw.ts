/** The limit: a socket of Node with the same bytes, built beforehand, which looks at nothing that comes. */
import { connect, type Socket } from 'node:net'
import type { Open } from './connection.ts'
import { RawFrames } from './raw-frames.ts'

/** One for all sockets: what is read is looked at at once. */
const buffer = Buffer.alloc(64 * 1024)

function dial(url: string, take: (bytes: Buffer) => void): Socket {
  const { port, pathname, search } = new URL(url)
  const callback = (length: number) => {
    take(buffer.subarray(0, length))
    return true
  }
  const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true, onread: { buffer, callback } })
  socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Key: x\r\n\r\n`)
  return socket
}

export const open: Open = async (target, tally) => {
  const frames = new RawFrames(target, tally)
  const upgraded = Promise.withResolvers<void>()
  let head: Buffer | undefined = Buffer.alloc(0)
  const socket = dial(target.url, (bytes) => {
    if (head === undefined) {
      frames.take(bytes)
      return
    }
    head = Buffer.concat([head, bytes])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    frames.take(head.subarray(end + 4))
    head = undefined
    upgraded.resolve()
  })
  await upgraded.promise
  return {
    burst: (count) => frames.burst(socket, count),
    close: () => socket.destroy(),
  }
}
