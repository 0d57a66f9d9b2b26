/** Messages as streams with real servers: what goes in and out of them, and what comes of failures. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { type ClientWebSocket, ConnectionClosedError, connect, InvalidStateError, OptionsError } from '../src/index.ts'
import { noise, prose } from './deflate/support.ts'
import { closePayload, frame, type PeerFrame } from './support/scripted-peer.ts'
import { aborted, handlesBecome, openHandles, peer, rejection, server, untilFinished } from './support/servers.ts'
import { startWebSocketServer } from './support/websocket-server.ts'

const MiB = 1024 * 1024
const TEXT = 1
const CLOSE = 8

async function echo(perMessageDeflate = false): Promise<ClientWebSocket> {
  const { url } = untilFinished(await startWebSocketServer({ perMessageDeflate }))
  return aborted(await connect(`${url}/echo`, { perMessageDeflate }))
}

/** A socket to a peer that collects frames up to the Close frame, answers it, and ends. */
async function recorded(): Promise<{ socket: ClientWebSocket; frames: Promise<PeerFrame[]> }> {
  const recorded = Promise.withResolvers<PeerFrame[]>()
  const { url } = await peer(async (connection) => {
    await connection.accept()
    const frames: PeerFrame[] = []
    while (frames.at(-1)?.opcode !== CLOSE) frames.push(await connection.readFrame())
    recorded.resolve(frames)
    await connection.write(frame(CLOSE, closePayload(1000)))
    connection.end()
  })
  return { socket: aborted(await connect(url)), frames: recorded.promise }
}

/** A stream of these pieces, each in a turn of its own, that fails after them if there is an error. */
function source<T>(pieces: readonly T[], error?: unknown, onCancel: (reason: unknown) => void = () => {}) {
  const left = [...pieces]
  return new ReadableStream<T>({
    async pull(controller) {
      await new Promise((resolve) => setImmediate(resolve))
      const piece = left.shift()
      if (piece !== undefined) controller.enqueue(piece)
      else if (error === undefined) controller.close()
      else controller.error(error)
    },
    cancel: onCancel,
  })
}

async function textOf(stream: ReadableStream<string>): Promise<string> {
  let text = ''
  for await (const part of stream) text += part
  return text
}

describe.each([false, true])('with compression %s', (perMessageDeflate) => {
  test('send takes a Blob, and a ReadableStream of text or bytes, and each is one message', async () => {
    const socket = await echo(perMessageDeflate)
    const bytes = noise(300_000)
    await socket.send(new Blob([bytes, 'ü']))
    await socket.send(source(['one ', 'ü\ud83d', '\ude00', '']))
    await socket.send(source([bytes.subarray(0, 100_000), Buffer.from(bytes.subarray(100_000))]))
    await socket.send(new Blob([]))
    expect(Buffer.compare((await socket.receive()) as Uint8Array, Buffer.concat([bytes, Buffer.from('ü')]))).toBe(0)
    expect(await socket.receive()).toBe('one ü😀')
    expect(Buffer.compare((await socket.receive()) as Uint8Array, bytes)).toBe(0)
    expect(await socket.receive()).toEqual(new Uint8Array(0))
  })

  test('sendStream and receiveStream can be piped together with what makes and takes streams', async () => {
    const socket = await echo(perMessageDeflate)
    const text = Buffer.from(prose(2 * MiB))
      .toString()
      .replaceAll('a', 'ä€😀')
    const sent = new Blob([text]).stream().pipeThrough(new TextDecoderStream()).pipeTo(socket.sendStream('text'))
    const message = await socket.receiveStream()
    expect(message?.type).toBe('text')
    expect(await textOf(message!.stream as ReadableStream<string>)).toBe(text)
    await sent
    expect(await socket.receive({ signal: AbortSignal.timeout(20) }).catch((error: Error) => error.name)).toBe(
      'TimeoutError',
    )
    await socket.close()
    expect(socket.state).toBe('closed')
  })

  test('messages of all kinds that are sent at once come in order', async () => {
    const socket = await echo(perMessageDeflate)
    const expected: string[] = []
    const sending: Promise<unknown>[] = []
    for (let i = 0; i < 40; i++) {
      const text = `${i} ${Buffer.from(prose(i % 5 === 0 ? 400_000 : 50 * i, i))}`
      expected.push(text)
      if (i % 3 === 0) sending.push(socket.send(source([text.slice(0, 7), text.slice(7)])))
      else if (i % 3 === 1) sending.push(socket.send(new Blob([text])))
      else sending.push(socket.send(text))
    }
    for (const text of expected) {
      const received = (await socket.receive())!
      const same = typeof received === 'string' ? received === text : Buffer.from(received).toString() === text
      expect(same).toBe(true)
    }
    await Promise.all(sending)
  })
})

