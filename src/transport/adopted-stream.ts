import type { ClientHttp2Session } from 'node:http2'
import { addAbortSignal, type Duplex } from 'node:stream'
import type { ByteStream } from './contracts.ts'
import { Http2ByteStream } from './http2-byte-stream.ts'
import { canceller } from './http2-cancel.ts'
import { isHttp2Stream, NodeByteStream } from './node-byte-stream.ts'
import { sessionPool } from './session-pool.ts'

/** The ByteStream of a Duplex that somebody else has opened and hands over. */
export function adoptedStream(duplex: Duplex): ByteStream {
  const session = isHttp2Stream(duplex) ? duplex.session : undefined
  if (session === undefined || !isHttp2Stream(duplex)) return new NodeByteStream(duplex)
  const connection = sessionPool().borrow(session as ClientHttp2Session)
  connection.retain()
  duplex.once('close', () => connection.release())
  const cancels = canceller()
  if (cancels !== undefined) addAbortSignal(cancels.signal, duplex)
  return new Http2ByteStream(duplex, connection, cancels)
}
