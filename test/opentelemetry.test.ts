import { expect, onTestFinished, test, vi } from 'vitest'
import { type Tracer, traceWebSockets } from '../examples/opentelemetry.ts'
import { connect } from '../src/index.ts'
import { failure, peer, server } from './support/servers.ts'

interface RecordedSpan {
  readonly name: string
  readonly attributes: Record<string, unknown>
  readonly events: string[]
  status?: { readonly code: number; readonly message?: string }
  ended: number
}

/** Traces with a tracer that keeps what it is told. */
function record(): { spans: RecordedSpan[]; stop: () => void } {
  const spans: RecordedSpan[] = []
  const tracer: Tracer = {
    startSpan: (name, { attributes }) => {
      const span: RecordedSpan = { name, attributes: { ...attributes }, events: [], ended: 0 }
      spans.push(span)
      return {
        setAttributes: (more) => Object.assign(span.attributes, more),
        addEvent: (event) => span.events.push(event),
        setStatus: (status) => {
          span.status = status
        },
        end: () => span.ended++,
      }
    },
  }
  const stop = traceWebSockets(tracer)
  onTestFinished(stop)
  return { spans, stop }
}

test('a socket is a span for its handshake and one for its connection', async () => {
  const { spans } = record()
  const { url, port } = await server()
  const socket = await connect(`${url}/echo?token=secret`)
  await socket.send('hello')
  await socket.receive()
  await socket.ping()
  await socket.close()
  expect(spans.map(({ name, events, ended }) => [name, events, ended])).toEqual([
    ['websocket handshake', ['response'], 1],
    ['websocket', ['pong'], 1],
  ])
  const to = { 'url.full': `${url}/echo`, 'server.address': '127.0.0.1', 'server.port': port }
  expect(spans[0]!.attributes).toMatchObject({ ...to, 'http.response.status_code': 101, 'hawser.transport': 'tcp' })
  expect(spans[1]!.attributes).toMatchObject({ ...to, 'hawser.close_status': 1000, 'hawser.sent.messages': 1 })
  expect(spans.every(({ status }) => status === undefined)).toBe(true)
})

test('a refusal and a lost connection are errors', async () => {
  const { spans } = record()
  const { url } = await server()
  await failure(connect(`${url}/refuse?status=503`))
  const dying = await peer(async (connection) => {
    await connection.accept()
    connection.reset()
  })
  await connect(dying.url)
  await vi.waitFor(() => expect(spans.at(-1)!.ended).toBe(1))
  expect(spans.map(({ name, status }) => [name, status?.message])).toEqual([
    ['websocket handshake', 'UPGRADE_REFUSED'],
    ['websocket handshake', undefined],
    ['websocket', 'CONNECTION_CLOSED'],
  ])
  expect(spans[0]!.attributes).toMatchObject({ 'http.response.status_code': 503, 'error.type': 'UPGRADE_REFUSED' })
})

test('stopping ends the spans that are open, and begins no more', async () => {
  const { spans, stop } = record()
  const { url } = await server()
  const socket = await connect(`${url}/echo`)
  stop()
  await socket.close()
  await (await connect(`${url}/echo`)).close()
  expect(spans.map(({ ended }) => ended)).toEqual([1, 1])
})
