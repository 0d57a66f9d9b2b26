import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type ClientWebSocket, type ClientWebSocketOptions, connect } from '../../src/index.ts'
import { failure } from '../support/servers.ts'
import { expectLost } from './check.ts'
import { connectionsTo } from './connections.ts'
import { startLibwebsockets } from './libwebsockets.ts'
import { ascii, SIZES } from './messages.ts'
import type { Deployment } from './site.ts'
import { optionsFor, WAYS, type Way, type WayName } from './ways.ts'

/** Sends what it gets to all who have chosen it, as text in pieces of about 4 KB, wherever a character may end. */
const MIRROR = 'lws-mirror-protocol'
/** Sends a number every 50 ms, and obeys orders that are lines. */
const COUNTER = 'dumb-increment-protocol'
const MANY = 100

// It has no HTTP/2 without TLS.
const OFFERED: readonly WayName[] = ['ws over HTTP/1.1', 'wss over HTTP/1.1', 'wss over HTTP/2']

describe.each(OFFERED)('libwebsockets, %s', (name) => {
  const way: Way = WAYS[name]
  // Over HTTP/2 it does not stop reading when its queue of 32 pieces is full, but drops what comes ("dropping!").
  const largest = way.httpVersion === '2' ? 65_536 : Number.POSITIVE_INFINITY
  const sockets: ClientWebSocket[] = []
  let server: Deployment
  let port: number
  beforeAll(async () => {
    server = await startLibwebsockets(way.scheme)
    port = way.scheme === 'wss' ? server.site.tlsPort : server.site.clearPort
  })
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.abort()
  })
  afterAll(async () => {
    await server.program.stop()
    await server.remove()
  })

  async function open(subprotocol: string, options: ClientWebSocketOptions = {}): Promise<ClientWebSocket> {
    const subprotocols = [subprotocol]
    const socket = await connect(`${way.scheme}://localhost:${port}`, {
      ...optionsFor(way, server.ca),
      subprotocols,
      ...options,
    })
    sockets.push(socket)
    return socket
  }

  test('the answer to the handshake arrives', async () => {
    const socket = await open(MIRROR)
    expect(socket).toMatchObject({ subprotocol: MIRROR, httpVersion: way.httpVersion })
    expect(socket.httpStatusCode).toBe(way.httpVersion === '2' ? 200 : 101)
  })

  test('a subprotocol that it does not know opens no socket', async () => {
    const opening = open('unheard-of', { handshakeTimeout: 500 })
    await failure(opening, way.httpVersion === '2' ? 'HANDSHAKE_TIMEOUT' : 'CONNECTION_LOST')
  })

  test('messages of every size come back in pieces', async () => {
    const socket = await open(MIRROR)
    for (const size of SIZES.filter((size) => size <= largest)) {
      const message = ascii(size)
      await expectMirrored(socket, message, message)
      await expectMirrored(socket, Buffer.from(message), message)
    }
  })

  test('what one socket sends, another gets', async () => {
    const [one, other] = [await open(MIRROR), await open(MIRROR)]
    await one.send('from one')
    expect(await Promise.all([one.receive(), other.receive()])).toEqual(['from one', 'from one'])
  })

  test('a Ping is answered', async () => {
    const socket = await open(MIRROR)
    expect(await socket.ping('are you there?')).toBeGreaterThan(0)
  })

  test('a close of ours is answered with its own code and reason', async () => {
    const socket = await open(MIRROR)
    await socket.close(4001, 'that was ⅔ of it')
    expect(socket).toMatchObject({ state: 'closed', closeStatus: 4001, closeStatusDescription: 'that was ⅔ of it' })
  })

  test('a close of its own arrives', async () => {
    const socket = await open(COUNTER)
    await socket.send('closeme\n')
    for await (const message of socket) expect(message).toMatch(/^\d+$/)
    await socket.close()
    expect(socket).toMatchObject({ state: 'closed', closeStatus: 1001, closeStatusDescription: 'seeya' })
  })

  test('a socket that closes leaves the others open', async () => {
    const [one, other] = [await open(COUNTER), await open(MIRROR)]
    await one.close()
    await expectMirrored(other, 'still here', 'still here')
  })

  test(`${MANY} sockets at once have their own messages`, async () => {
    const opened = await Promise.all(Array.from({ length: MANY }, () => open(COUNTER)))
    expect(await Promise.all(opened.map(firstThree))).toEqual(Array(MANY).fill(['0', '1', '2']))
    const connections = await connectionsTo(port)
    if (way.httpVersion === '2') expect(connections).toBeLessThan(MANY / 4)
    else expect(connections).toBe(MANY)
    await Promise.all(opened.map((socket) => socket.close()))
    expect(opened.map((socket) => socket.closeStatus)).toEqual(Array(MANY).fill(1000))
  })

  test('when it is shut down, its sockets end', async () => {
    const own = await startLibwebsockets(way.scheme)
    const url = `${way.scheme}://localhost:${way.scheme === 'wss' ? own.site.tlsPort : own.site.clearPort}`
    const connecting = () => connect(url, { ...optionsFor(way, own.ca), subprotocols: [MIRROR] })
    const [one, other] = [await connecting(), await connecting()]
    await own.program.stop()
    await own.remove()
    await Promise.all([expectLost(one), expectLost(other)])
    await failure(connecting(), 'CONNECTION_REFUSED')
  })
})

/** Sends a message, and receives pieces until they make up another. */
async function expectMirrored(socket: ClientWebSocket, sent: string | Uint8Array, expected: string): Promise<void> {
  const sending = socket.send(sent)
  let received = ''
  do received += String(await socket.receive())
  while (received.length < expected.length)
  if (received !== expected) throw new Error(`${received.length} characters came back, not the same as were sent`)
  await sending
}

async function firstThree(socket: ClientWebSocket): Promise<unknown[]> {
  return [await socket.receive(), await socket.receive(), await socket.receive()]
}
