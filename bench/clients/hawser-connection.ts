/** hawser's own connections: a client for each way to read. */
import { type ClientWebSocket, connect } from 'hawser'
import type { Open } from './connection.ts'
import { optionsOf } from './hawser-options.ts'
import type { Tally } from './tally.ts'

type Read = (ws: ClientWebSocket, tally: Tally) => Promise<void>

/** Sends of one turn do not wait for each other, as the README says it is fastest. */
export function openReading(read: Read): Open {
  return async (target, tally) => {
    const ws = await connect(target.url, optionsOf(target))
    let isClosed = false
    read(ws, tally).catch((error: unknown) => {
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
}
