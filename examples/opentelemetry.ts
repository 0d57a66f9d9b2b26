/**
 * Turns what hawser tells on its diagnostics channels into OpenTelemetry spans: one for each handshake, and one for
 * each connection.
 *
 *     import { trace } from '@opentelemetry/api'
 *
 *     const stop = traceWebSockets(trace.getTracer('hawser'))
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { TelemetryEvents } from 'hawser'

type Attributes = Record<string, string | number | boolean>

/** A span of @opentelemetry/api, as far as it is used here. */
interface Span {
  setAttributes(attributes: Attributes): unknown
  addEvent(name: string, attributes: Attributes): unknown
  setStatus(status: { code: typeof ERROR; message?: string }): unknown
  end(): void
}

/** A tracer of @opentelemetry/api, as far as it is used here. */
export interface Tracer {
  startSpan(name: string, options: { kind: typeof CLIENT; attributes: Attributes }): Span
}

/** SpanKind.CLIENT */
const CLIENT = 2
/** SpanStatusCode.ERROR */
const ERROR = 2

type Handlers = { readonly [Name in keyof TelemetryEvents]: (event: TelemetryEvents[Name]) => void }

/** Makes spans of all sockets that begin from now on, until the function that it returns is called. */
export function traceWebSockets(tracer: Tracer): () => void {
  /** What each socket is doing. */
  const spans = new Map<number, Span>()

  const start = ({ id, url }: { id: number; url: string }, name: string): void => {
    const { hostname, port, protocol } = new URL(url)
    const attributes = {
      'url.full': url,
      // An IPv6 address goes without its brackets.
      'server.address': hostname.replace(/^\[|\]$/g, ''),
      'server.port': Number(port) || (protocol === 'wss:' ? 443 : 80),
    }
    spans.set(id, tracer.startSpan(name, { kind: CLIENT, attributes }))
  }
  const end = (id: number, attributes: Attributes, error?: string): void => {
    const span = spans.get(id)
    spans.delete(id)
    span?.setAttributes(attributes)
    if (error !== undefined) {
      span?.setAttributes({ 'error.type': error })
      span?.setStatus({ code: ERROR, message: error })
    }
    span?.end()
  }

  const handlers: Handlers = {
    'hawser:handshake:start': (event) => start(event, 'websocket handshake'),
    'hawser:handshake:response': ({ id, url, status, httpVersion }) =>
      spans.get(id)?.addEvent('response', {
        'url.full': url,
        'http.response.status_code': status,
        'network.protocol.version': httpVersion,
      }),
    'hawser:handshake:error': ({ id, status, code = 'UNKNOWN', retriable }) =>
      end(id, { ...(status > 0 && { 'http.response.status_code': status }), 'hawser.retriable': retriable }, code),
    'hawser:open': (event) => {
      const { id, status, httpVersion, transport } = event
      end(id, {
        'http.response.status_code': status,
        'network.protocol.version': httpVersion,
        'hawser.transport': transport,
      })
      start(event, 'websocket')
    },
    'hawser:ping': ({ id, roundTrip }) => spans.get(id)?.addEvent('pong', { 'hawser.round_trip': roundTrip }),
    'hawser:close': ({ id, closeStatus, wasClean, error, sent, received }) =>
      end(
        id,
        {
          'hawser.close_status': closeStatus,
          'hawser.was_clean': wasClean,
          'hawser.sent.messages': sent.messages,
          'hawser.sent.bytes': sent.bytes,
          'hawser.received.messages': received.messages,
          'hawser.received.bytes': received.bytes,
        },
        error,
      ),
  }
  const listeners = Object.entries(handlers) as [string, (event: unknown) => void][]
  for (const [channel, listener] of listeners) subscribe(channel, listener)
  return () => {
    for (const [channel, listener] of listeners) unsubscribe(channel, listener)
    for (const id of [...spans.keys()]) end(id, {})
  }
}
