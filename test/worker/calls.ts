/** Calls of the Worker's routes as its users make them: by plain HTTP, and by a WebSocket client that is not hawser. */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { type ClientOptions, WebSocket } from 'ws'
import type { RunningWorker } from '../support/miniflare.ts'

export interface Answer {
  readonly status: number
  readonly statusText: string
  /** Names in lower case and values in turn. */
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

export function addressOf(worker: RunningWorker, route: string, url: string): string {
  return `${worker.url}/${route}?${new URLSearchParams({ url })}`
}

/** How an upgrade is refused. It has to be. */
export async function refusalOf(address: string, options: ClientOptions = {}): Promise<Answer> {
  const socket = new WebSocket(address.replace(/^http/, 'ws'), options)
  socket.on('error', () => {})
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
  const { statusCode: status = 0, statusMessage: statusText = '', headers } = response
  return { status, statusText, headers, body: await buffer(response) }
}

/**
 * The runtime ends some connections late, after both sides have closed: the client waits for it so many milliseconds.
 */
const OPTIONS = { perMessageDeflate: false, closeTimeout: 500 }

/** A caller's WebSocket that keeps all it gets. */
export class Caller {
  readonly webSocket: WebSocket
  readonly messages: (string | Buffer)[] = []
  /** Settles with code and reason once it is over. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>

  private constructor(address: string, subprotocols: string[], options: ClientOptions) {
    this.webSocket = new WebSocket(address.replace(/^http/, 'ws'), subprotocols, { ...OPTIONS, ...options })
    this.webSocket.on('message', (data: Buffer, isBinary) => this.messages.push(isBinary ? data : data.toString()))
    this.closed = new Promise((resolve) => {
      this.webSocket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }))
    })
  }

  static async open(address: string, subprotocols: string[] = [], options: ClientOptions = {}): Promise<Caller> {
    const caller = new Caller(address, subprotocols, options)
    await once(caller.webSocket, 'open')
    return caller
  }
}
