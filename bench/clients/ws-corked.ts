/** ws whose socket the caller corks for the messages of a turn. */
import { once } from 'node:events'
import type { Open } from './connection.ts'
import { type StandardSocket, sender } from './standard.ts'
import { openWs, socketOf } from './ws-library.ts'

export const open: Open = async (target, tally) => {
  const ws = openWs(target)
  ws.on('message', (data: Buffer, isBinary: boolean) => tally.take(isBinary ? data : data.toString()))
  await once(ws, 'open')
  const socket = socketOf(ws)
  const plain = sender(ws as unknown as StandardSocket, target.messages)
  let isCorked = false
  const uncork = () => {
    isCorked = false
    socket.uncork()
  }
  return {
    burst: (count) => {
      if (!isCorked) {
        isCorked = true
        socket.cork()
        process.nextTick(uncork)
      }
      return plain.burst(count)
    },
    close: plain.close,
  }
}
