/** The interface that all WebSocket classes share. */
import { type Connection, HIGH_WATER_MARK, type Target } from './connection.ts'
import type { Tally } from './tally.ts'

export interface StandardSocket {
  binaryType: string
  readonly bufferedAmount: number
  onopen: unknown
  onerror: unknown
  onmessage: unknown
  // A Buffer is what every class takes.
  send(message: string | Buffer): void
  close(): void
  /** ws has it. */
  terminate?(): void
}

async function drained(ws: StandardSocket): Promise<void> {
  while (ws.bufferedAmount > HIGH_WATER_MARK) await new Promise(setImmediate)
}

function opened(ws: StandardSocket): Promise<unknown> {
  return new Promise((resolve, reject) => {
    ws.onopen = resolve
    ws.onerror = ({ error, message }: { error?: unknown; message?: string }) => reject(error ?? new Error(message))
  })
}

/** Sends the messages again and again. */
export function sender(ws: StandardSocket, messages: readonly (string | Buffer)[]): Connection {
  return {
    burst: (count) => {
      for (let i = 0; i < count; i++) ws.send(messages[i % messages.length]!)
      return ws.bufferedAmount > HIGH_WATER_MARK ? drained(ws) : undefined
    },
    close: () => {
      ws.onerror = null
      if (ws.terminate === undefined) ws.close()
      else ws.terminate()
    },
  }
}

/** A connection that receives by `onmessage`. */
export async function openStandard(ws: StandardSocket, { messages, kind }: Target, tally: Tally): Promise<Connection> {
  ws.binaryType = 'arraybuffer'
  ws.onmessage =
    kind === 'text'
      ? ({ data }: { data: string }) => tally.take(data)
      : ({ data }: { data: ArrayBuffer | string }) => {
          tally.take(typeof data === 'string' ? data : new Uint8Array(data))
        }
  await opened(ws)
  return sender(ws, messages)
}
