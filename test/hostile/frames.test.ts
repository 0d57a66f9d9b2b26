/**
 * Servers that mean harm with the frames that they send, or do not: the error, and what it costs the client at most.
 */
import { setTimeout as later } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { closePayload, frame, type PeerConnection } from '../support/scripted-peer.ts'
import { peer } from '../support/servers.ts'
import { attacked, flood, MiB } from './attack.ts'

const CONTINUATION = 0
const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10
/** How long a client receives nothing, in milliseconds. */
const RESTING = 1000
/** As many MiB as fit into the buffers of two sockets. */
const IN_BUFFERS = 16

/** The start of a frame that announces so many bytes. */
function announced(length: bigint, opcode = BINARY): Buffer {
  const header = Buffer.alloc(10)
  header[0] = 0x80 | opcode
  header[1] = 127
  header.writeBigUInt64BE(length, 2)
  return header
}

/** Waits for the client to go, and reads whatever comes. */
async function leave(connection: PeerConnection): Promise<void> {
  for (;;) await connection.read()
}

describe('a frame that is announced', () => {
  test('with 63 bits is refused before anything of it has come', async () => {
    const { url } = await peer(async (connection) => {
      await connection.accept()
      await connection.write(announced(2n ** 63n - 1n))
      await leave(connection)
    })
    const ending = await attacked({ url, act: 'receive', within: 2000 })
    expect(ending).toMatchObject({ code: 'MESSAGE_TOO_BIG', limit: 64 * MiB, state: 'aborted', received: 0 })
  })

  test('with 64 bits breaks a rule', async () => {
    const { url } = await peer(async (connection) => {
      await connection.accept()
      await connection.write(announced(2n ** 64n - 1n))
      await leave(connection)
    })
    const ending = await attacked({ url, act: 'receive', within: 2000 })
    expect(ending).toMatchObject({ code: 'PROTOCOL_VIOLATION', violation: 'length-too-large', state: 'aborted' })
  })

  test('as large as a message may be and never sent costs nothing, on many sockets', async () => {
    const { url } = await peer(async (connection) => {
      await connection.accept()
      await connection.write(Buffer.concat([announced(BigInt(64 * MiB)), Buffer.from('only this')]))
    })
    const options = { keepAliveInterval: 300, keepAliveTimeout: 300 }
    const ending = await attacked({ url, act: 'receive', sockets: 500, options, within: 5000, growth: 96 * MiB })
    expect(ending).toMatchObject({ code: 'CONNECTION_CLOSED', cause: 'KEEP_ALIVE_TIMEOUT', closeStatus: 1006 })
  })

  test('as the last of a message that is too large with it is refused before it has come', async () => {
    const { url } = await peer(async (connection) => {
      await connection.accept()
      await connection.write(frame(BINARY, 'a', { fin: false }))
      await connection.write(announced(BigInt(64 * MiB), CONTINUATION))
      await leave(connection)
    })
    const ending = await attacked({ url, act: 'receive', within: 2000 })
    expect(ending).toMatchObject({ code: 'MESSAGE_TOO_BIG', limit: 64 * MiB })
  })
})

describe('fragments without end', () => {
  test.each([
    ['of one byte', 'a'],
    ['without content', ''],
  ])('%s are refused at maxFragments', async (_, content) => {
    const fragment = frame(CONTINUATION, content, { fin: false })
    const { url } = await peer(async (connection) => {
      await connection.accept()
      await connection.write(frame(TEXT, content, { fin: false }))
      await flood(connection, fragment, 1_000_000 * fragment.length)
      await leave(connection)
    })
    const ending = await attacked({ url, act: 'receive', within: 3000 })
    expect(ending).toMatchObject({ code: 'MESSAGE_TOO_BIG', limit: 131_072, state: 'aborted', received: 0 })
  })

  test('that nobody wants stop the server at highWaterMark', async () => {
    let written = 0
    let writtenInTime = 0
    const fragment = frame(CONTINUATION, 'a'.repeat(100), { fin: false })
    const { url } = await peer(async (connection) => {
      await connection.accept()
      await connection.write(frame(TEXT, '', { fin: false }))
      void later(RESTING / 2).then(() => (writtenInTime = written))
      for (; written < 64; written++) await flood(connection, fragment, MiB)
    })
    const options = { closeTimeout: 500 }
    const ending = await attacked({ url, act: 'rest', wait: RESTING, options, within: 4000, growth: 64 * MiB })
    expect(ending).toMatchObject({ code: 'MESSAGE_TOO_BIG', limit: 131_072, state: 'aborted' })
    expect(writtenInTime).toBeLessThan(IN_BUFFERS)
  })
})

