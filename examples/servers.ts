import type { RunningServer } from '../test/support/websocket-server.ts'

/** Where the examples connect to. */
export interface Servers {
  /** On ws: */
  readonly plain: RunningServer
  /** On wss: */
  readonly secure: RunningServer
  /** The certificate of the authority that vouches for `secure`, PEM. */
  readonly ca: string
}
