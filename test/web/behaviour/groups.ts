import type { Cases } from '../implementation.ts'
import type { SocketClass } from '../suite.ts'
import { closing } from './closing.ts'
import { constructing } from './constructing.ts'
import { interfaces } from './interface.ts'
import { listening } from './listening.ts'
import { messages } from './messages.ts'
import { opening } from './opening.ts'
import { sending } from './sending.ts'

/** All that is said of WebSocket, by the sections of its standard. */
export const WEBSOCKET: Readonly<Record<string, Cases<SocketClass>>> = {
  constructing,
  interface: interfaces,
  opening,
  messages,
  sending,
  closing,
  listening,
}
