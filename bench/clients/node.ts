/** The WebSocket that Node brings. */
import type { Open } from './connection.ts'
import { openStandard, type StandardSocket } from './standard.ts'

export const open: Open = (target, tally) =>
  openStandard(new WebSocket(target.url) as unknown as StandardSocket, target, tally)
