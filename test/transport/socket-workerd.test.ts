/** Sockets of hawser's own in Workers, in the real runtime: what only they can do. */
import { setTimeout as later } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleWorker } from '../support/bundle-worker.ts'
import {
  closePayload,
  frame,
  type PeerConnection,
  type ScriptedPeer,
  startScriptedPeer,
} from '../support/scripted-peer.ts'
import type { Script } from '../support/socket-worker.ts'
import { type SocketWorker, startSocketWorker } from '../support/socket-worker-host.ts'
import { type RunningServer, startWebSocketServer } from '../support/websocket-server.ts'

const MiB = 1024 * 1024
const DATES = ['2024-01-01', '2026-10-01'] as const
const FLOOD = 512

/** How many messages of 64 KiB the flooding peer has got rid of. */
let flooded = 0
/** What came first after the handshake, in one piece. */
let first: Buffer = Buffer.alloc(0)

const ROUTES: Readonly<Record<string, (peer: PeerConnection) => Promise<unknown>>> = {
  '/flood': async (peer) => {
    const message = frame(2, new Uint8Array(65_536))
    for (flooded = 0; flooded < FLOOD; flooded++) await peer.write(message)
    await peer.write(frame(8, closePayload(1000)))
  },
  '/first': async (peer) => {
    first = await peer.read()
    await peer.write(frame(8, closePayload(1000)))
  },
  // Reads nothing for a while, and then whether the connection has ended.
  '/stalled': async (peer) => {
    await later(300)
    for (;;) await peer.read()
  },
  '/drop': async (peer) => {
    await peer.write(frame(1, 'text'))
    await peer.read()
    peer.reset()
  },
}

let server: RunningServer
let peer: ScriptedPeer
let worker: SocketWorker

beforeAll(async () => {
  server = await startWebSocketServer()
  peer = await startScriptedPeer(async (connection) => {
    const { head } = await connection.readRequest()
    await connection.accept()
    await ROUTES[new URL(head.split(' ')[1]!, 'ws://peer').pathname]!(connection).finally(() => connection.end())
  })
  worker = await startSocketWorker(DATES)
})
afterAll(async () => {
  await worker.close()
  await Promise.all([server.close(), peer.close()])
})

describe.each(DATES)('at %s', (date) => {
  const play = async (url: string, steps: NonNullable<Script['steps']>, options: Script['options'] = {}) => {
    const outcome = await worker.play(date, { url, steps, options: { ...options, transport: 'tcp' } })
    expect(outcome).toMatchObject({ socket: { transport: 'tcp' }, unhandled: [] })
    expect(outcome.failure).toBeUndefined()
    return outcome
  }

  test('40 MiB pass in both directions', async () => {
    const steps = [['send bytes', 40 * MiB], ['receive'], ['close']] as const
    const { results, socket } = await play(`${server.url}/echo`, steps)
    expect(results).toEqual([null, { bytes: 40 * MiB }, null])
    expect(socket).toMatchObject({ state: 'closed', bufferedAmount: 0 })
  })

  test('Pings are answered', async () => {
    const { results } = await play(`${server.url}/echo`, [
      ['ping'],
      ['starts', ['ping']],
      ['ping'],
      ['settled'],
      ['close'],
    ])
    expect(results).toEqual(['number', null, 'number', ['number'], null])
  })

  test('a Worker that stops reading stops the server, and loses nothing', async () => {
    const steps = [['receive'], ['wait', 400]] as const
    const playing = play(`${peer.url}/flood`, [...steps, ['receive all'], ['close']])
    await later(350)
    const before = flooded
    expect(before).toBeLessThan(FLOOD)
    const { results, socket } = await playing
    expect(results[2]).toEqual(Array(FLOOD - 1).fill({ bytes: 65_536 }))
    expect(socket.state).toBe('closed')
  })

  test('what is sent in one turn leaves in one write', async () => {
    const sends = Array.from({ length: 100 }, () => ['starts', ['send', 'x'.repeat(10)]] as const)
    await play(`${peer.url}/first`, [...sends, ['receive'], ['close']])
    expect(first.length).toBe(100 * 16)
  })

  test('an abort ends the connection, even while the server takes nothing', async () => {
    const connections = peer.connections.length
    const steps = [
      ['starts', ['send bytes', 16 * MiB]],
      ['wait', 20],
      ['abort'],
      ['settled'],
      ['close'],
      ['show'],
    ] as const
    const { results } = await play(`${peer.url}/stalled`, steps)
    expect(results[3]).toMatchObject([{ message: 'the reason' }])
    expect(results[5]).toMatchObject({ state: 'aborted', bufferedAmount: 0 })
    await peer.connections[connections]!.closed
  })

  test('a connection that is reset fails what waits', async () => {
    const lost = { code: 'CONNECTION_CLOSED', closeStatus: 1006, wasClean: false }
    const steps = [['receive'], ['starts', ['receive']], ['starts', ['ping']], ['settled'], ['close']] as const
    const { results } = await play(`${peer.url}/drop`, steps)
    expect(results).toMatchObject(['text', null, null, [lost, lost], null])
  })
})

test('a request that ends while it sends leaves nothing of the memory behind that all share', async () => {
  const modules = await bundleWorker(fileURLToPath(new URL('../support/lending-worker.ts', import.meta.url)))
  const miniflare = new Miniflare(convertV4MiniflareOptions({ cf: false, compatibilityDate: DATES[1], modules }))
  const response = await miniflare.dispatchFetch('http://worker/')
  expect(await response.json()).toEqual({ bytes: 6 + 10 + 8 + 10_000 + 14 + 200_000, inMemory: 0, lost: 0 })
  await miniflare.dispose()
})

test('nothing was written to the console of the Worker', () => {
  expect(worker.output.join('')).toBe('')
})
