/** What the failures of Workers' fetch, and of the WebSockets that it opens, mean. They tell little, and only in words. */
import { HandshakeError, type HandshakeErrorCode, MessageTooBigError, ProtocolError } from '../errors.ts'
import { latin1, quoted } from '../handshake/syntax.ts'
import type { Refused } from './contracts.ts'

/** A refused port, a connection that was lost, and an answer that is not HTTP look the same. */
const LOST = 'Network connection lost.'
/** A name without an address, a failure of TLS, and one of the runtime itself look the same. */
const INTERNAL = /^internal error/

/**
 * The HandshakeError for what a fetch threw.
 *
 * @param where the server, to be shown
 * @param isCallers whether it is a fetch that the caller gave
 */
export function fetchFailure(cause: unknown, where: string, isCallers: boolean): HandshakeError {
  const { message, retryable, overloaded } = (cause ?? {}) as Readonly<Record<string, unknown>>
  const text = String(message)
  const [code, what] = meaningOf(text, isCallers)
  // A Durable Object that has too much to do says so, and is not to be asked again.
  const retriable = overloaded !== true && (retryable === true || INTERNAL.test(text))
  return new HandshakeError(code, `Cannot connect to ${where}: ${what}`, { cause, retriable })
}

function meaningOf(message: string, isCallers: boolean): readonly [HandshakeErrorCode, string] {
  if (message === LOST) {
    return ['CONNECTION_LOST', 'nobody listens there, or the connection was lost before an answer that is HTTP']
  }
  if (INTERNAL.test(message))
    return ['NETWORK_FAILED', 'the name has no address, TLS failed, or the runtime did; see `cause`']
  if (isCallers)
    return ['CLIENT_FAILED', 'the fetch that was given failed; it has to be one that can upgrade; see `cause`']
  return ['NETWORK_FAILED', 'the fetch of the runtime failed; see `cause`']
}

const FAULT = 'Server failed WebSocket handshake: '

/** What the runtime blames the server for, by the field that it names. */
const FAULTS: readonly (readonly [RegExp, HandshakeErrorCode])[] = [
  [/Sec-WebSocket-Accept/i, 'INVALID_ACCEPT'],
  [/Sec-WebSocket-Extensions/i, 'INVALID_EXTENSION'],
]

/**
 * The HandshakeError for a 502 that the runtime has made up, without a single field, because it did not accept the 101 of the server;
 * undefined for any other refusal.
 */
export function handshakeFault({ head, body }: Refused, where: string): HandshakeError | undefined {
  if (head.status !== 502 || head.headers.size > 0) return undefined
  const text = latin1(body)
  if (!text.startsWith(FAULT)) return undefined
  const fault = text.slice(FAULT.length)
  const code = FAULTS.find(([pattern]) => pattern.test(fault))?.[1] ?? 'INVALID_UPGRADE'
  return new HandshakeError(code, `The handshake with ${where} failed: the runtime says ${quoted(fault)}`)
}

/** The largest message that the runtime takes in. */
const MESSAGE_LIMIT = 32 * 1024 * 1024
const VIOLATION = /protocolError\.statusCode = (\d+); protocolError\.description = (.*)/s

/** The rules that the runtime tells of, by the names that hawser has for them. */
const RULES: readonly (readonly [RegExp, string])[] = [
  [/RSV|compression bit/, 'reserved-bits'],
  [/opcode/, 'reserved-opcode'],
  [/fragmented control/, 'fragmented-control'],
  [/continuation/, 'unexpected-continuation'],
]

/** The error for an error event that says that the peer broke a rule; undefined if it says anything else. */
export function violation(message: string): ProtocolError | MessageTooBigError | undefined {
  const match = VIOLATION.exec(message)
  if (match === null) return undefined
  const [, code, description = ''] = match
  if (code === '1009')
    return new MessageTooBigError(`The runtime takes no larger message: ${description}`, MESSAGE_LIMIT)
  const rule = RULES.find(([pattern]) => pattern.test(description))?.[1] ?? 'protocol-error'
  return new ProtocolError(rule, Number(code), description)
}
