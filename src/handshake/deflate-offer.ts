/** The offer of permessage-deflate (RFC 7692 §7.1), and what is checked of its answer where the runtime compresses. */
import { HandshakeError } from '../errors.ts'
import type { HttpHeaders } from '../http-headers.ts'
import { listElements, quoted } from './syntax.ts'

/** What we ask for: an upper bound for each window, and whether messages may refer to those before them. */
export interface DeflateOffer {
  /** 9 to 15. */
  readonly clientMaxWindowBits: number
  readonly serverMaxWindowBits: number
  readonly clientContextTakeover: boolean
  readonly serverContextTakeover: boolean
}

export const DEFLATE = 'permessage-deflate'
export const MAX_WINDOW_BITS = 15

/**
 * The value of Sec-WebSocket-Extensions. What is at its most is not said, but that the server may choose our window.
 */
export function offerText(offer: DeflateOffer): string {
  const { clientMaxWindowBits, serverMaxWindowBits } = offer
  const parts = [DEFLATE]
  if (!offer.clientContextTakeover) parts.push('client_no_context_takeover')
  if (!offer.serverContextTakeover) parts.push('server_no_context_takeover')
  if (serverMaxWindowBits < MAX_WINDOW_BITS) parts.push(`server_max_window_bits=${serverMaxWindowBits}`)
  parts.push(
    clientMaxWindowBits < MAX_WINDOW_BITS ? `client_max_window_bits=${clientMaxWindowBits}` : 'client_max_window_bits',
  )
  return parts.join('; ')
}

/**
 * Checks the extensions of a socket that a fetch has opened. What there is of permessage-deflate is the affair of those
 * who frame: Miniflare offers it by itself. Fails with INVALID_EXTENSION for any other (RFC 6455 §4.1).
 */
export function checkExtension(headers: HttpHeaders): void {
  const chosen = listElements(headers.getAll('sec-websocket-extensions'))
  const unknown = chosen.find((element) => element.split(';')[0]!.trim() !== DEFLATE)
  if (unknown === undefined) return
  const message = `The server chose an extension that was not offered: ${quoted(unknown)}`
  throw new HandshakeError('INVALID_EXTENSION', message)
}
