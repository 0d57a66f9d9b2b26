import { type ClientHttp2Session, constants } from 'node:http2'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe, expect, type MockInstance, test, vi } from 'vitest'
import type { Upgraded } from '../../src/transport/contracts.ts'
import type { SessionPool } from '../../src/transport/session-pool.ts'
import {
  afterwards,
  cleanUpAfterEach,
  collect,
  eventually,
  later,
  newPool,
  open,
  rawServer,
  streamServer,
  upgraded,
} from '../support/http2-dialing.ts'
import { dataFrame, END_STREAM, HEADERS, headersFrame, PREFACE, SETTING, settingsFrame } from '../support/raw-http2.ts'

cleanUpAfterEach()

const MiB = 1024 * 1024
const A = 0x41
const B = 0x42

/** Whether HEADERS have come; the preface is before the first frame. */
function hasRequest(bytes: Buffer): boolean {
  for (let at = PREFACE.length; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    if (bytes[at + 3] === HEADERS) return true
  }
  return false
}

/** The session of the first route that was given. */
async function sessionOf(route: MockInstance<SessionPool['route']>): Promise<ClientHttp2Session> {
  const given = route.mock.results[0]?.value as ReturnType<SessionPool['route']>
  return (await given).lease!.connection.session
}

describe('memory that was lent', () => {
  /** The server's end of a connection that it has stopped reading from. */
  interface Stalled {
    readonly socket: Socket
    readonly opened: Upgraded
    readonly session: ClientHttp2Session
    /** Everything that comes from the client once it is read again. */
    readAll(): Promise<Buffer>
  }

  /** Opens a stream whose peer allows this much to be sent, and then reads nothing. */
  async function stalled(window: number): Promise<Stalled> {
    const sockets: Socket[] = []
    const received: Buffer[] = []
    const server = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
      let isAnswered = false
      socket.on('data', (bytes: Buffer) => {
        received.push(bytes)
        if (isAnswered || !hasRequest(Buffer.concat(received))) return
        isAnswered = true
        socket.write(headersFrame(1, { ':status': '200' }))
        socket.pause()
      })
      const settings = { [SETTING.ENABLE_CONNECT_PROTOCOL]: 1, [SETTING.INITIAL_WINDOW_SIZE]: window }
      const acknowledged = Buffer.from([0, 0, 0, 4, 1, 0, 0, 0, 0])
      const wholeWindow = Buffer.from([0, 0, 4, 8, 0, 0, 0, 0, 0, 0x3f, 0, 0, 0])
      socket.write(Buffer.concat([settingsFrame(settings), acknowledged, wholeWindow]))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    afterwards(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
    const pool = newPool()
    const route = vi.spyOn(pool, 'route')
    const opened = await upgraded(open(pool, url))
    const session = await sessionOf(route)
    const readAll = async () => {
      sockets[0]!.resume()
      let length = -1
      while (received.length !== length) {
        length = received.length
        await later(50)
      }
      return Buffer.concat(received)
    }
    return { socket: sockets[0]!, opened, session, readAll }
  }

  /** Lends so much that the socket cannot take it; memory that comes back is used for something else at once. */
  function lend({ stream }: Upgraded): { readonly outcomes: boolean[]; readonly count: number } {
    const outcomes: boolean[] = []
    const count = 60
    for (let i = 0; i < count; i++) {
      const lent = Buffer.alloc(256 * 1024, A)
      stream.write([lent], (sent) => {
        outcomes.push(sent)
        lent.fill(B)
      })
    }
    return { outcomes, count }
  }

  const endings: readonly (readonly [string, (stalled: Stalled) => void])[] = [
    ['when the stream is destroyed', ({ opened }) => opened.stream.destroy()],
    ['when its session is destroyed', ({ session }) => session.destroy()],
  ]

  test.each(endings)('is not let go of too early %s', async (_, end) => {
    for (const window of [5_000_000, 2 ** 30]) {
      const connection = await stalled(window)
      const { outcomes, count } = lend(connection.opened)
      const { closed } = collect(connection.opened)
      await later(30)
      end(connection)
      await closed
      await later(30)
      expect(outcomes.length).toBeLessThan(count)
      const bytes = await connection.readAll()
      expect(bytes.includes(Buffer.alloc(64, B)), 'memory was used again before it had been sent').toBe(false)
      expect(bytes.includes(Buffer.alloc(64, A))).toBe(true)
    }
  })

  test('is let go of when the stream is destroyed and the connection lives', async () => {
    const connection = await stalled(5_000_000)
    const { outcomes, count } = lend(connection.opened)
    connection.opened.stream.destroy()
    // What the server sends is all this connection needs to live: it acknowledges the PING that asks whether all has
    // gone out.
    void connection.readAll()
    connection.socket.on('data', (bytes: Buffer) => {
      const at = bytes.indexOf(Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0]))
      if (at < 0) return
      const answer = Buffer.from(bytes.subarray(at, at + 17))
      answer[4] = 1
      connection.socket.write(answer)
    })
    await eventually(() => expect(outcomes.length).toBe(count))
    expect(outcomes.at(-1)).toBe(false)
  })

  test('is let go of when the stream is destroyed and the connection lives only for others', async () => {
    const { url, sessions } = await streamServer((stream) => stream.respond({ ':status': 200 }))
    const pool = newPool()
    const route = vi.spyOn(pool, 'route')
    await upgraded(open(pool, url))
    const { stream } = await upgraded(open(pool, url))
    const session = await sessionOf(route)
    sessions[0]!.close()
    await eventually(() => expect(session.closed).toBe(true))
    const released = vi.fn()
    stream.write([Buffer.alloc(200_000)], released)
    stream.destroy()
    await eventually(() => expect(released).toHaveBeenCalledExactlyOnceWith(false))
    expect(session.destroyed).toBe(false)
  })

  test('is let go of when the connection is gone', async () => {
    const connection = await stalled(5_000_000)
    const { outcomes, count } = lend(connection.opened)
    await later(20)
    connection.socket.resetAndDestroy()
    await eventually(() => expect(outcomes.length).toBe(count))
    expect(outcomes.at(-1)).toBe(false)
    const late = vi.fn()
    connection.opened.stream.write([Buffer.of(1)], late)
    expect(late).toHaveBeenCalledExactlyOnceWith(false)
  })
})

