import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { buffer } from 'node:stream/consumers'
import { Agent, request } from 'undici'
import { describe, expect, test } from 'vitest'
import type { ClientWebSocket, ClientWebSocketOptions } from '../../src/index.ts'
import type { RunningHttp2Server } from '../support/http2-server.ts'
import { frame } from '../support/scripted-peer.ts'
import { failure } from '../support/servers.ts'
import {
  afterwards,
  create,
  detailsOf,
  eventually,
  expectEcho,
  HTTP2,
  http2Server,
  later,
  NEGOTIATED,
  open,
  openSockets,
  setUp,
  trust,
} from './support.ts'

setUp()

const MiB = 1024 * 1024
const COUNT = 100

/** Hundred of them are more than the window of a connection, in either direction. */
const LENGTH = MiB / 4

/** A message that no other has. */
function messageOf(index: number): Buffer {
  const message = Buffer.alloc(LENGTH)
  for (let i = 0; i < LENGTH; i += 4) message.writeUInt32BE((index * MiB + i * 2_654_435_761) >>> 0, i)
  return message
}

async function expectLongEcho(socket: ClientWebSocket, index: number): Promise<void> {
  const message = messageOf(index)
  const [received] = await Promise.all([socket.receive(), socket.send(message)])
  expect(message.equals(received as Uint8Array), `the message of socket ${index} is intact`).toBe(true)
}

function times<T>(count: number, make: (index: number) => T): Promise<Awaited<T>[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => make(index)))
}

async function openSession(server: RunningHttp2Server): Promise<ClientHttp2Session> {
  const session = connectHttp2(server.url.replace('ws', 'http'), { ca: trust.ca, maxSessionMemory: 1000 })
  session.on('error', () => {})
  afterwards(() => session.destroy())
  return session
}

/** An ordinary request, answered with its own body. */
async function expectRequest(session: ClientHttp2Session, index: number): Promise<void> {
  const stream = session.request({ ':method': 'POST', ':path': `/request/${index}` })
  const body = messageOf(index)
  stream.end(body)
  expect((await buffer(stream)).equals(body), `the body of request ${index} is intact`).toBe(true)
}

describe.each(['ws', 'wss'])('over %s', (scheme) => {
  const server = () => http2Server(scheme === 'wss' ? { tls: trust.certificate } : {})

  test('100 sockets share one connection of our own', async () => {
    const { url, connections, connects } = await server()
    const sockets = await times(COUNT, () => open(`${url}/echo`))
    await times(COUNT, (index) => expectLongEcho(sockets[index]!, index))
    await times(COUNT, (index) => sockets[index]!.close())
    expect(sockets.every(({ state }) => state === 'closed')).toBe(true)
    expect(connections()).toBe(1)
    expect(connects.length).toBe(COUNT)
  })

  test('100 sockets open while others have much to send', async () => {
    const { url, connections } = await server()
    await times(COUNT, async (index) => {
      await later(index)
      await expectLongEcho(await open(`${url}/echo`), index)
    })
    expect(connections()).toBe(1)
  })

  test("100 sockets and 100 requests share the connection of a caller's session", async () => {
    const running = await server()
    const session = await openSession(running)
    const sockets = await times(COUNT, () => open(`${running.url}/echo`, { session }))
    expect(detailsOf(sockets[0]!)).toMatchObject({ httpVersion: '2', transport: 'http2', httpStatusCode: 200 })
    await Promise.all([
      times(COUNT, (index) => expectLongEcho(sockets[index]!, index)),
      times(COUNT, (index) => expectRequest(session, index)),
    ])
    await times(COUNT, (index) => sockets[index]!.close())
    expect(running.connections()).toBe(1)
    expect(running.connects.length).toBe(COUNT)
    expect(running.requests.length).toBe(COUNT)
    expect(session.destroyed || session.closed).toBe(false)
    await expectRequest(session, 0)
  })
})

test("100 sockets and 100 requests share the connection of a caller's undici 8 Agent", async () => {
  const running = await http2Server({ tls: trust.certificate })
  const dispatcher = new Agent({ allowH2: true, connections: 1, connect: { ca: trust.ca, preferH2: true } })
  afterwards(() => dispatcher.destroy())
  const origin = running.url.replace('ws', 'http')
  const sockets = await times(COUNT, () => open(`${running.url}/echo`, { ...NEGOTIATED, dispatcher }))
  expect(detailsOf(sockets[0]!)).toMatchObject({ httpVersion: '2', transport: 'dispatcher', httpStatusCode: 200 })
  const expectFetch = async (index: number) => {
    const { body } = await request(`${origin}/request/${index}?size=${LENGTH}`, { dispatcher })
    expect((await body.bytes()).length).toBe(LENGTH)
  }
  await Promise.all([
    times(COUNT, (index) => expectLongEcho(sockets[index]!, index)),
    times(COUNT, (index) => expectFetch(index)),
  ])
  await times(COUNT, (index) => sockets[index]!.close())
  expect(running.connections()).toBe(1)
  expect(running.connects.length).toBe(COUNT)
  expect(running.requests.length).toBe(COUNT)
})

