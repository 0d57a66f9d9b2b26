/**
 * A Worker that opens a socket and does with it what it is told, one step after another:
 *
 *     POST / with a Script as JSON   answers with its Outcome
 */
import { ClientWebSocket, type ClientWebSocketOptions, ConnectionClosedError, HandshakeError } from '../../src/index.ts'

/** What can be done with a socket. Steps are done in turn; one that `starts` is not waited for before `settled`. */
export type Step =
  | readonly ['send', text: string]
  | readonly ['send bytes', count: number]
  | readonly ['receive' | 'receive all' | 'ping' | 'abort' | 'settled' | 'show']
  | readonly ['close' | 'closeOutput', code?: number | undefined, reason?: string]
  | readonly ['wait', milliseconds: number]
  | readonly ['until', state: string]
  | readonly ['starts', step: Step]

export interface Script {
  readonly url: string
  readonly options?: ClientWebSocketOptions
  /** The name of a binding whose fetch is used. */
  readonly through?: 'SERVICE' | 'OBJECTS'
  /** Ends the handshake after so many milliseconds. */
  readonly abortAfter?: number
  readonly steps?: readonly Step[]
}

/** An error, as far as it can be told. */
export interface Told {
  readonly name: string
  readonly message: string
  readonly [property: string]: unknown
}

/** What is known of a socket. */
export interface Shown {
  readonly state: string
  readonly url: string
  readonly transport: string | undefined
  readonly subprotocol: string
  readonly httpStatusCode: number
  readonly httpStatusText: string
  readonly headers: readonly (readonly [string, string])[]
  readonly closeStatus: number | undefined
  readonly closeStatusDescription: string
  readonly bufferedAmount: number
}

export interface Outcome {
  /** Why the socket could not be opened. */
  readonly failure?: Told
  /** What each step gave: its value, null for undefined, or its error. */
  readonly results: readonly unknown[]
  readonly socket: Shown
  /** Rejections that nobody has handled, in this and the last outcomes. */
  readonly unhandled: readonly string[]
}

interface Fetcher {
  fetch(url: string, init?: object): Promise<Response>
}

interface Env {
  readonly SERVICE: Fetcher
  readonly OBJECTS: { get(id: unknown): Fetcher; idFromName(name: string): unknown }
}

interface RejectionEvent {
  readonly promise: Promise<unknown>
  readonly reason: unknown
}

/** Workers have it, the types of Node do not. */
declare function addEventListener(type: `${string}rejection${string}`, listener: (event: RejectionEvent) => void): void

/**
 * At old compatibility dates a rejection is told before the one that handles it has had its turn, and taken back then.
 */
const unhandled = new Map<Promise<unknown>, string>()
addEventListener('unhandledrejection', ({ promise, reason }) => unhandled.set(promise, String(reason)))
addEventListener('rejectionhandled', ({ promise }) => unhandled.delete(promise))

const later = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    return Response.json(await play((await request.json()) as Script, env))
  },
}

async function play({ url, options, through, abortAfter, steps = [] }: Script, env: Env): Promise<Outcome> {
  const socket = new ClientWebSocket({ ...options, ...(through && { fetch: fetcher(env, through) }) })
  const controller = new AbortController()
  if (abortAfter !== undefined) setTimeout(() => controller.abort(new Error('the reason')), abortAfter)
  const results: unknown[] = []
  const failure = await socket.connect(url, { signal: controller.signal }).then(() => undefined, tell)
  const started: Promise<unknown>[] = []
  if (failure === undefined) for (const step of steps) results.push(await take(step, socket, started))
  socket.abort()
  await later(0)
  return { ...(failure && { failure }), results, socket: show(socket), unhandled: [...unhandled.values()] }
}

function fetcher(env: Env, binding: 'SERVICE' | 'OBJECTS'): Fetcher {
  return binding === 'SERVICE' ? env.SERVICE : env.OBJECTS.get(env.OBJECTS.idFromName('one'))
}

async function take(step: Step, socket: ClientWebSocket, started: Promise<unknown>[]): Promise<unknown> {
  if (step[0] === 'settled') return await Promise.all(started)
  if (step[0] !== 'starts') return await act(step, socket).then((value) => value ?? null, tell)
  started.push(take(step[1], socket, started))
  return null
}

async function act(step: Step, socket: ClientWebSocket): Promise<unknown> {
  switch (step[0]) {
    case 'send':
      return await socket.send(step[1])
    case 'send bytes':
      return await socket.send(new Uint8Array(step[1]).fill(7))
    case 'receive':
      return shown(await socket.receive())
    case 'receive all':
      return await receiveAll(socket)
    case 'ping':
      return typeof (await socket.ping())
    case 'abort':
      return socket.abort(new Error('the reason'))
    case 'close':
      return await socket.close(step[1], step[2])
    case 'closeOutput':
      return await socket.closeOutput(step[1], step[2])
    case 'wait':
      return await later(step[1])
    case 'until':
      while (socket.state !== step[1]) await later(5)
      return
    case 'show':
      return show(socket)
    default:
      throw new Error(`There is no step ${step[0]}`)
  }
}

async function receiveAll(socket: ClientWebSocket): Promise<unknown[]> {
  const messages: unknown[] = []
  try {
    for await (const message of socket) messages.push(shown(message))
  } catch (error) {
    messages.push(tell(error))
  }
  return messages
}

function shown(message: string | Uint8Array | undefined): unknown {
  return message instanceof Uint8Array ? { bytes: message.length } : message
}

function show(socket: ClientWebSocket): Shown {
  const { state, url, transport, subprotocol, httpStatusCode, httpStatusText, httpResponseHeaders } = socket
  const { closeStatus, closeStatusDescription, bufferedAmount } = socket
  const details = { closeStatus, closeStatusDescription, bufferedAmount, headers: [...(httpResponseHeaders ?? [])] }
  return { state, url, transport, subprotocol, httpStatusCode, httpStatusText, ...details }
}

function tell(error: unknown): Told {
  if (!(error instanceof Error)) return { name: 'not an error', message: String(error) }
  const { name, message, cause } = error
  const told = { ...error, name, message, ...(cause === undefined ? {} : { cause: tell(cause) }) }
  if (error instanceof HandshakeError && error.response !== undefined) {
    const { headers, body, ...response } = error.response
    return { ...told, response: { ...response, headers: [...headers], body: new TextDecoder().decode(body) } }
  }
  return error instanceof ConnectionClosedError ? { ...told, closeStatus: error.closeStatus } : told
}