describe('messages without end', () => {
  test.each([
    ['without content', ''],
    ['of a few bytes', 'hello'],
  ])('%s that nobody receives stop the server', async (_, content) => {
    let written = 0
    let writtenInTime = 0
    const { url } = await peer(async (connection) => {
      await connection.accept()
      void later(RESTING / 2).then(() => (writtenInTime = written))
      for (; written < 64; written++) await flood(connection, frame(TEXT, content), MiB)
    })
    const ending = await attacked({ url, act: 'rest', wait: RESTING, options: { closeTimeout: 500 }, within: 4000 })
    expect(ending).toMatchObject({ code: 'CONNECTION_CLOSED', cause: 'CLOSE_TIMEOUT', state: 'aborted' })
    expect(writtenInTime).toBeLessThan(IN_BUFFERS)
  })
})

describe('a server that reads nothing, and floods with', () => {
  // The kernel takes some answers; then only the latest is kept (RFC 6455 §5.5.3).
  test.each([
    ['Pings', PING, 'x'.repeat(125)],
    ['Pings without content', PING, ''],
    ['Pongs', PONG, 'x'.repeat(125)],
    ['Pongs without content', PONG, ''],
  ])('%s costs no memory, and can be closed in time', async (_, opcode, content) => {
    const { url } = await peer(async (connection) => {
      await connection.accept()
      await flood(connection, frame(opcode, content), 128 * MiB)
    })
    const ending = await attacked({ url, act: 'rest', wait: 1500, options: { closeTimeout: 500 }, within: 5000 })
    expect(ending).toMatchObject({ code: 'CONNECTION_CLOSED', cause: 'CLOSE_TIMEOUT', state: 'aborted', received: 0 })
  })
})

describe('a server that never reads', () => {
  test('lets send wait at highWaterMark, until keepAliveTimeout', async () => {
    const { url } = await peer((connection) => connection.accept())
    const options = { keepAliveInterval: 250, keepAliveTimeout: 250 }
    const ending = await attacked({ url, act: 'send', options, within: 5000 })
    expect(ending).toMatchObject({ code: 'CONNECTION_CLOSED', cause: 'KEEP_ALIVE_TIMEOUT', state: 'aborted' })
    expect(ending.buffered).toBeLessThan(MiB)
  })
})

describe('a server that never answers a Close frame', () => {
  test('is cut off after closeTimeout', async () => {
    const { url } = await peer((connection) => connection.accept().then(() => leave(connection)))
    const ending = await attacked({ url, act: 'close', options: { closeTimeout: 500 }, within: 2000 })
    expect(ending).toMatchObject({
      code: 'CONNECTION_CLOSED',
      cause: 'CLOSE_TIMEOUT',
      state: 'aborted',
      closeStatus: 1006,
    })
  })

  test('and sends messages instead is cut off as well, and what nobody receives is dropped', async () => {
    const { url } = await peer(async (connection) => {
      await connection.accept()
      await flood(connection, frame(BINARY, 'x'.repeat(1000)))
    })
    // What is dropped is garbage, and costs memory until it is collected.
    const options = { closeTimeout: 1000 }
    const ending = await attacked({ url, act: 'close', options, within: 3000, growth: 192 * MiB })
    expect(ending).toMatchObject({ code: 'CONNECTION_CLOSED', cause: 'CLOSE_TIMEOUT', state: 'aborted' })
  })

  test('and never ends the connection after it is cut off, too', async () => {
    const { url } = await peer(async (connection) => {
      await connection.accept()
      await connection.readFrame()
      await connection.write(frame(CLOSE, closePayload(1000)))
      await flood(connection, frame(BINARY, 'x'.repeat(1000)))
    })
    const ending = await attacked({ url, act: 'close', within: 3000 })
    expect(ending).toMatchObject({ state: 'closed', closeStatus: 1000 })
    expect(ending.code).toBeUndefined()
  })
})
