/** ws from where its native addon is, or as the repository has it: without. */
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { Target } from './connection.ts'

const hasAddon = process.env['WS_NO_BUFFER_UTIL'] === undefined
const require = createRequire(new URL(hasAddon ? '../peers/package.json' : '../../package.json', import.meta.url))
// That it is there is checked here, since ws would go on without a word.
if (hasAddon) require('bufferutil')
const library = require('ws') as typeof import('ws')

export function openWs({ url, deflate }: Target): WebSocket {
  return new library.WebSocket(url, { perMessageDeflate: deflate && { threshold: 0 } })
}

/** The socket below, which those cork who want to send many small messages fast. */
export function socketOf(ws: WebSocket): Socket {
  return (ws as unknown as { readonly _socket: Socket })._socket
}
