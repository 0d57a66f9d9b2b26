import { PartySocket } from 'partysocket'
import type { Job } from './job.ts'

/** Messages before and after a reconnect, to a room that sends each to everyone in it. */
export const partysocket: Job = async (url, WebSocket) => {
  const { host, protocol } = new URL(url)
  const scheme = protocol === 'wss:' ? 'wss' : 'ws'
  const socket = new PartySocket({ host, protocol: scheme, room: 'lobby', WebSocket, minReconnectionDelay: 1 })
  const next = () =>
    new Promise((resolve) => socket.addEventListener('message', ({ data }) => resolve(data), { once: true }))
  const results: unknown[] = []
  for (const message of ['before', 'after']) {
    const answer = next()
    socket.send(message)
    results.push(await answer)
    if (message === 'before') socket.reconnect()
  }
  const closed = new Promise<number>((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)))
  socket.close()
  return [...results, await closed]
}