describe('sendStream', () => {
  test('writes fragments, and Pings pass between them', async () => {
    const { socket, frames } = await recorded()
    const writer = socket.sendStream('text').getWriter()
    await writer.write('Hel')
    socket.ping('p').catch(() => {})
    void socket.send('after')
    await writer.write('lo')
    await writer.close()
    await socket.close()
    expect(
      (await frames).map(({ opcode, fin, payload }) => `${opcode}${fin ? '.' : ''} ${payload}`).slice(0, -1),
    ).toEqual(['1 Hel', '9. p', '0 lo', '0. ', '1. after'])
  })

  test('aborted half-way fails the connection with 1011, and the error has its reason', async () => {
    const { socket, frames } = await recorded()
    const received = rejection(socket.receive())
    const writer = socket.sendStream('binary').getWriter()
    await writer.write(Uint8Array.of(1))
    const reason = new Error('no more')
    await writer.abort(reason)
    const error = await received
    expect(error).toBeInstanceOf(ConnectionClosedError)
    expect(error).toMatchObject({ cause: reason, closeStatus: 1006, wasClean: false })
    expect((await frames).at(-1)!.payload.readUInt16BE()).toBe(1011)
    expect(await rejection(writer.closed)).toBe(reason)
    await socket.close()
    expect(socket.state).toBe('aborted')
  })

  test('aborted before its first piece sends nothing, and the socket stays open', async () => {
    const { socket, frames } = await recorded()
    await socket.sendStream('text').abort('changed my mind')
    await socket.send('next')
    await socket.close()
    expect((await frames).map(({ opcode }) => opcode)).toEqual([TEXT, CLOSE])
    expect(socket.state).toBe('closed')
  })

  test('waits while the server does not read', async () => {
    const { url } = await server()
    const socket = aborted(await connect(`${url}/stalled`))
    const writer = socket.sendStream('binary').getWriter()
    let written = 0
    const writing = (async () => {
      for (;;) {
        await writer.write(new Uint8Array(65_536))
        written += 65_536
      }
    })()
    const stopped = rejection(writing)
    for (let last = -1; written !== last || written === 0; ) {
      last = written
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(socket.bufferedAmount).toBeLessThan(MiB)
    socket.abort('enough')
    expect(await stopped).toBe('enough')
  })

  test('refuses another type, and another state', async () => {
    const socket = await echo()
    expect(() => socket.sendStream('json' as never)).toThrow(OptionsError)
    await socket.close()
    expect(() => socket.sendStream('text')).toThrow(ConnectionClosedError)
    const { ClientWebSocket: Unconnected } = await import('../src/index.ts')
    expect(() => new Unconnected().sendStream('text')).toThrow(InvalidStateError)
  })
})

describe('a source that fails', () => {
  test('before its first piece leaves the socket as it is, and its error is that of send', async () => {
    const { socket, frames } = await recorded()
    const reason = new Error('cannot be read')
    expect(await rejection(socket.send(source([], reason)))).toBe(reason)
    await socket.send('next')
    await socket.close()
    expect((await frames).map(({ opcode }) => opcode)).toEqual([TEXT, CLOSE])
  })

  test('half-way fails the connection with 1011, and its error is that of send', async () => {
    const { socket, frames } = await recorded()
    const reason = new Error('cannot be read any more')
    expect(await rejection(socket.send(source(['a'], reason)))).toBe(reason)
    expect(socket.state).toBe('aborted')
    const [first, close] = await frames
    expect(first).toMatchObject({ opcode: TEXT, fin: false })
    expect(close!.payload.readUInt16BE()).toBe(1011)
  })

  test('may be one that a signal has aborted', async () => {
    const { socket } = await recorded()
    const controller = new AbortController()
    const through = new TransformStream<string, string>()
    void source(['a', 'b', 'c'])
      .pipeTo(through.writable, { signal: controller.signal })
      .catch(() => {})
    const sent = rejection(socket.send(through.readable))
    controller.abort('the reason')
    expect(await sent).toBe('the reason')
  })

  test('may be one that gives pieces of two kinds', async () => {
    const { socket, frames } = await recorded()
    const error = await rejection(socket.send(source<string | Uint8Array>(['a', Buffer.from('b')])))
    expect(error).toBeInstanceOf(OptionsError)
    expect((await frames).at(-1)!.payload.readUInt16BE()).toBe(1011)
  })

  test('may be one that somebody else is reading: it is refused, and holds nobody up', async () => {
    const socket = await echo()
    const locked = source(['a'])
    locked.getReader()
    const error = await rejection(socket.send(locked))
    expect(error).toBeInstanceOf(OptionsError)
    expect(error).toMatchObject({ option: 'data' })
    await socket.send('next')
    expect(await socket.receive()).toBe('next')
  })
})

test('a source is cancelled when the connection fails, with what failed it', async () => {
  const { url } = await peer(async (connection) => {
    await connection.accept()
    await connection.readFrame()
    connection.reset()
  })
  const socket = aborted(await connect(url))
  const cancelled = Promise.withResolvers<unknown>()
  const endless = new ReadableStream<string>({
    async pull(controller) {
      await new Promise((resolve) => setImmediate(resolve))
      controller.enqueue('x')
    },
    cancel: cancelled.resolve,
  })
  const error = await rejection(socket.send(endless))
  expect(error).toBeInstanceOf(ConnectionClosedError)
  expect(await cancelled.promise).toBe(error)
})

describe('receiveStream', () => {
  test('can be cancelled while it waits, which loses nothing', async () => {
    const socket = await echo()
    const controller = new AbortController()
    const waiting = rejection(socket.receiveStream({ signal: controller.signal }))
    controller.abort('the reason')
    expect(await waiting).toBe('the reason')
    await socket.send('here')
    expect(await socket.receive()).toBe('here')
  })

  test('gives nothing when the server has closed', async () => {
    const { url } = await server()
    const socket = await connect(`${url}/close?code=1000`)
    expect(await socket.receiveStream()).toBeUndefined()
  })

  test('fails in a state in which nothing comes', async () => {
    const { ClientWebSocket: Unconnected } = await import('../src/index.ts')
    expect(await rejection(new Unconnected().receiveStream())).toBeInstanceOf(InvalidStateError)
  })

  test('gives messages beyond maxMessageSize and maxFragments', async () => {
    const { url } = await server()
    const socket = aborted(await connect(`${url}/echo`, { maxMessageSize: 1000, maxFragments: 1 }))
    const bytes = noise(500_000)
    await socket.send(bytes)
    const hash = createHash('sha1')
    for await (const part of (await socket.receiveStream())!.stream as ReadableStream<Uint8Array>) hash.update(part)
    expect(hash.digest('hex')).toBe(createHash('sha1').update(bytes).digest('hex'))
  })

  test('drops a message that is cancelled, and the next one comes', async () => {
    const socket = await echo()
    await socket.send(noise(3 * MiB))
    await socket.send('next')
    const message = await socket.receiveStream()
    await (message!.stream as ReadableStream<Uint8Array>).cancel()
    expect(await socket.receive()).toBe('next')
  })

  test('goes on after close was called; what is left unread holds it up no longer than closeTimeout', async () => {
    const before = openHandles()
    const { url, close } = await startWebSocketServer()
    const bytes = noise(3 * MiB)
    const read = await connect(`${url}/echo`)
    await read.send(bytes)
    const message = await read.receiveStream()
    const closed = read.close()
    const parts: Uint8Array[] = []
    for await (const part of message!.stream as ReadableStream<Uint8Array>) parts.push(part)
    expect(Buffer.concat(parts).equals(bytes)).toBe(true)
    await closed
    expect(read.state).toBe('closed')

    const unread = await connect(`${url}/echo`, { closeTimeout: 50 })
    await unread.send(bytes)
    const left = await unread.receiveStream()
    await unread.close()
    expect(unread.state).toBe('aborted')
    expect(await rejection(textOf(left!.stream as ReadableStream<string>))).toBeInstanceOf(ConnectionClosedError)
    await close()
    await handlesBecome(before)
  })
})

test.each([[], ['--compress']])(
  '256 MiB pass through in either direction in constant memory %s',
  async (...options) => {
    const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
    const gib = options.length === 0 ? '0.25' : '0.0625'
    const args = ['--import', path('support/from-source.ts'), path('../scripts/stream-soak.ts')]
    const { stdout } = await promisify(execFile)(process.execPath, [...args, '--json', '--gib', gib, ...options])
    const outcomes = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(outcomes).toMatchObject([
      { direction: 'out', isSame: true },
      { direction: 'in', isSame: true },
    ])
    for (const { peak } of outcomes) expect(peak).toBeLessThan(150 * MiB)
  },
)
