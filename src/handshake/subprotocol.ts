import { HandshakeError } from '../errors.ts'
import type { HttpHeaders } from '../http-headers.ts'
import { listElements } from './syntax.ts'

/**
 * The subprotocol that an answer chooses, empty if none. Fails with INVALID_SUBPROTOCOL unless it is one of those
 * offered.
 */
export function chosenSubprotocol(headers: HttpHeaders, offered: readonly string[]): string {
  const values = headers.getAll('sec-websocket-protocol')
  if (values.length === 0) return ''
  const [chosen, ...others] = listElements(values)
  // RFC 6455 §11.3.4: the field has exactly one value in a response.
  if (chosen === undefined || others.length > 0) {
    fail('The server has to choose one subprotocol or none')
  }
  if (!offered.includes(chosen)) {
    fail('The server chose a subprotocol that was not offered')
  }
  return chosen
}

function fail(message: string): never {
  throw new HandshakeError('INVALID_SUBPROTOCOL', message)
}
