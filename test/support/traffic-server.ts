/**
 * A server in a process of its own, so that its memory is not that of the test. It frames by itself, as fast as it can:
 *
 *     /flood?bytes=&size=     sends so many bytes in messages of `size`, then closes
 *     /sink                   reads nothing until it is told to; tells how many bytes it has read
 *
 * Over the channel to its parent it tells its port, and every 10 ms what has passed; any message to it means: read now.
 */
import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { Certificate } from './certificates.ts'
import { closePayload, frame, PeerConnection } from './scripted-peer.ts'

export interface Traffic {
  readonly port: number
  readonly sent: number
  readonly received: number
}

const BINARY = 2
const CLOSE = 8

const certificate: Certificate | undefined = process.argv[2] === undefined ? undefined : JSON.parse(process.argv[2])
const traffic = { port: 0, sent: 0, received: 0 }
const mayRead = new Promise((resolve) => process.once('message', resolve))

async function serve(socket: Socket): Promise<void> {
  const peer = new PeerConnection(socket, socket)
  const { head } = await peer.readRequest()
  const { pathname, searchParams: query } = new URL(head.split(' ')[1]!, 'ws://localhost')
  await peer.accept()
  if (pathname === '/flood') await flood(peer, Number(query.get('bytes')), Number(query.get('size')))
  else await swallow(peer)
}

async function flood(peer: PeerConnection, bytes: number, size: number): Promise<void> {
  const message = frame(BINARY, new Uint8Array(size))
  for (traffic.sent = 0; traffic.sent < bytes; traffic.sent += size) {
    if (!peer.socket.write(message)) await new Promise((resolve) => peer.socket.once('drain', resolve))
  }
  await peer.write(frame(CLOSE, closePayload(1000)))
  peer.end()
}

async function swallow(peer: PeerConnection): Promise<void> {
  await mayRead
  for (;;) traffic.received += (await peer.read()).length
}

const onConnection = (socket: Socket) => void serve(socket).catch(() => socket.destroy())
const server = certificate === undefined ? createServer(onConnection) : createTlsServer(certificate, onConnection)
server.listen(0, '127.0.0.1', () => {
  traffic.port = (server.address() as { port: number }).port
  setInterval(() => process.send!(traffic), 10)
})
process.once('disconnect', () => process.exit())