describe('streams that have much to send', () => {
  test('take turns when the window of the connection is small', async () => {
    const taken: number[] = []
    const { url } = await streamServer((stream) => {
      stream.respond({ ':status': 200 })
      stream.on('data', (bytes: Buffer) => taken.push(...new Set([bytes[0]!])))
    })
    const pool = newPool()
    const streams = await Promise.all([0, 1, 2, 3].map(() => upgraded(open(pool, url))))
    const finished: number[] = []
    const sent = streams.map(
      ({ stream }, index) =>
        new Promise<void>((resolve) => {
          const size = index === 0 ? 24 * MiB : 2 * MiB
          stream.write([Buffer.alloc(size / 2, index), Buffer.alloc(size / 2, index)].flatMap(pieces), () => {
            finished.push(index)
            resolve()
          })
        }),
    )
    await Promise.all(sent)
    expect(finished.at(-1)).toBe(0)
    const firstHalf = taken.slice(0, taken.length / 4)
    expect(new Set(firstHalf)).toEqual(new Set([0, 1, 2, 3]))
  })

  test('are not kept waiting by streams that nobody reads', async () => {
    const { url } = await streamServer((stream, headers) => {
      stream.respond({ ':status': 200 })
      if (headers[':path'] === '/unread') stream.pause()
      else stream.pipe(stream)
    })
    const pool = newPool()
    for (let i = 0; i < 20; i++) {
      const { stream } = await upgraded(open(pool, `${url}/unread`))
      stream.write([Buffer.alloc(MiB)], () => {})
    }
    const echoing = await upgraded(open(pool, `${url}/echo`))
    const received = collect(echoing)
    echoing.stream.write(pieces(Buffer.alloc(MiB, A)), () => {})
    await eventually(() => expect(received.text().length).toBe(MiB))
  })

  function pieces(bytes: Buffer): Buffer[] {
    return Array.from({ length: bytes.length / 65_536 }, (_, i) => bytes.subarray(i * 65_536, (i + 1) * 65_536))
  }
})

