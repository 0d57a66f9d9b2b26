/** hawser read one message after the other. */
import { type ClientWebSocket, connect } from 'hawser'
import type { Open } from './connection.ts'
import { optionsOf } from './hawser-options.ts'
import type { Tally } from './tally.ts'

async function read(ws: ClientWebSocket, tally: Tally): Promise<void> {
  for await (const message of ws) tally.take(message)
}

export const open: Open = async (target, tally) => {
  const ws = await connect(target.url, optionsOf(target))
  const reading = read(ws, tally)
  let isClosed = false
  reading.catch((error: unknown) => {
    if (!isClosed) throw error
  })
  const { messages } = target
  if (target.deflate && ws.extensions === '') throw new Error('Nothing was agreed on')
  return {
    burst: (count) => {
      let room: Promise<void> | undefined
      for (let i = 0; i < count; i++) room = ws.send(messages[i % messages.length]!)
      return room
    },
    close: () => {
      isClosed = true
      ws.abort()
    },
  }
}
