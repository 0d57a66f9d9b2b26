import type { ClientWebSocketOptions } from 'hawser'
import type { Target } from './connection.ts'

/** Nothing but what the row asks for: all checks are on, and there are no options for speed. */
export function optionsOf({ http2, deflate }: Target): ClientWebSocketOptions {
  return {
    ...(http2 && { httpVersion: '2', httpVersionPolicy: 'exact' }),
    ...(deflate && { perMessageDeflate: { threshold: 0 } }),
  }
}
