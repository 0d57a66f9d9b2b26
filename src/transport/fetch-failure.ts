/**
 * What the failures of Workers' fetch mean, which tell little, and only in words; and what a refusal says. Loaded with
 * the first.
 */
import { HandshakeError, type HandshakeErrorCode } from '../errors.ts'
import { latin1, quoted } from '../handshake/syntax.ts'
import type { Refused } from './contracts.ts'
import { type FetchBody, readBody } from './fetch-body.ts'

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
 * The HandshakeError for a 502 that the runtime has made up, without a single field, because it did not accept the 101
 * of the server; undefined for any other refusal.
 */
function handshakeFault({ head, body }: Refused, where: string): HandshakeError | undefined {
  if (head.status !== 502 || head.headers.size > 0) return undefined
  const text = latin1(body)
  if (!text.startsWith(FAULT)) return undefined
  const fault = text.slice(FAULT.length)
  const code = FAULTS.find(([pattern]) => pattern.test(fault))?.[1] ?? 'INVALID_UPGRADE'
  return new HandshakeError(code, `The handshake with ${where} failed: the runtime says ${quoted(fault)}`)
}

/**
 * A refusal, with what there is of its body.
 *
 * @param where the server, to be shown
 */
export async function refusal(
  head: Refused['head'],
  body: FetchBody | null,
  where: string,
  signal: AbortSignal,
): Promise<Refused> {
  const refused = { head, ...(await readBody(body, signal)) }
  const fault = handshakeFault(refused, where)
  if (fault !== undefined) throw fault
  return refused
}
