/** RFC 9112 §3 and RFC 6455 §4.1: a request is exactly the lines that were meant, whatever went into it. */
import type { HandshakeRequest } from '../../../src/handshake/request.ts'
import { broken, same } from '../target.ts'

const REQUEST_LINE = /^GET \/[\x21-\x7e]* HTTP\/1\.1$/
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ([\t\x20-\x7e\x80-\xff]*)$/

export function judgeRequest(bytes: Uint8Array, { headers, url }: HandshakeRequest): void {
  const text = Buffer.from(bytes).toString('latin1')
  if (!text.endsWith('\r\n\r\n')) broken('The request has no end')
  const [first = '', ...lines] = text.slice(0, -4).split('\r\n')
  if (!REQUEST_LINE.test(first)) broken(`The request begins with ${JSON.stringify(first)}`)
  const wrong = lines.find((line) => !FIELD.test(line))
  if (wrong !== undefined) broken(`The request has the line ${JSON.stringify(wrong)}`)
  // Connection and Upgrade are added to those that are given.
  same(lines.length, headers.length + 2, 'the lines of the request')
  const hosts = lines.filter((line) => /^host:/i.test(line))
  same(hosts.length, 1, 'the number of Host fields')
  if (url.username + url.password + url.hash !== '') broken(`The request is to ${url}`)
}
