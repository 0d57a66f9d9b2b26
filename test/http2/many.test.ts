import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { connect } from '../../src/index.ts'
import { sessionPool } from '../../src/transport/session-pool.ts'

const SOCKETS = 10_000
const STREAMS = 100

test('10,000 sockets are open at once over as many connections as the server wants, echo, and close', async () => {
  const child = fork(fileURLToPath(new URL('../support/many-streams-server.ts', import.meta.url)))
  try {
    const [{ port }] = (await once(child, 'message')) as [{ port: number }]
    const options = { httpVersion: '2', httpVersionPolicy: 'exact' } as const
    const url = `ws://127.0.0.1:${port}/`
    const sockets = await Promise.all(Array.from({ length: SOCKETS }, () => connect(url, options)))
    expect(sockets.every(({ state }) => state === 'open')).toBe(true)

    const echoes = await Promise.all(
      sockets.map(async (socket, i) => {
        await socket.send(`${i}`)
        return await socket.receive()
      }),
    )
    expect(echoes).toEqual(sockets.map((_, i) => `${i}`))

    child.send('connections')
    const [{ connections }] = (await once(child, 'message')) as [{ connections: number }]
    expect(connections).toBe(SOCKETS / STREAMS)

    await Promise.all(sockets.map((socket) => socket.close()))
    expect(sockets.every(({ state, closeStatus }) => state === 'closed' && closeStatus === 1000)).toBe(true)
  } finally {
    sessionPool().clear()
    child.disconnect()
  }
}, 60_000)
