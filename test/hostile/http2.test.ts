/** Servers that mean harm with the means of HTTP/2: the error, and what it costs the client at most. */
import { describe, expect, test } from 'vitest'
import type { Ending, Task } from '../support/hostile-client.ts'
import {
  CONNECT_ALLOWED,
  DATA,
  dataFrame,
  END_STREAM,
  ERROR_CODES,
  goawayFrame,
  HEADERS,
  headersFrame,
  http2Frame,
  PING,
  type RawHttp2Connection,
  type RawHttp2Server,
  rstFrame,
  SETTING,
  SETTINGS,
  settingsFrame,
  startRawHttp2Server,
} from '../support/raw-http2.ts'
import { frame, type PeerConnection } from '../support/scripted-peer.ts'
import { peer, untilFinished } from '../support/servers.ts'
import { attacked, flood, MiB } from './attack.ts'

/** RFC 9113 §6. */
const PRIORITY = 2
const PUSH_PROMISE = 5
const WINDOW_UPDATE = 8
const CONTINUATION = 9
/** Of no RFC. */
const UNKNOWN = 0x2a
const ACK = 1
const END_HEADERS = 4
const PADDED = 8
const PREFACE = 24
const { CANCEL, REFUSED_STREAM } = ERROR_CODES

const BINARY = 2
const NOTHING = Buffer.alloc(0)

// Attacks on the one stream of a connection, 1.

/** Reads up to the first request, which it allows, and from then on nothing more. */
async function receiveRequest(connection: PeerConnection): Promise<void> {
  await connection.readExactly(PREFACE)
  await connection.write(settingsFrame(CONNECT_ALLOWED))
  for (let type = -1; type !== HEADERS; ) {
    const header = await connection.readExactly(9)
    type = header[3]!
    await connection.readExactly(header.readUIntBE(0, 3))
  }
}

/** More than any limit, and little enough for those that do no harm. */
const FLOOD = 32 * MiB

