/**
 * What has to hold whatever goes wrong: nothing is lost in silence, nothing hangs, and every error is a documented one.
 */
import { CLIENT_SAYS, type ClientReport, SERVER_SAYS } from './client.ts'
import type { ServerReport } from './server.ts'

export interface Played {
  readonly client: ClientReport
  readonly server: ServerReport | undefined
  /** Who was to send the first Close frame. */
  readonly closes: 'client' | 'server'
  /** Whether it is certain that what the client received is what was sent. */
  readonly isIntact: boolean
}

/** In milliseconds: longer than all limits of the client, one after the other. */
const LONGEST = 5000
const CODES = { client: 1000, server: 4001 }
const CLOSED_ERRORS = ['CONNECTION_CLOSED', 'PROTOCOL_VIOLATION']
const HANDSHAKE_ERRORS = [
  'HANDSHAKE_TIMEOUT',
  'CONNECTION_LOST',
  'INVALID_RESPONSE',
  'UPGRADE_REFUSED',
  'STREAM_RESET',
  'TLS_FAILED',
  'NETWORK_FAILED',
]

/** The rules that do not hold. */
export function* rulesBroken(played: Played): Iterable<string> {
  const { client, server, closes, isIntact } = played
  const heard = server?.received ?? []
  if (client.took > LONGEST) yield `everything ends in time, not after ${Math.round(client.took)} ms`
  if (!isPrefix(heard, CLIENT_SAYS)) yield `the server hears what was sent, in order: ${heard.join()}`
  if (isIntact && !isPrefix(client.received, SERVER_SAYS)) {
    yield `the client hears what was sent, in order: ${client.received.join()}`
  }
  if (server?.closed === CODES[closes] && heard.length < CLIENT_SAYS.length) {
    yield `the server has heard everything before the Close frame: ${heard.join()}`
  }
  if (client.refusal === '') yield* brokenAfterOpening(played, heard)
  else yield* brokenByRefusal(client, heard)
}

function* brokenByRefusal({ refusal, state }: ClientReport, heard: readonly string[]): Iterable<string> {
  if (!isOneOf(HANDSHAKE_ERRORS, refusal)) yield `connect fails with a documented error: ${refusal}`
  if (state !== 'closed') yield `a socket that could not be opened is closed: ${state}`
  if (heard.length > 0) yield 'nothing is sent before the socket is open'
}

function* brokenAfterOpening({ client, closes }: Played, heard: readonly string[]): Iterable<string> {
  const { sends, end, late, state, closeStatus } = client
  for (const failure of [...sends, end].filter((each) => each !== '')) {
    if (!isOneOf(CLOSED_ERRORS, failure)) yield `calls fail with a documented error: ${failure}`
  }
  if (!isOneOf(CLOSED_ERRORS, late)) yield `a send after the end fails with a documented error: ${late}`
  if (state === 'aborted' && end === '') yield 'a loss is told by receive'
  if (state === 'closed' && end !== '') yield `a closing handshake is the end of receiving, without an error: ${end}`
  if (state !== 'aborted' && state !== 'closed') yield `the socket is over: ${state}`
  // Any other code tells that something has gone wrong.
  if (state === 'closed' && closeStatus === CODES[closes]) yield* brokenAfterCleanClose(client, heard)
}

function* brokenAfterCleanClose({ sends, received }: ClientReport, heard: readonly string[]): Iterable<string> {
  if (sends.some((failure) => failure !== '')) yield `all sends have succeeded: ${sends.join()}`
  if (heard.length < CLIENT_SAYS.length) yield `the server has received all: ${heard.join()}`
  if (received.length < SERVER_SAYS.length) yield `the client has received all: ${received.join()}`
}

/** Codes are followed by details. */
function isOneOf(codes: readonly string[], failure: string): boolean {
  return codes.includes(failure.split(' ')[0]!)
}

function isPrefix(part: readonly string[], whole: readonly string[]): boolean {
  return part.length <= whole.length && part.every((each, index) => each === whole[index])
}
