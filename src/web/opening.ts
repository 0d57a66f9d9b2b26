import { type Established, establish } from '../connect.ts'
import { HandshakeError, OptionsError } from '../errors.ts'
import { HandshakeLimit } from '../handshake-limit.ts'
import type { ClientWebSocketOptions } from '../options.ts'
import { resolveOptions } from '../resolve-options.ts'

/**
 * What WebSocket and WebSocketStream take besides what their standard says: the options of ClientWebSocket. The
 * standard itself answers the server's Close frame at once, so that there is no `allowHalfOpen`, and calls
 * `subprotocols` protocols.
 */
export type OpeningOptions = Omit<ClientWebSocketOptions, 'subprotocols' | 'allowHalfOpen'>

const NOT_HERE: Readonly<Record<string, string>> = {
  subprotocols: 'It is called protocols here.',
  allowHalfOpen: "Here the server's Close frame is always answered at once.",
}

/** Opens a connection and hands it to `take`, unless the signal has aborted until then. */
export type Open = (signal: AbortSignal, take: (established: Established) => void) => Promise<void>

/** Prepares a connection. Fails at once, with an OptionsError, for options that cannot work. */
export function opening(url: URL, protocols: readonly string[], options: OpeningOptions): Open {
  for (const [name, instead] of Object.entries(NOT_HERE)) {
    if (name in options) throw new OptionsError(name, `There is no option ${name}. ${instead}`)
  }
  const resolved = resolveOptions({ ...options, subprotocols: protocols })
  const handshake = protocols.length === 0 ? resolved : { ...resolved, judge: requireSubprotocol }
  return (signal, take) => establish(url, handshake, new HandshakeLimit(resolved.handshakeTimeout, signal), take)
}

/** Unlike RFC 6455 the standard takes no answer without a subprotocol when there were some to choose from. */
function requireSubprotocol(chosen: string): void {
  if (chosen !== '') return
  throw new HandshakeError('INVALID_SUBPROTOCOL', 'The server chose none of the subprotocols')
}
