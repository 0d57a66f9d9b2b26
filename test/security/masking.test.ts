/** RFC 6455 §10.3: whoever chooses what is sent must not be able to choose what goes over the wire. */
import { Agent } from 'undici'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { encodeFrame, FrameProtocol } from '../../src/frame.ts'
import { type ClientWebSocketOptions, connect } from '../../src/index.ts'
import { sessionPool } from '../../src/transport/session-pool.ts'
import { type ClientFrame, parseFrames } from '../protocol/support.ts'
import { startHttp2Server } from '../support/http2-server.ts'
import { aborted, peer } from '../support/servers.ts'

afterEach(() => sessionPool().clear())

const SOCKETS = 4
const MESSAGES = 500
const MESSAGE = 'GET / HTTP/1.1\r\nHost: victim.example\r\n\r\n'

/** What several sockets send that say the same thing again and again. */
type Speak = () => Promise<Uint8Array[]>

async function speaking(url: string, options: ClientWebSocketOptions): Promise<void> {
  const sockets = []
  for (let i = 0; i < SOCKETS; i++) sockets.push(aborted(await connect(url, options)))
  for (const socket of sockets) for (let i = 0; i < MESSAGES; i++) socket.send(MESSAGE)
  for (const socket of sockets) {
    const writer = socket.sendStream('text').getWriter()
    for (let i = 0; i < 10; i++) await writer.write(MESSAGE)
    await writer.close()
  }
  await Promise.all(sockets.map((socket) => socket.closeOutput()))
}

/** What comes until a Close frame has, on each of the connections. */
function recorder(): { begin(): (bytes: Uint8Array) => void; readonly all: Promise<Uint8Array[]> } {
  const { promise: all, resolve } = Promise.withResolvers<Uint8Array[]>()
  const recorded: Buffer[] = []
  let over = 0
  const begin = () => {
    const index = recorded.push(Buffer.alloc(0)) - 1
    return (bytes: Uint8Array) => {
      const so = Buffer.concat([recorded[index]!, bytes])
      recorded[index] = so
      // The Close frame: a header of six octets, and a code.
      if (so.at(-8) !== 0x88 || so.at(-7) !== 0x82) return
      if (++over === SOCKETS) resolve(recorded)
    }
  }
  return { begin, all }
}

function overHttp1(options: () => ClientWebSocketOptions): Speak {
  return async () => {
    const { begin, all } = recorder()
    const { url } = await peer(async (connection) => {
      await connection.accept()
      const record = begin()
      for (;;) record(await connection.read())
    })
    await speaking(url, options())
    return await all
  }
}

async function overHttp2(): Promise<Uint8Array[]> {
  const { begin, all } = recorder()
  const { url, close } = await startHttp2Server({
    onConnect: (stream) => {
      stream.respond({ ':status': 200 })
      stream.on('data', begin())
      return true
    },
  })
  onTestFinished(close)
  await speaking(url, { httpVersion: '2', httpVersionPolicy: 'exact' })
  return await all
}

async function byFrames(): Promise<Uint8Array[]> {
  const protocol = new FrameProtocol()
  for (let i = 0; i < MESSAGES * 2; i++) protocol.send(MESSAGE)
  return [protocol.output(), ...Array.from({ length: MESSAGES * 2 }, () => encodeFrame(1, Buffer.from(MESSAGE)))]
}

const WAYS: Readonly<Record<string, Speak>> = {
  tcp: overHttp1(() => ({})),
  http2: overHttp2,
  dispatcher: overHttp1(() => ({ dispatcher: new Agent() })),
  'hawser/frame': byFrames,
}

test.each(Object.keys(WAYS))(
  'over %s no two frames are masked alike, and no bit of a key can be foretold',
  async (way) => {
    const wire = await WAYS[way]!()
    const frames = wire.flatMap((bytes) => parseFrames(bytes))
    expect(frames.length).toBeGreaterThanOrEqual(SOCKETS * MESSAGES)
    const spoken = frames.filter(({ payload }) => payload.length > 2)
    expect(new Set(spoken.map(({ payload }) => payload.toString()))).toEqual(new Set([MESSAGE]))
    expect(Buffer.concat(wire).includes('victim')).toBe(false)
    const keys = frames.map(({ key }) => key)
    // Of 2,000 keys two are alike once in 2,000 runs, and three pairs never.
    expect(new Set(keys).size).toBeGreaterThan(keys.length - 3)
    expectFair(keys)
    // Neither can what changes from one key to the next.
    expectFair(keys.slice(1).map((key, index) => key ^ keys[index]!))
  },
)

/**
 * Each bit is set half of the time, each octet is as frequent as the others: no further off than once in a million
 * runs.
 */
function expectFair(keys: readonly ClientFrame['key'][]): void {
  const tolerance = 5.5 * Math.sqrt(keys.length / 4)
  for (let bit = 0; bit < 32; bit++) {
    const set = keys.filter((key) => (key >>> bit) & 1).length
    expect(Math.abs(set - keys.length / 2), `bit ${bit}`).toBeLessThan(tolerance)
  }
  const counts = new Array<number>(256).fill(0)
  for (const key of keys) for (const octet of Buffer.from(Int32Array.of(key).buffer)) counts[octet]!++
  const expected = (keys.length * 4) / 256
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  // 255 degrees of freedom: mean 255, deviation 22.6.
  expect(chiSquare).toBeLessThan(255 + 6 * 22.6)
  expect(chiSquare).toBeGreaterThan(255 - 6 * 22.6)
}
