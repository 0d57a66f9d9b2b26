/** An upstream's refusal, as the answer to the caller. */
import type { HandshakeError, HandshakeResponse } from 'hawser'

/** Fields of the one connection that they came on (RFC 9110 §7.6.1), and those that frame a body. */
const OF_THE_CONNECTION = [
  'connection',
  'content-length',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

/**
 * Fields that mean the whole origin that they come from. For the caller that would be the Worker's. Set-Cookie is one
 * of them, and besides may hold the session that the Worker's own credentials opened.
 */
const OF_THE_ORIGIN = [
  'alt-svc',
  'clear-site-data',
  'nel',
  'report-to',
  'reporting-endpoints',
  'set-cookie',
  'strict-transport-security',
]

const KEPT_BACK = new Set([...OF_THE_CONNECTION, ...OF_THE_ORIGIN])
/** Statuses whose responses have no body (RFC 9110 §15). */
const WITHOUT_BODY = new Set([204, 205, 304])

/**
 * Status, header fields and body (its first 64 KiB) of a refusal. Left out are the fields of the connection, any
 * Sec-WebSocket field, and Set-Cookie and others that would count for the Worker's origin. What was no proper refusal
 * becomes 502, no answer in time 504.
 */
export function passRefusal(error: HandshakeError): Response {
  const { response } = error
  if (response === undefined || !isPassable(response.status) || error.code !== 'UPGRADE_REFUSED') {
    return gatewayError(error)
  }
  const { status, statusText } = response
  const body = WITHOUT_BODY.has(status) ? null : response.body
  const headers = passedFields(response)
  // The body is sent on in the coding that it has: not once more.
  return new Response(body, { status, statusText, headers, encodeBody: 'manual' })
}

/** What a Response can be made of. */
function isPassable(status: number): boolean {
  return status >= 200 && status <= 599
}

function passedFields({ headers }: HandshakeResponse): Headers {
  // RFC 9110 §7.6.1: Connection names further ones.
  const named = (headers.get('connection') ?? '').split(',').map((name) => name.trim().toLowerCase())
  const passed = new Headers()
  for (const [name, value] of headers) {
    const lowerCase = name.toLowerCase()
    if (KEPT_BACK.has(lowerCase) || named.includes(lowerCase) || lowerCase.startsWith('sec-websocket-')) continue
    passed.append(name, value)
  }
  return passed
}

function gatewayError({ code, message }: HandshakeError): Response {
  const status = code === 'HANDSHAKE_TIMEOUT' ? 504 : 502
  return new Response(`${code}: ${message}\n`, { status })
}
