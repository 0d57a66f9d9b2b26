/** The WebSocket class of hawser. */
import { WebSocket } from 'hawser/websocket'
import type { Open } from './connection.ts'
import { optionsOf } from './hawser-options.ts'
import { openStandard, type StandardSocket } from './standard.ts'

export const open: Open = (target, tally) => {
  const ws = new WebSocket(target.url, optionsOf(target))
  return openStandard(ws as unknown as StandardSocket, target, tally)
}
