/** Connections that a server of the tests does not have by itself: in memory, and lost in the worst moment. */
import { connect as connectTcp } from 'node:net'
import { duplexPair, PassThrough, pipeline, Transform } from 'node:stream'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { Agent } from 'undici'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type ClientWebSocketOptions, ConnectionClosedError, connect } from '../src/index.ts'
import { type Authority, createAuthority } from './support/certificates.ts'
import { frame } from './support/scripted-peer.ts'
import { aborted, peer, rejection, server } from './support/servers.ts'

const BINARY = 2

let authority: Authority
beforeAll(async () => {
  authority = await createAuthority()
})

describe('over connections in memory, of a dispatcher', () => {
  const transform = (chunk: Buffer, _: unknown, done: (error: null, chunk: Buffer) => void) => {
    void setTimeout(1).then(() => done(null, chunk))
  }

  /**
   * A dispatcher whose connections go through streams in memory, which keep chunks for a while, before they come to a
   * port.
   */
  function dispatcherTo(port: number): Agent {
    const agent = new Agent({
      connect: (_, callback) => {
        const [ours, theirs] = duplexPair()
        const socket = connectTcp(port, '127.0.0.1')
        const late = [new PassThrough({ highWaterMark: 1024 * 1024 }), new Transform({ transform })]
        pipeline([theirs, ...late, socket, new PassThrough(), theirs], () => {})
        process.nextTick(callback, null, ours)
      },
    })
    onTestFinished(() => agent.destroy())
    return agent
  }

  test('what is sent in one turn, and in many, arrives as it was', async () => {
    const { url, port } = await server()
    const socket = aborted(await connect(`${url}/echo`, { dispatcher: dispatcherTo(port) }))
    const messages = Array.from({ length: 60 }, (_, i) => `${i}`.padEnd(i * 500, String.fromCharCode(65 + i)))
    for (const message of messages.slice(0, 20)) void socket.send(message)
    for (const message of messages.slice(20, 40)) {
      void socket.send(message)
      await undefined
    }
    for (const message of messages.slice(40)) {
      void socket.send(message)
      await setImmediate()
    }
    for (const message of messages) expect(await socket.receive()).toBe(message)
    await socket.close()
    expect(socket.state).toBe('closed')
  })
})

describe('a peer that is lost while its messages wait and it does not read ours', () => {
  const KiB = 1024

  /** A socket that has stopped reading, with bytes held, and a send that waits; reset by the peer when told to. */
  async function stuck(tls: { cert: string; key: string } | undefined, options: ClientWebSocketOptions) {
    const reset = Promise.withResolvers<void>()
    const { url } = await peer(async (connection) => {
      await connection.accept()
      const message = frame(BINARY, new Uint8Array(16 * KiB))
      for (let i = 0; i < 100; i++) connection.socket.write(message)
      await reset.promise
      connection.reset()
    }, tls)
    // Of what comes in one read, all but the first message is held.
    const socket = aborted(await connect(url, { highWaterMark: KiB, keepAliveInterval: 0, ...options }))
    return { socket, reset: () => reset.resolve() }
  }

  test.each(['ws', 'wss'])('is noticed by a loop that sends what it receives, over %s', async (scheme) => {
    const { socket, reset } = await stuck(scheme === 'wss' ? await authority.issue() : undefined, {
      tls: { ca: authority.ca },
    })
    let count = 0
    const looping = (async () => {
      for await (const message of socket) {
        if (++count === 1) void setTimeout(100).then(reset)
        for (let i = 0; i < 64; i++) await socket.send(message)
      }
    })()
    const error = (await rejection(looping)) as ConnectionClosedError
    expect(error).toBeInstanceOf(ConnectionClosedError)
    expect(error).toMatchObject({ closeStatus: 1006, wasClean: false })
    expect(socket.state).toBe('aborted')
  })

  test.each(['ws', 'wss'])('ends the socket though nobody reads or sends any more, over %s', async (scheme) => {
    const { socket, reset } = await stuck(scheme === 'wss' ? await authority.issue() : undefined, {
      tls: { ca: authority.ca },
    })
    await socket.receive()
    void socket.send(new Uint8Array(32 * KiB * KiB))
    await setTimeout(50)
    reset()
    await vi.waitFor(() => expect(socket.state).toBe('aborted'))
    expect(socket.bufferedAmount).toBe(0)
  })
})
