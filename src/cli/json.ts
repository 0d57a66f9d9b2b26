/** The outcome of a handshake as `--json` prints it. */
import type { ClientWebSocket, HandshakeError } from '../index.ts'
import { bodyText, shownUrl } from './report.ts'

export function openedJson(socket: ClientWebSocket): object {
  return {
    connected: true,
    url: shownUrl(socket.url),
    transport: socket.transport,
    httpVersion: socket.httpVersion,
    status: socket.httpStatusCode,
    statusText: socket.httpStatusText,
    headers: socket.httpResponseHeaders ?? [],
    subprotocol: socket.subprotocol,
    extensions: socket.extensions,
  }
}

/** What there is not, is null; the status is 0 without a response. */
export function failureJson(error: HandshakeError): object {
  const { response, attempts } = error
  return {
    connected: false,
    url: attempts.at(-1)?.url ?? null,
    code: error.code,
    message: error.message,
    httpVersion: response?.httpVersion ?? null,
    status: response?.status ?? 0,
    statusText: response?.statusText ?? '',
    headers: response?.headers ?? [],
    body: response === undefined ? null : bodyText(response.body),
    bodyTruncated: response?.bodyTruncated ?? false,
    retriable: error.retriable,
    retryAfter: error.retryAfter ?? null,
    proxyStatus: error.proxyStatus ?? null,
    attempts,
  }
}
