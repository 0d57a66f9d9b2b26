/**
 * The handshake by a fetch that can upgrade: that of Workers, or one that the caller gives. The runtime makes the key,
 * checks what the server made of it, and frames.
 */

import { abortable } from '../abortable.ts'
import { HandshakeError } from '../errors.ts'
import type { HandshakeRequest } from '../handshake/request.ts'
import { HttpHeaders } from '../http-headers.ts'
import type { FetchFunction } from '../options.ts'
import type { Refused, Transport, UpgradedSocket } from './contracts.ts'
import type { FetchBody } from './fetch-body.ts'
import { FetchSocket, type RuntimeWebSocket } from './fetch-socket.ts'

/** A Response, as far as it is looked at. */
interface FetchResponse {
  readonly status: number
  readonly statusText: string
  readonly headers: Iterable<readonly [string, string]>
  readonly body: FetchBody | null
  readonly webSocket?: RuntimeWebSocket | null
}

/** Fields that are the runtime's own: it connects to the host of the URL, and chooses the key. */
const OF_THE_RUNTIME = new Set(['host', 'sec-websocket-key', 'sec-websocket-version'])

/** The transport over `given`, or over the global fetch. */
export function fetchTransport(given: FetchFunction | undefined): Transport<UpgradedSocket> {
  return async (request, signal) => {
    signal.throwIfAborted()
    // The signal of a fetch stays live: aborting it later is the one way to end a socket at once.
    const canceller = new AbortController()
    const onAbort = () => canceller.abort(signal.reason)
    signal.addEventListener('abort', onAbort)
    try {
      const response = await answer(given, request, canceller, signal)
      const { head, webSocket } = response
      if (webSocket) return { head, socket: new FetchSocket(webSocket, canceller, given !== undefined) }
      return await refusal(response, request, signal)
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }
}

/** What is of use in a Response. */
interface Answer {
  readonly head: Refused['head']
  readonly body: FetchBody | null
  readonly webSocket: RuntimeWebSocket | null | undefined
}

async function answer(
  given: FetchFunction | undefined,
  request: HandshakeRequest,
  canceller: AbortController,
  signal: AbortSignal,
): Promise<Answer> {
  const answered = ask(given, request, canceller.signal)
  try {
    return answerOf(await abortable(answered, signal))
  } catch (error) {
    // It may be late, or of no use.
    answered.then((response) => discard(response, canceller)).catch(() => {})
    signal.throwIfAborted()
    const { fetchFailure } = await import('./fetch-failure.ts')
    throw fetchFailure(error, request.url.origin, given !== undefined)
  }
}

/** An async function, since a fetch may throw as well as reject. */
async function ask(
  given: FetchFunction | undefined,
  request: HandshakeRequest,
  signal: AbortSignal,
): Promise<FetchResponse> {
  const { url } = request
  const own = request.headers.filter(([name]) => !OF_THE_RUNTIME.has(name.toLowerCase()))
  const headers = [['Upgrade', 'websocket'], ...own]
  const target = url.href.replace(/^ws/, 'http')
  // Otherwise the body of a refusal would be decoded, while its Content-Encoding stayed.
  const init: object = { headers, redirect: 'manual', signal, encodeResponseBody: 'manual' }
  const response = given === undefined ? fetch(target, init) : given(target, init)
  return (await response) as FetchResponse
}

function answerOf(response: FetchResponse): Answer {
  if (typeof response?.status !== 'number') throw new TypeError('The fetch did not resolve to a Response.')
  const { status, statusText, headers, webSocket, body } = response
  return { head: { status, statusText, headers: new HttpHeaders(headers), httpVersion: '1.1' }, webSocket, body }
}

/** Lets go of what a fetch has opened that did not heed its signal. */
async function discard({ webSocket, body }: FetchResponse, canceller: AbortController): Promise<void> {
  if (webSocket) new FetchSocket(webSocket, canceller, false).terminate()
  await body?.cancel()
}

async function refusal({ head, body }: Answer, { url }: HandshakeRequest, signal: AbortSignal): Promise<Refused> {
  if (head.status === 101) {
    const message = `The fetch to ${url.origin} switched protocols, but its response has no webSocket`
    throw new HandshakeError('CLIENT_FAILED', `${message}: only that of Workers does; elsewhere, leave fetch out`)
  }
  const failure = await import('./fetch-failure.ts')
  return failure.refusal(head, body, url.origin, signal)
}
