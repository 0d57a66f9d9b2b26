/** undici's WebSocket; over HTTP/2 by its own client for HTTP/2 without TLS. */
import { H2CClient, WebSocket } from 'undici'
import type { Open } from './connection.ts'
import { openStandard, type StandardSocket } from './standard.ts'

/** So many streams may share a connection. */
const STREAMS = 10_000

let shared: H2CClient | undefined

/** One connection for all sockets, as hawser's pool has it. */
function client(url: string): H2CClient {
  shared ??= new H2CClient(new URL(url.replace('ws:', 'http:')).origin, {
    maxConcurrentStreams: STREAMS,
    pipelining: STREAMS,
  })
  return shared
}

export const open: Open = (target, tally) => {
  const ws = new WebSocket(target.url, target.http2 ? { dispatcher: client(target.url) } : [])
  return openStandard(ws as unknown as StandardSocket, target, tally)
}