test('a stream that nobody reads holds its window, and no more; a reset loses nothing of that', async () => {
  let written = 0
  const { url, streams } = await streamServer((stream) => {
    stream.respond({ ':status': 200 })
    for (let i = 0; i < 16; i++) stream.write(Buffer.alloc(MiB, A), () => written++)
  })
  const opened = await upgraded(open(newPool(), url))
  const received = collect(opened)
  opened.stream.pause()
  await later(100)
  expect(received.text()).toBe('')
  expect(written).toBeLessThanOrEqual(4)
  streams[0]!.close(constants.NGHTTP2_CANCEL)
  await later(30)
  opened.stream.resume()
  await received.closed
  expect(received.text().length).toBe(4 * MiB)
})

describe('the end', () => {
  test('goes alone, behind everything that was written', async () => {
    const { url, connections } = await rawServer(async (connection) => {
      await connection.start()
      await connection.write(headersFrame(await connection.nextRequest(), { ':status': '200' }))
      await connection.next(({ flags, type }) => type === 0 && (flags & END_STREAM) !== 0)
      await connection.write(dataFrame(1, Buffer.alloc(0), END_STREAM))
    })
    const opened = await upgraded(open(newPool(), url))
    const received = collect(opened)
    opened.stream.write([Buffer.from('last')], () => {})
    opened.stream.end()
    await received.ended
    expect(await received.closed).toBeUndefined()
    const [, data, end] = connections[0]!.seenOn(1)
    expect([data!.payload.toString(), data!.flags & END_STREAM]).toEqual(['last', 0])
    expect([end!.payload.length, end!.flags & END_STREAM]).toEqual([0, END_STREAM])
  })

  test('of the server is told; the other direction stays open', async () => {
    let heard = ''
    const { url } = await streamServer((stream) => {
      stream.on('data', (bytes: Buffer) => {
        heard += bytes
      })
      stream.respond({ ':status': 200 })
      stream.end('bye')
    })
    const opened = await upgraded(open(newPool(), url))
    const received = collect(opened)
    await received.ended
    expect(received.text()).toBe('bye')
    opened.stream.write([Buffer.from('and you')], () => {})
    await eventually(() => expect(heard).toBe('and you'))
  })

  test('by a reset is an error that names the code', async () => {
    const { url } = await streamServer((stream) => {
      stream.respond({ ':status': 200 })
      setTimeout(() => stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM), 10)
    })
    const { closed } = collect(await upgraded(open(newPool(), url)))
    expect((await closed)?.message).toContain('ENHANCE_YOUR_CALM')
  })

  test('of the connection is an error that says why', async () => {
    const { url, connections } = await rawServer(async (connection) => {
      await connection.start()
      await connection.write(headersFrame(await connection.nextRequest(), { ':status': '200' }))
    })
    const { closed } = collect(await upgraded(open(newPool(), url)))
    connections[0]!.peer.reset()
    expect(await closed).toMatchObject({ code: 'ECONNRESET' })
  })
})

test('a hundred streams leave no listener on their session', async () => {
  const warn = vi.fn()
  process.on('warning', warn)
  afterwards(() => process.off('warning', warn))
  const { url } = await streamServer((stream) => stream.respond({ ':status': 200 }))
  const pool = newPool()
  const route = vi.spyOn(pool, 'route')
  const opened = await Promise.all(Array.from({ length: 100 }, () => upgraded(open(pool, url))))
  const session = await sessionOf(route)
  const count = () => session.eventNames().reduce((sum, name) => sum + session.listenerCount(name), 0)
  const withStreams = count()
  const closed = opened.map((each) => collect(each).closed)
  for (const { stream } of opened) stream.destroy()
  await Promise.all(closed)
  await later(10)
  expect(count()).toBe(withStreams)
  expect(count()).toBeLessThan(20)
  expect(warn).not.toHaveBeenCalled()
})
