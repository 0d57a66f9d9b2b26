/** The limit over HTTP/2: a stream of Node with the same bytes, built beforehand, which looks at nothing that comes. */
import { once } from 'node:events'
import { type ClientHttp2Session, connect } from 'node:http2'
import type { Open } from './connection.ts'
import { RawFrames } from './raw-frames.ts'

/** Those of hawser. */
const STREAM_WINDOW = 4 * 1024 * 1024
const CONNECTION_WINDOW = 16 * 1024 * 1024

let shared: Promise<ClientHttp2Session> | undefined

async function dial(url: string): Promise<ClientHttp2Session> {
  const session = connect(url.replace('ws:', 'http:'), { settings: { initialWindowSize: STREAM_WINDOW } })
  await once(session, 'remoteSettings')
  session.setLocalWindowSize(CONNECTION_WINDOW)
  return session
}

export const open: Open = async (target, tally) => {
  shared ??= dial(target.url)
  const session = await shared
  const { pathname, search } = new URL(target.url)
  const stream = session.request(
    { ':method': 'CONNECT', ':protocol': 'websocket', ':path': pathname + search },
    { endStream: false },
  )
  await once(stream, 'response')
  const frames = new RawFrames(target, tally)
  stream.on('data', (bytes: Buffer) => frames.take(bytes))
  return {
    burst: (count) => frames.burst(stream, count),
    close: () => stream.destroy(),
  }
}
