/**
 * Where transports differ by their nature: what one of them cannot do, and why. What is not here, all do alike. Of what
 * cannot be done, the suite asserts how it is refused.
 */
export interface Capabilities {
  /**
   * Where a Host other than the URL's can be sent. undici makes it the name for TLS as well, so that with TLS it would
   * only fail; a fetch sends that of the URL whatever it is told, so that it is refused.
   */
  readonly host: 'ws and wss' | 'ws' | 'nowhere'
  /**
   * Whether the reason phrase of a success is told. HTTP/2 has none (RFC 9113 §8.3.2), and undici keeps it to itself.
   */
  readonly statusText: boolean
  /**
   * Whether Pings can be sent. The WebSocket of a fetch has no call for it; it answers those of the server by itself.
   */
  readonly pings: boolean
  /**
   * Whether `send` waits for room, and `bufferedAmount` tells what is unsent. The WebSocket of a fetch takes whatever
   * it is given at once, and does not tell when it has left.
   */
  readonly sendWaits: boolean
  /** Whether messages that come in one piece are there at once. A fetch gives each an event of its own. */
  readonly together: boolean
}

/** A connection of hawser's own. */
export const TCP: Capabilities = {
  host: 'ws and wss',
  statusText: true,
  pings: true,
  sendWaits: true,
  together: true,
}

export const HTTP2: Capabilities = { ...TCP, statusText: false }

export const DISPATCHER: Capabilities = { ...TCP, host: 'ws', statusText: false }

export const FETCH: Capabilities = {
  host: 'nowhere',
  statusText: true,
  pings: false,
  sendWaits: false,
  together: false,
}
