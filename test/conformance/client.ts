/**
 * The client's side of an exchange: does what a plan says, and reports what its user sees. It knows no runtime, so that
 * it runs in a Worker as well; plan and report are JSON.
 */
import {
  ClientWebSocket,
  type ClientWebSocketOptions,
  ConnectionClosedError,
  HandshakeError,
  MessageTooBigError,
  ProtocolError,
} from 'hawser'
import { type Content, describe, messageOf } from './content.ts'

/** What is offered: see the option `perMessageDeflate`. */
export interface DeflateOptions {
  readonly clientMaxWindowBits?: number
  readonly serverMaxWindowBits?: number
  readonly clientContextTakeover?: boolean
  readonly serverContextTakeover?: boolean
  readonly threshold?: number
}

export interface ClientPlan {
  readonly options?: Pick<ClientWebSocketOptions, 'allowHalfOpen' | 'maxMessageSize' | 'maxFragments'> & {
    readonly perMessageDeflate?: boolean | DeflateOptions
  }
  /** What is done once the socket is open. */
  readonly does?: readonly Action[]
  /** Whether each message is sent back. */
  readonly echoes?: boolean
  /** What is done when no more messages come. */
  readonly endsWith?: readonly Action[]
}

export type Action =
  | { readonly send: Content; readonly compress?: boolean }
  | { readonly ping: string }
  | { readonly close: readonly [code?: number, reason?: string] }
  | { readonly closeOutput: readonly [code?: number, reason?: string] }

export interface ClientReport {
  readonly transport: string | undefined
  /** What was agreed. */
  readonly extensions: string
  /** The messages that were received, each as a line. */
  readonly messages: readonly string[]
  /** How many Pings were answered. */
  readonly pongs: number
  /** What opening or receiving failed with. */
  readonly error: string | undefined
  readonly state: string
  readonly closeStatus: number | undefined
  readonly reason: string
}

/** `send` with the options that it has where deflate is there. */
interface Sender {
  send(message: string | Uint8Array, options?: { readonly compress?: boolean }): Promise<void>
}

/** Runs a plan over a transport; `own` are the options that choose it. */
export async function runClient(
  plan: ClientPlan,
  url: string,
  own: ClientWebSocketOptions = {},
): Promise<ClientReport> {
  try {
    return await converse(new ClientWebSocket({ ...own, ...plan.options }), plan, url)
  } catch (error) {
    const nothing = { transport: undefined, extensions: '', messages: [], pongs: 0, closeStatus: undefined, reason: '' }
    return { ...nothing, error: describeError(error), state: 'none' }
  }
}

async function converse(socket: ClientWebSocket, plan: ClientPlan, url: string): Promise<ClientReport> {
  const messages: string[] = []
  const counts = { pongs: 0 }
  let error: string | undefined
  try {
    await socket.connect(url)
    for (const action of plan.does ?? []) start(socket, action, counts)
    for await (const message of socket) {
      // An echo that fails is told by what receiving fails with.
      if (plan.echoes) await socket.send(message).catch(() => {})
      messages.push(await describe(message))
    }
    for (const action of plan.endsWith ?? []) start(socket, action, counts)
  } catch (reason) {
    error = describeError(reason)
  }
  if (socket.transport !== undefined) await socket.close()
  const { transport, extensions, state, closeStatus, closeStatusDescription: reason } = socket
  return { transport, extensions, messages, pongs: counts.pongs, error, state, closeStatus, reason }
}

/** Begins an action; what comes of it shows on the wire, or in the report. */
function start(socket: ClientWebSocket, action: Action, counts: { pongs: number }): void {
  const sender: Sender = socket
  if ('send' in action) {
    const { send, ...options } = action
    sender.send(messageOf(send), options).catch(() => {})
  } else if ('ping' in action) {
    socket.ping(action.ping).then(
      () => counts.pongs++,
      () => {},
    )
  } else if ('close' in action) {
    socket.close(...action.close).catch(() => {})
  } else {
    socket.closeOutput(...action.closeOutput).catch(() => {})
  }
}

/** An error as its class and what identifies it. */
function describeError(error: unknown): string {
  if (error instanceof HandshakeError) return `HandshakeError ${error.code}`
  if (error instanceof ProtocolError) return `ProtocolError ${error.violation} ${error.closeCode}`
  if (error instanceof MessageTooBigError) return `MessageTooBigError ${error.limit}`
  if (error instanceof ConnectionClosedError) return `ConnectionClosedError ${error.closeStatus}`
  return String(error)
}
