/**
 * What stands in for `http2.c` where there is no C compiler, and for paths other than /echo: extended CONNECT (RFC
 * 8441) without TLS, then the bytes of its stream as they are. Prints its port.
 */
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { endWithParent, tellPort } from './process.ts'
import { serve } from './serve.ts'

/**
 * It holds back nobody on a loopback. Node reads nothing from a session while a write of it is under way, so what a
 * client may send has to fit into the buffers of TCP: with more, a client and a server that both write would wait for
 * each other for ever.
 */
const WINDOW = 1024 * 1024

const server = createServer({
  settings: { enableConnectProtocol: true, initialWindowSize: WINDOW, maxConcurrentStreams: 10_000 },
  // Node's limits are for servers that strangers talk to.
  maxSessionMemory: 1024,
  streamResetBurst: 1_000_000,
  streamResetRate: 1_000_000,
})
server.on('connection', (socket: Socket) => socket.setNoDelay(true))
server.on('session', (session: ServerHttp2Session) => {
  session.setLocalWindowSize(WINDOW)
  session.on('error', () => {})
})
server.on('stream', (stream: ServerHttp2Stream, headers) => {
  stream.on('error', () => {})
  stream.respond({ ':status': 200 })
  serve(stream, headers[':path'] ?? '/')
})

tellPort(server)
endWithParent()
