import { once } from 'node:events'
import { Readable, Writable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { ConnectionClosedError, connect, OptionsError } from '../../src/index.ts'
import { toNodeStream } from '../../src/web/node-stream.ts'
import { frame } from '../support/scripted-peer.ts'
import { aborted, peer, rejection, server } from '../support/servers.ts'

const TEXT = 1
const BINARY = 2
const CLOSE = 8
/** More than all buffers on the way take. */
const MUCH = 32 * 1024 * 1024

async function open(path: string) {
  const { url } = await server()
  const socket = aborted(await connect(url + path))
  return { socket, stream: toNodeStream(socket) }
}

describe('a Duplex over a socket', () => {
  test('pipes bytes to the server and back, and ends in order', async () => {
    const { socket, stream } = await open('/echo')
    const source = Array.from({ length: 50 }, (_, index) => Buffer.alloc(1 + index * 997, index))
    let left = source.reduce((sum, { length }) => sum + length, 0)
    const received: Buffer[] = []
    const sink = new Writable({
      write(chunk, _encoding, done) {
        received.push(chunk)
        left -= chunk.length
        if (left === 0) stream.end()
        done()
      },
    })
    const back = pipeline(stream, sink)
    for (const chunk of source) stream.write(chunk)
    await back
    expect(Buffer.concat(received)).toEqual(Buffer.concat(source))
    expect(socket.state).toBe('closed')
    expect(stream.destroyed).toBe(true)
  })

  test('sends strings as text, bytes and strings of another encoding as binary, a message for each write', async () => {
    const seen: [number, string][] = []
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.accept()
      for (;;) {
        const { opcode, payload } = await connection.readFrame()
        seen.push([opcode, payload.toString('hex')])
        if (opcode === CLOSE) return connection.write(frame(CLOSE, payload))
      }
    })
    const stream = toNodeStream(aborted(await connect(url)))
    stream.write('é')
    stream.write(Buffer.from([0, 255]))
    stream.write('00ff', 'hex')
    stream.write('a', 'UTF-8' as BufferEncoding)
    stream.write('AP8=', 'base64')
    stream.write('\u00e9', 'latin1')
    stream.end('')
    await once(stream.resume(), 'close')
    expect(seen).toEqual([
      [TEXT, 'c3a9'],
      [BINARY, '00ff'],
      [BINARY, '00ff'],
      [TEXT, '61'],
      [BINARY, '00ff'],
      [BINARY, 'e9'],
      [TEXT, ''],
      [CLOSE, '03e8'],
    ])
  })

  test('reads messages as bytes, or one by one in object mode', async () => {
    const { url } = await server()
    const bytes = toNodeStream(await connect(`${url}/messages?count=3&size=2`))
    expect((await buffer(bytes.end())).length).toBe(6)
    const objects = toNodeStream(await connect(`${url}/messages?count=3&size=2`), { readableObjectMode: true })
    expect(await objects.end().toArray()).toHaveLength(3)
  })

  test('goes on reading after its own end, until the server closes', async () => {
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.accept()
      while ((await connection.readFrame()).opcode !== CLOSE);
      await connection.write(Buffer.concat([frame(TEXT, 'the '), frame(TEXT, 'rest'), frame(CLOSE, '')]))
    })
    const stream = toNodeStream(aborted(await connect(url)))
    stream.end('request')
    expect(await text(stream)).toBe('the rest')
  })

  test('ends its reading side with the Close frame of the server; what is written then fails', async () => {
    const { socket, stream } = await open('/close?code=1001')
    await once(stream.resume(), 'end')
    expect(socket.closeStatus).toBe(1001)
    const error = await new Promise((resolve) => stream.write('late', resolve))
    expect(error).toBeInstanceOf(Error)
  })

  test('is destroyed with the error of the connection, after the messages that had come', async () => {
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.accept()
      await connection.write(frame(TEXT, 'last words'))
      connection.end()
    })
    const stream = toNodeStream(aborted(await connect(url)))
    const received: string[] = []
    const error = await rejection(
      pipeline(stream, async (source) => {
        for await (const chunk of source) received.push(String(chunk))
      }),
    )
    expect(error).toBeInstanceOf(ConnectionClosedError)
    expect(received).toEqual(['last words'])
  })

  test('loses none of them to a reader that is slower than the failure', async () => {
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.accept()
      await connection.write(Buffer.concat(['a', 'b', 'c'].map((letter) => frame(TEXT, letter))))
      connection.end()
    })
    const stream = toNodeStream(aborted(await connect(url)), { readableObjectMode: true })
    const received: string[] = []
    const error = await rejection(
      (async () => {
        for await (const chunk of stream) {
          received.push(chunk)
          await setTimeout(20)
        }
      })(),
    )
    expect(error).toBeInstanceOf(ConnectionClosedError)
    expect(received).toEqual(['a', 'b', 'c'])
  })

  test('fails a pipeline that only writes when the connection is lost', async () => {
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.accept()
      await connection.readFrame()
      connection.end()
    })
    const stream = toNodeStream(aborted(await connect(url)))
    const source = new Readable({ read() {} })
    source.push('first')
    expect(await rejection(pipeline(source, stream))).toBeInstanceOf(ConnectionClosedError)
  })

  test('is destroyed when the connection is lost, though nobody reads or writes', async () => {
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.accept()
      connection.end()
    })
    const [error] = await once(toNodeStream(aborted(await connect(url))), 'error')
    expect(error).toBeInstanceOf(ConnectionClosedError)
  })

  test('tells a reader that asks for more than there is of the failure', async () => {
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.accept()
      await connection.write(frame(BINARY, 'abc'))
      connection.end()
    })
    const stream = toNodeStream(aborted(await connect(url)))
    stream.on('readable', () => stream.read(8))
    expect((await once(stream, 'error'))[0]).toBeInstanceOf(ConnectionClosedError)
  })

  test('fails a pipeline that only writes, though the server had said something', async () => {
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.accept()
      await connection.write(frame(TEXT, 'welcome'))
      await connection.readFrame()
      connection.end()
    })
    const stream = toNodeStream(aborted(await connect(url)))
    const source = new Readable({ read() {} })
    source.push('first')
    expect(await rejection(pipeline(source, stream))).toBeInstanceOf(ConnectionClosedError)
  })

  test('ends its writing side with the Close frame of the server, unless the socket is half-open', async () => {
    const closed = await open('/close?code=1000')
    for await (const _ of closed.stream);
    if (!closed.stream.closed) await once(closed.stream, 'close')
    expect(closed.stream).toMatchObject({ writableFinished: true, errored: null })
    expect(closed.socket.state).toBe('closed')

    const { url } = await server()
    const half = aborted(await connect(`${url}/close?code=1000`, { allowHalfOpen: true }))
    const stream = toNodeStream(half)
    await once(stream.resume(), 'end')
    expect([stream.writable, half.state]).toEqual([true, 'close-received'])
    stream.end('last words')
    await once(stream, 'close')
    expect(half.state).toBe('closed')
  })

  test('signal destroys it, also one that has aborted before', async () => {
    const reason = new Error('enough')
    const { url } = await server()
    for (const isEarly of [true, false]) {
      const controller = new AbortController()
      const socket = aborted(await connect(`${url}/echo`))
      if (isEarly) controller.abort(reason)
      const stream = toNodeStream(socket, { signal: controller.signal })
      controller.abort(reason)
      expect((await once(stream, 'error'))[0]).toMatchObject({ name: 'AbortError', cause: reason })
      expect(socket.state).toBe('aborted')
    }
  })

  test('refuses what is no socket, and options that are no object', async () => {
    for (const socket of [undefined, null, 0, 'x', {}] as never[]) {
      expect(() => toNodeStream(socket)).toThrow(OptionsError)
    }
    const { url } = await server()
    const socket = aborted(await connect(`${url}/echo`))
    const mistakes = ['x', AbortSignal.timeout(1), { signal: 5 }, { readableObjectmode: true }, { read() {} }]
    for (const options of mistakes as never[]) {
      expect(() => toNodeStream(socket, options)).toThrow(OptionsError)
    }
    await socket.send('still its own')
    expect(await socket.receive()).toBe('still its own')
  })

  test('readableHighWaterMark and writableHighWaterMark say how much it keeps', async () => {
    const { url } = await server()
    const socket = aborted(await connect(`${url}/messages?count=100&size=10`))
    const stream = toNodeStream(socket, { readableHighWaterMark: 25, writableHighWaterMark: 10 })
    await setTimeout(50)
    expect(stream.readableLength).toBe(30)
    expect([stream.write('123456789'), stream.write('0')]).toEqual([true, false])
    stream.destroy()
  })

  test.each([0, 1])('goes on behind empty messages when it keeps %i bytes', async (readableHighWaterMark) => {
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.accept()
      for (const message of ['', 'a', '', '', 'b', '']) connection.write(frame(TEXT, message))
      connection.write(frame(CLOSE))
    })
    const stream = toNodeStream(aborted(await connect(url)), { readableHighWaterMark })
    expect(await text(stream)).toBe('ab')
  })

  test('ends without a complaint when the socket has sent its Close frame itself', async () => {
    const { socket, stream } = await open('/echo')
    const closed = socket.close()
    stream.resume().end()
    await once(stream, 'close')
    await closed
    expect(stream.errored).toBeNull()
    expect(socket.state).toBe('closed')
  })

  test('drops the connection when a pipeline fails', async () => {
    const { socket, stream } = await open('/echo')
    const failing = Readable.from(
      (async function* () {
        yield 'one'
        throw new Error('the source is broken')
      })(),
    )
    expect(await rejection(pipeline(failing, stream))).toMatchObject({ message: 'the source is broken' })
    if (!stream.closed) await once(stream, 'close')
    expect(socket.state).toBe('aborted')
  })

  test('destroying it while it is read tells close, without an error', async () => {
    const { socket, stream } = await open('/echo')
    stream.resume()
    await setTimeout(5)
    stream.destroy()
    await once(stream, 'close')
    expect(stream.errored).toBeNull()
    expect(socket.state).toBe('aborted')
  })

  test('lets a server wait that sends more than is read', async () => {
    let written = 0
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.accept()
      const message = frame(BINARY, Buffer.alloc(65_536))
      while (written < MUCH) {
        await connection.write(message)
        written += 65_536
      }
    })
    const stream = toNodeStream(aborted(await connect(url)))
    stream.once('readable', () => {})
    let before = -1
    while (before !== written) {
      before = written
      await setTimeout(50)
    }
    expect(written).toBeLessThan(MUCH)
    stream.destroy()
  })
})