/** Answers the request with some frames, and then writes 32 MiB of others, reading nothing. */
async function flooding(answer: Buffer, frames: Buffer, more: Partial<Task> = {}): Promise<Ending> {
  const { url } = await peer(async (connection) => {
    await receiveRequest(connection)
    await connection.write(answer)
    await flood(connection, frames, FLOOD)
  })
  const options = { handshakeTimeout: 1000, keepAliveInterval: 250, keepAliveTimeout: 250, closeTimeout: 500 }
  return await attacked({ url, transport: 'http2', act: 'receive', options, within: 5000, ...more })
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function windowUpdate(streamId: number, increment: number): Buffer {
  return http2Frame(WINDOW_UPDATE, { streamId, payload: uint32(increment) })
}

const ACCEPTED = headersFrame(1, { ':status': '200' })
const PROMISE = Buffer.concat([uint32(2), Buffer.of(0x82)])
const PADDING = Buffer.concat([Buffer.of(255), Buffer.alloc(255)])
const MESSAGE = frame(BINARY, 'x'.repeat(1000))

/** The connection is ended, by nghttp2 or by Node. */
const ENDED = { code: 'CONNECTION_CLOSED', cause: 'ERR_HTTP2_ERROR', state: 'aborted' }
/** It does no harm; then silence follows. */
const SURVIVED = { code: 'CONNECTION_CLOSED', cause: 'KEEP_ALIVE_TIMEOUT', state: 'aborted' }

test.each<[what: string, frames: Buffer, ending: object]>([
  ['SETTINGS', settingsFrame({ [SETTING.INITIAL_WINDOW_SIZE]: 65_535 }), ENDED],
  ['SETTINGS without content', settingsFrame(), ENDED],
  ['acknowledgements of SETTINGS', http2Frame(SETTINGS, { flags: ACK }), ENDED],
  ['PINGs', http2Frame(PING, { payload: Buffer.alloc(8) }), ENDED],
  ['answers to PINGs', http2Frame(PING, { flags: ACK, payload: Buffer.alloc(8) }), ENDED],
  ['WINDOW_UPDATEs of the connection', windowUpdate(0, 1), SURVIVED],
  ['WINDOW_UPDATEs of the stream', windowUpdate(1, 1), SURVIVED],
  ['WINDOW_UPDATEs by nothing', windowUpdate(1, 0), ENDED],
  ['WINDOW_UPDATEs beyond all windows of the connection', windowUpdate(0, 2 ** 31 - 1), ENDED],
  ['WINDOW_UPDATEs beyond all windows of the stream', windowUpdate(1, 2 ** 31 - 1), ENDED],
  ['RST_STREAMs of the stream', rstFrame(1, CANCEL), { code: 'CONNECTION_CLOSED', state: 'aborted' }],
  ['RST_STREAMs of streams that are not there', rstFrame(3, CANCEL), ENDED],
  ['PRIORITYs', http2Frame(PRIORITY, { streamId: 1, payload: Buffer.alloc(5) }), ENDED],
  ['PUSH_PROMISEs', http2Frame(PUSH_PROMISE, { streamId: 1, flags: END_HEADERS, payload: PROMISE }), ENDED],
  ['GOAWAYs', goawayFrame(1), SURVIVED],
  ['frames that nobody knows', http2Frame(UNKNOWN, { payload: Buffer.alloc(100) }), ENDED],
  ['DATA without content', dataFrame(1, NOTHING), { ...ENDED, cause: 'ERR_HTTP2_TOO_MANY_INVALID_FRAMES' }],
  ['DATA of nothing but padding', http2Frame(DATA, { streamId: 1, flags: PADDED, payload: PADDING }), SURVIVED],
  ['trailers that end nothing', headersFrame(1, { a: 'b' }), { ...ENDED, cause: 'ERR_HTTP2_STREAM_ERROR' }],
])('a flood of %s', async (_, frames, ending) => {
  expect(await flooding(ACCEPTED, frames)).toMatchObject(ending)
})

test('messages that nobody receives, beyond all windows', async () => {
  const ending = await flooding(ACCEPTED, dataFrame(1, MESSAGE), { act: 'rest', wait: 500 })
  expect(ending).toMatchObject({ ...ENDED, received: 0 })
})

test('RST_STREAMs of a stream that has ended', async () => {
  const ending = await flooding(Buffer.concat([ACCEPTED, dataFrame(1, NOTHING, END_STREAM)]), rstFrame(1, CANCEL))
  expect(ending).toMatchObject({ code: 'CONNECTION_CLOSED', closeStatus: 1006 })
})

/** RFC 7541 §6.2.1 and §6.1: puts a field of 4,000 bytes into the table, and refers to it again and again. */
function references(count: number): Buffer {
  const field = Buffer.concat([Buffer.of(0x40, 1, 97, 127, 0xa1, 0x1e), Buffer.alloc(4000, 'b')])
  const payload = Buffer.concat([Buffer.of(0x88), field, Buffer.alloc(count, 0x80 | 62)])
  return http2Frame(HEADERS, { streamId: 1, flags: END_HEADERS, payload })
}

/** RFC 7541 §6.3: a table of 256 MiB. */
const LARGE_TABLE = Buffer.of(0x3f, 0xe1, 0xff, 0xff, 0x7f, 0x88)
const HEAD_WITHOUT_END = http2Frame(HEADERS, { streamId: 1, payload: Buffer.of(0x88) })
const FIELDS = Buffer.concat(new Array<Buffer>(2000).fill(Buffer.of(0, 1, 97, 1, 98)))

/** It is Node that resets the stream, and it does not tell that it was not the server. */
const RESET = { code: 'STREAM_RESET' }
const BROKEN = { code: 'INVALID_RESPONSE', retriable: false, cause: 'ERR_HTTP2_ERROR' }

test.each<[what: string, answer: Buffer, frames: Buffer, ending: object]>([
  ['CONTINUATIONs of small fields', HEAD_WITHOUT_END, continuation(FIELDS.subarray(0, 5)), BROKEN],
  ['CONTINUATIONs of many fields', HEAD_WITHOUT_END, continuation(FIELDS), RESET],
  ['CONTINUATIONs without content', HEAD_WITHOUT_END, continuation(NOTHING), BROKEN],
  ['a head that is large only when it is decompressed', references(10_000), ACCEPTED, RESET],
  [
    'a table of HPACK larger than we allow',
    http2Frame(HEADERS, { streamId: 1, flags: END_HEADERS, payload: LARGE_TABLE }),
    ACCEPTED,
    BROKEN,
  ],
  ['interim responses', NOTHING, headersFrame(1, { ':status': '103', link: '</a>' }), { code: 'INVALID_RESPONSE' }],
])('an answer of %s', async (_, answer, frames, ending) => {
  expect(await flooding(answer, frames, { act: 'connect' })).toMatchObject(ending)
})

function continuation(payload: Uint8Array): Buffer {
  return http2Frame(CONTINUATION, { streamId: 1, payload })
}

test('of a head that is as large as it may be, nothing is left over', async () => {
  // 256 fields of 4 KB.
  const ending = await flooding(references(250), ACCEPTED, { act: 'connect' })
  expect(ending).toMatchObject({ state: 'open' })
})

test.each([
  ['large frames', dataFrame(1, Buffer.alloc(16_384))],
  ['frames of one byte', dataFrame(1, Buffer.alloc(1))],
])('of a refusal whose body has no end, in %s, 64 KiB are kept', async (_, frames) => {
  const ending = await flooding(headersFrame(1, { ':status': '403' }), frames, { act: 'connect' })
  expect(ending).toMatchObject({ code: 'UPGRADE_REFUSED', status: 403, bodyLength: 65_536, bodyTruncated: true })
})

// Attacks on many streams.

async function rawServer(script: (connection: RawHttp2Connection) => Promise<void>): Promise<RawHttp2Server> {
  return untilFinished(await startRawHttp2Server(script))
}

describe('a thousand streams of one connection', () => {
  test('that are refused are tried three times each, and no more', async () => {
    const { url, connections } = await rawServer(async (connection) => {
      await connection.start()
      for (;;) await connection.write(rstFrame(await connection.nextRequest(), REFUSED_STREAM))
    })
    const ending = await attacked({ url, transport: 'http2', sockets: 1000, within: 10_000, growth: 192 * MiB })
    expect(ending).toMatchObject({ code: 'STREAM_RESET', retriable: true, attempts: 1 })
    const requests = connections.flatMap(({ frames }) => frames.filter(({ type }) => type === HEADERS))
    expect(requests).toHaveLength(3000)
  })

  test('that are accepted and reset', async () => {
    const { url, connections } = await rawServer(async (connection) => {
      await connection.start()
      for (;;) {
        const id = await connection.nextRequest()
        await connection.write(headersFrame(id, { ':status': '200' }), rstFrame(id, CANCEL))
      }
    })
    const task = { url, transport: 'http2', act: 'receive', sockets: 1000 } as const
    const ending = await attacked({ ...task, within: 10_000, growth: 192 * MiB })
    expect(ending).toMatchObject({ code: 'CONNECTION_CLOSED', closeStatus: 1006 })
    expect(connections).toHaveLength(1)
  })
})

test('a server that opens no window lets send wait at highWaterMark, until keepAliveTimeout', async () => {
  const { url } = await rawServer(async (connection) => {
    await connection.start({ ...CONNECT_ALLOWED, [SETTING.INITIAL_WINDOW_SIZE]: 0 })
    await connection.write(headersFrame(await connection.nextRequest(), { ':status': '200' }))
  })
  const options = { keepAliveInterval: 250, keepAliveTimeout: 250 }
  const ending = await attacked({ url, transport: 'http2', act: 'send', options, within: 5000 })
  expect(ending).toMatchObject({ code: 'CONNECTION_CLOSED', cause: 'KEEP_ALIVE_TIMEOUT', state: 'aborted' })
  expect(ending.buffered).toBeLessThan(MiB)
})
