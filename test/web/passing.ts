/**
 * A fetch that can upgrade, in Node: that of Miniflare. It leads through a Worker that passes on what it is asked, to
 * any server.
 */
import { fileURLToPath } from 'node:url'
import { type RunningWorker, startScript } from '../support/miniflare.ts'
import type { Lack } from './implementation.ts'

/** Its `miniflare.dispatchFetch` is the fetch. */
export function startPassingWorker(): Promise<RunningWorker> {
  return startScript(fileURLToPath(new URL('../workerd/passing-worker.ts', import.meta.url)))
}

/** What a WebSocket over such a fetch cannot do: the runtimes frame, and connect. */
export const FETCH_LACKS = {
  bufferedAmount: {
    why: 'The WebSocket of a fetch takes whatever it is given, and does not tell when it has left.',
    cases: [
      'bufferedAmount counts the bytes of messages, text in UTF-8',
      'bufferedAmount tells that the server reads nothing',
      'bufferedAmount is not reset when the connection is lost',
    ],
  },
  closing: {
    why: "The server's Close frame is answered by the Worker on the way, with its reason, and told when all is over.",
    cases: ['the server may close', 'the state is CLOSING between the Close frame of the server and the end'],
  },
  handshake: {
    why: 'The handshake is checked by the runtime, which does not look at the Connection field.',
    cases: ['a 101 that does not say so in its Connection field is a failure'],
  },
} satisfies Readonly<Record<string, Lack>>

/** What a WebSocketStream cannot. */
export const FETCH_STREAM_LACKS = {
  backPressure: {
    why: 'The WebSocket of a fetch neither lets the server wait nor tells who sends to.',
    cases: ['a server that is not read from has to wait', 'who writes to a server that does not read has to wait'],
  },
} satisfies Readonly<Record<string, Lack>>
