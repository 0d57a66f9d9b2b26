import type { RunningHttp2Server } from '../test/support/http2-server.ts'
import type { RunningServer } from '../test/support/websocket-server.ts'

/** Where the examples connect to. */
export interface Servers {
  /** On ws: */
  readonly plain: RunningServer
  /** On wss: */
  readonly secure: RunningServer
  /** On wss:, with WebSockets over HTTP/2. */
  readonly http2: RunningHttp2Server
  /** On wss:, with HTTP/2 but no WebSockets over it. */
  readonly withoutConnect: RunningHttp2Server
  /** The certificate of the authority that vouches for those on wss:, PEM. */
  readonly ca: string
}
