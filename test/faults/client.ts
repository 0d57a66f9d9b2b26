/** The client's side of an exchange, in any runtime: what it did, and all that it was told. */
import { ClientWebSocket, type ClientWebSocketOptions, HandshakeError } from 'hawser'

export const CLIENT_SAYS = ['client one', 'client two, in parts', 'client three']
export const SERVER_SAYS = ['server one', 'server two, in parts', 'server three']

/** How long the client waits for what the server has to say, in milliseconds, before it closes. */
const PATIENCE = 1500
/** Longer than all time limits together. */
const FOR_EVER = 8000
const HANGS = 'hangs'

/** Time limits, in milliseconds; where the runtime frames, nothing keeps the connection alive. */
export const LIMITS: ClientWebSocketOptions = { handshakeTimeout: 1500, closeTimeout: 1000 }
export const KEEP_ALIVE: ClientWebSocketOptions = { keepAliveInterval: 500, keepAliveTimeout: 500 }

export interface Exchange {
  readonly url: string
  readonly options: ClientWebSocketOptions
  /** Who sends the first Close frame. */
  readonly closes: 'client' | 'server'
}

export interface ClientReport {
  /** Why there was no connection; empty if there was. */
  readonly refusal: string
  readonly received: readonly string[]
  /** How each send ended: empty, or the code of its error. */
  readonly sends: readonly string[]
  /** How receiving ended: empty after a Close frame of the server, or the error's code. */
  readonly end: string
  /** How a send after the end fails. */
  readonly late: string
  readonly state: string
  readonly closeStatus: number
  /** In milliseconds. */
  readonly took: number
}

/** Connects, sends and receives everything, and closes, or waits for the server to. */
export async function playClient({ url, options, closes }: Exchange): Promise<ClientReport> {
  const started = performance.now()
  const socket = new ClientWebSocket(options)
  const refusal = await outcomeOf(socket.connect(url))
  const exchanged = refusal === '' ? await exchange(socket, closes) : { received: [], sends: [], end: '', late: '' }
  const { state, closeStatus = 0 } = socket
  socket.abort()
  return { refusal, ...exchanged, state, closeStatus, took: performance.now() - started }
}

async function exchange(socket: ClientWebSocket, closes: 'client' | 'server') {
  const received: string[] = []
  const all = Promise.withResolvers<void>()
  const receive = async () => {
    for await (const message of socket) {
      received.push(String(message))
      if (received.length === SERVER_SAYS.length && closes === 'client') all.resolve()
    }
  }
  const receiving = outcomeOf(receive())
  const sending = [socket.send(CLIENT_SAYS[0]!), sendInParts(socket, CLIENT_SAYS[1]!), socket.send(CLIENT_SAYS[2]!)]
  const sends = Promise.all(sending.map(outcomeOf))
  await Promise.race([all.promise, receiving, later(PATIENCE)])
  const closing = await outcomeOf(socket.close(1000, 'client says bye'))
  if (closing !== '') throw new Error(`close failed: ${closing}`)
  return { received, sends: await sends, end: await receiving, late: await outcomeOf(socket.send('too late')) }
}

async function sendInParts(socket: ClientWebSocket, message: string): Promise<void> {
  const writer = socket.sendStream('text').getWriter()
  writer.closed.catch(() => {})
  for (const part of [message.slice(0, 10), message.slice(10)]) await writer.write(part)
  await writer.close()
}

/** How a call ended: empty, or the code of its error with what says more of it. */
function outcomeOf(call: Promise<unknown>): Promise<string> {
  return Promise.race([call.then(() => '', told), later(FOR_EVER).then(() => HANGS)])
}

function told(error: unknown): string {
  const { code, cause, violation } = error as { code?: string; cause?: { code?: string }; violation?: string }
  if (code === undefined) return `undocumented: ${error}`
  const status = error instanceof HandshakeError ? error.response?.status : undefined
  const isTimeout = cause?.code?.endsWith('_TIMEOUT') === true
  return [code, status, violation, isTimeout ? cause?.code : undefined].filter((part) => part !== undefined).join(' ')
}

function later(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
