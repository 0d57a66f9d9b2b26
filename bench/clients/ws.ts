/** ws by its events. A text message arrives as a Buffer there; it is made what everyone else hands out, a string. */
import { once } from 'node:events'
import type { Open } from './connection.ts'
import { type StandardSocket, sender } from './standard.ts'
import { openWs } from './ws-library.ts'

export const open: Open = async (target, tally) => {
  const ws = openWs(target)
  ws.on('message', (data: Buffer, isBinary: boolean) => tally.take(isBinary ? data : data.toString()))
  await once(ws, 'open')
  if (target.deflate && ws.extensions === '') throw new Error('Nothing was agreed on')
  return sender(ws as unknown as StandardSocket, target.messages)
}
