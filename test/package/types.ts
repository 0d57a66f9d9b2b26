/** Compiled against the packed declarations: what users write has to have the types that they expect. */
import {
  ClientWebSocket,
  type ClientWebSocketOptions,
  connect,
  HandshakeError,
  HawserError,
  type Message,
} from 'hawser'
import HawserWebSocket from 'hawser/websocket'
import { WebSocketStream } from 'hawser/websocketstream'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const holds = <_T extends true>() => {}

const options: ClientWebSocketOptions = { subprotocols: ['a'], headers: { 'x-a': ['1', '2'] }, redirect: 'follow' }
const ws: ClientWebSocket = await connect('wss://example.com', { ...options, signal: AbortSignal.timeout(1000) })
holds<Equal<Awaited<ReturnType<typeof ws.receive>>, Message | undefined>>()
holds<Equal<Message, string | Uint8Array>>()
for await (const message of ws) holds<Equal<typeof message, Message>>()
for await (const batch of ws.batches()) holds<Equal<typeof batch, Message[]>>()
const roundTrip: number = await ws.ping('x')
const cookies: string[] | undefined = ws.httpResponseHeaders?.getSetCookie()
ws.httpResponseHeaders = null
await ws.send(new Uint8Array([roundTrip, cookies?.length ?? 0]))

try {
  await new ClientWebSocket(options).connect(new URL('ws://example.com'))
} catch (error) {
  if (error instanceof HandshakeError && error.code === 'UPGRADE_REFUSED' && error.retriable) {
    const status: number | undefined = error.response?.status
    throw new Error(`${status}, again in ${error.retryAfter} ms`)
  }
  if (error instanceof HawserError) throw new Error(error.code)
}

// @ts-expect-error: no such option
await connect('wss://example.com', { subprotocol: 'a' })
// @ts-expect-error: not a message
await ws.send({})
// @ts-expect-error: only null frees the headers
ws.httpResponseHeaders = new Headers()

// The WHATWG classes stand for the DOM's.
const Standard: typeof WebSocket = HawserWebSocket
new Standard('wss://example.com', ['a']).onerror = (event) => event.type
const named = new HawserWebSocket('wss://example.com', { protocols: 'a', headers: { 'x-a': '1' }, httpVersion: '2' })
named.onmessage = (event) => named.send(event.data)
named.onerror = ({ error, message }) => (error instanceof HandshakeError ? error.response?.status : message)
named.addEventListener('close', ({ code, reason, wasClean }) => [code + 1, reason.length, !wasClean])
const stream = new WebSocketStream('wss://example.com', { signal: AbortSignal.timeout(1000) })
const { readable, writable } = await stream.opened
holds<Equal<typeof readable, ReadableStream<Message>>>()
await readable.pipeTo(writable)
stream.close({ closeCode: 1000, reason: (await stream.closed).reason })

// @ts-expect-error: it is called protocols here
new HawserWebSocket('wss://example.com', { subprotocols: ['a'] })
