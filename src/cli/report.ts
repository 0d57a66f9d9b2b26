/** What the command tells people, as text for stderr. */
import type {
  ClientWebSocket,
  HandshakeAttempt,
  HandshakeError,
  HandshakeErrorCode,
  HandshakeResponse,
  HeaderField,
} from '../index.ts'
import { hintFor } from './hints.ts'
import { harmless, type Style } from './style.ts'

/** Characters of a refusal's body that are shown. */
const BODY_SHOWN = 2000

const FACT_COLUMN = 7
const NEXT_FACT_LINE = `\n${' '.repeat(FACT_COLUMN)}`

/** The response that opened the WebSocket, and what came of it. */
export function openedReport(socket: ClientWebSocket, style: Style): string {
  const { httpVersion = '1.1', httpStatusCode: status, httpStatusText: statusText, subprotocol } = socket
  const headers = socket.httpResponseHeaders ?? []
  const chosen = subprotocol === '' ? '' : `, subprotocol ${subprotocol}`
  const connected = `Connected to ${shownUrl(socket.url)} over HTTP/${httpVersion}${chosen}`
  return `${responseHead({ httpVersion, status, statusText, headers }, style)}\n${style('green', harmless(connected))}\n`
}

/** Why there is no WebSocket, what the server said, and what to do. */
export function failureReport(error: HandshakeError, style: Style): string {
  const { response } = error
  const parts = [`${style(['bold', 'red'], 'hawser:')} ${harmless(error.message)}\n`]
  if (response !== undefined) parts.push(responseHead(response, style), body(response, style))
  const hint = hintFor(error)
  const facts: (readonly [string, string] | undefined)[] = [
    ['Code', error.code],
    error.attempts.length > 1 ? ['Tried', error.attempts.map(attemptText).join(NEXT_FACT_LINE)] : undefined,
    ['Retry', retry(error)],
    hint === undefined ? undefined : ['Hint', hint],
  ]
  parts.push(
    facts.map((fact) => (fact ? `${style('cyan', `${fact[0]}:`.padEnd(FACT_COLUMN))}${fact[1]}\n` : '')).join(''),
  )
  return parts.filter((part) => part !== '').join('\n')
}

/** How an open WebSocket ended: the server's Close frame. */
export function closedReport(socket: ClientWebSocket, style: Style): string {
  const { closeStatus, closeStatusDescription: reason } = socket
  const code = closeStatus === undefined || closeStatus === 1005 ? 'without a code' : `${closeStatus}`
  return `${style('dim', harmless(`Closed: ${code}${reason === '' ? '' : ` ${reason}`}`))}\n`
}

/** Anything else that went wrong, with what the system said about it. */
export function errorReport(error: Error, style: Style): string {
  const { cause } = error
  const because = cause instanceof Error ? ` (${cause.message})` : ''
  return `${style(['bold', 'red'], 'hawser:')} ${harmless(error.message + because)}\n`
}

/** A URL as it may be shown: a query may hold a token. */
export function shownUrl(url: string): string {
  return url.replace(/\?.*/s, '')
}

interface Head extends Pick<HandshakeResponse, 'httpVersion' | 'status' | 'statusText'> {
  readonly headers: Iterable<HeaderField>
}

function responseHead({ httpVersion, status, statusText, headers }: Head, style: Style): string {
  const line = `HTTP/${httpVersion} ${status} ${statusText}`.trimEnd()
  const fields = [...headers].map(([name, value]) => `${style('cyan', `${name}:`)} ${harmless(value)}\n`)
  return `${style('bold', harmless(line))}\n${fields.join('')}`
}

function body({ body, bodyTruncated }: HandshakeResponse, style: Style): string {
  if (body.length === 0) return ''
  const text = bodyText(body)
  if (text.includes('\0')) return `${style('dim', `(${body.length} bytes that are not text)`)}\n`
  const shown = harmless(text.slice(0, BODY_SHOWN).trimEnd())
  const isCut = bodyTruncated || text.length > BODY_SHOWN
  return `${shown}\n${isCut ? `${style('dim', '(cut off here; --json prints up to 64 KiB)')}\n` : ''}`
}

/** A body as text, whatever it is. */
export function bodyText(body: Uint8Array): string {
  return new TextDecoder().decode(body)
}

function attemptText({ url, httpVersion, status, error }: HandshakeAttempt): string {
  const outcome = status === 0 ? ((error && WITHOUT_HTTP2[error]) ?? error) : status
  return `${url} over HTTP/${httpVersion}: ${outcome}`
}

/** Why it went on with HTTP/1.1. */
const WITHOUT_HTTP2: Readonly<Partial<Record<HandshakeErrorCode, string>>> = {
  HTTP2_UNAVAILABLE: 'the server does not speak it',
  EXTENDED_CONNECT_UNSUPPORTED: 'the server does not allow extended CONNECT',
  STREAM_RESET: 'the server reset the stream',
}

function retry({ retriable, retryAfter }: HandshakeError): string {
  if (!retriable) return 'no use as things are: the same request would fail again'
  return retryAfter === undefined ? 'worth it' : `worth it, after ${seconds(retryAfter)}`
}

function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 100) / 10} s`
}