describe("a caller's session", () => {
  test('that cannot do extended CONNECT is left as it was, and nothing else is tried', async () => {
    const running = await http2Server({ extendedConnect: false })
    const session = await openSession(running)
    const error = await failure(create({ session }).connect(`${running.url}/echo`), 'EXTENDED_CONNECT_UNSUPPORTED')
    expect(error.attempts.length).toBe(1)
    await expectRequest(session, 1)
    expect(running.connections()).toBe(1)
    expect(running.connects).toEqual([])
  })

  test('of which Node limits the memory has room for others while its sockets have much to send', async () => {
    const running = await http2Server()
    const session = connectHttp2(running.url.replace('ws', 'http'))
    afterwards(() => session.destroy())
    const sockets = await times(50, () => open(`${running.url}/echo`, { session }))
    await Promise.all([
      times(sockets.length, (index) => expectLongEcho(sockets[index]!, index)),
      times(COUNT, async (index) => {
        await later(index)
        const body = await buffer(session.request({ ':path': '/?size=1000' }))
        expect(body.length).toBe(1000)
      }),
    ])
    expect(running.connections()).toBe(1)
  })

  test('that is used before its SETTINGS have come is waited for', async () => {
    const running = await http2Server()
    await expectEcho(await open(`${running.url}/echo`, { session: await openSession(running) }))
  })

  test('that is over fails the connect', async () => {
    const running = await http2Server()
    const session = await openSession(running)
    await expectEcho(await open(`${running.url}/echo`, { session }))
    session.destroy()
    const error = await failure(create({ session }).connect(`${running.url}/echo`))
    expect(error.response).toBeUndefined()
    expect(running.connections()).toBe(1)
  })

  test('that the caller closes lets its sockets finish', async () => {
    const running = await http2Server()
    const session = await openSession(running)
    const socket = await open(`${running.url}/echo`, { session })
    session.close()
    await expectEcho(socket)
    await socket.close()
    expect(socket.state).toBe('closed')
    await eventually(() => expect(session.destroyed).toBe(true))
  })

  test('takes refusals like any other', async () => {
    const running = await http2Server()
    const session = await openSession(running)
    const error = await failure(create({ session }).connect(`${running.url}/refuse?status=403`), 'UPGRADE_REFUSED')
    expect(error.response).toMatchObject({ status: 403, httpVersion: '2' })
    await expectRequest(session, 1)
  })

  test('keeps no listener of sockets that are over', async () => {
    const running = await http2Server()
    const session = await openSession(running)
    const listeners = () => session.eventNames().map((name) => [name, session.listenerCount(name)])
    await (await open(`${running.url}/echo`, { session })).close()
    await failure(create({ session }).connect(`${running.url}/refuse`))
    const before = listeners()
    for (let i = 0; i < 5; i++) {
      await (await open(`${running.url}/echo`, { session })).close()
      await failure(create({ session }).connect(`${running.url}/refuse`))
    }
    expect(listeners()).toEqual(before)
  })
})

describe('sockets on one connection', () => {
  test('a socket that nobody reads holds its own window, and the others go on', async () => {
    const total = 64
    let taken = 0
    const running = await http2Server({
      onConnect: (stream, headers) => {
        if (headers[':path'] !== '/flood') return false
        stream.respond({ ':status': 200 })
        const message = frame(2, Buffer.alloc(MiB))
        for (let i = 0; i < total; i++) stream.write(message, () => taken++)
        return true
      },
    })
    const unread = await open(`${running.url}/flood`)
    const others = await times(COUNT - 1, () => open(`${running.url}/echo`))
    for (const _ of [1, 2]) await times(others.length, (index) => expectLongEcho(others[index]!, index))
    // A window of 4 MiB, and what the socket had read before it stopped.
    expect(taken).toBeLessThanOrEqual(5)
    expect(running.connections()).toBe(1)
    for (let i = 0; i < total; i++) expect(((await unread.receive()) as Uint8Array).length).toBe(MiB)
  })

  test('a socket that sends much lets the others have their turn', async () => {
    const running = await http2Server()
    const [busy, ...others] = await times(20, () => open(`${running.url}/echo`))
    let isSent = false
    const messages = [1, 2, 3, 4].map((byte) => new Uint8Array(32 * MiB).fill(byte))
    const sent = Promise.all(messages.map((message) => busy!.send(message))).then(() => {
      isSent = true
    })
    for (const _ of [1, 2, 3]) await Promise.all(others.map((socket) => expectEcho(socket)))
    expect(isSent).toBe(false)
    for (const message of messages) {
      expect(Buffer.from((await busy!.receive()) as Uint8Array).equals(message), 'it is intact').toBe(true)
    }
    await sent
  })

  test('many small messages of many sockets arrive whole and in order', async () => {
    const running = await http2Server()
    const sockets = await times(COUNT, () => open(`${running.url}/echo`))
    await times(COUNT, async (index) => {
      const socket = sockets[index]!
      for (let i = 0; i < 50; i++) void socket.send(`${index} ${i}`)
      for (let i = 0; i < 50; i++) expect(await socket.receive()).toBe(`${index} ${i}`)
    })
    expect(running.connections()).toBe(1)
  })

  test('an abort of one in the middle of its messages does not harm the others', async () => {
    const running = await http2Server()
    const sockets = await times(20, () => open(`${running.url}/echo`))
    const sending = times(10, (index) => expectLongEcho(sockets[index]!, index))
    for (const socket of sockets.slice(10)) {
      void socket.send(messageOf(99))
      await later(1)
      socket.abort()
    }
    await sending
    await times(10, (index) => expectLongEcho(sockets[index]!, index + 10))
    expect(running.connections()).toBe(1)
  })
})

test('an idle connection of ours does not keep the process alive', async () => {
  const running = await http2Server()
  const options: ClientWebSocketOptions = HTTP2
  await (await open(`${running.url}/echo`, options)).close()
  await running.connects[0]!.closed
  // The server's own side of the connection is still there.
  await eventually(() => expect(openSockets().length).toBeLessThanOrEqual(1))
  expect(running.sessions[0]!.destroyed).toBe(false)
})
