import type { HandshakeRequest } from './request.ts'

/** The request as HTTP/1.1 puts it on the wire (RFC 9112 §3). */
export function serializeRequest(request: HandshakeRequest): Uint8Array {
  const [host, ...others] = request.headers
  const fields = [host!, ['Connection', 'Upgrade'], ['Upgrade', 'websocket'], ...others]
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`)
  const text = `GET ${request.url.pathname}${request.url.search} HTTP/1.1\r\n${lines.join('')}\r\n`
  // No character is above U+00FF: URL sees to the target, and every field has been checked before it got into a
  // request.
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < bytes.length; at++) bytes[at] = text.charCodeAt(at)
  return bytes
}
