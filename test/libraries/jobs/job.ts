import type { WebSocket } from '../../../src/web/websocket.ts'

/**
 * The class that a library is given. Most of them call it `typeof WebSocket`, and none of them uses more of it than
 * this.
 */
export type WebSocketClass = typeof globalThis.WebSocket

/** Uses a library as its users do: on the class, with its server at the URL. Gives what came of it. */
export type Job = (url: string, WebSocket: WebSocketClass) => Promise<unknown>

/** What a job gave, and how many sockets of the class it has used for that. */
export interface Done {
  readonly result: unknown
  readonly sockets: number
}

/** Does a job on hawser's class; `options` are those of its constructor. */
export async function doJob(job: Job, url: string, Base: typeof WebSocket, options: object = {}): Promise<Done> {
  let sockets = 0
  class CountedWebSocket extends Base {
    constructor(target: string | URL, protocols: string | string[] = []) {
      super(target, { ...options, protocols })
      sockets++
    }
  }
  const result = await job(url, CountedWebSocket as unknown as WebSocketClass)
  return { result, sockets }
}
