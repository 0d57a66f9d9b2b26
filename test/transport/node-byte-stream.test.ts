import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Duplex, PassThrough } from 'node:stream'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { ByteSink } from '../../src/transport/contracts.ts'
import { NodeByteStream } from '../../src/transport/node-byte-stream.ts'

/** Writes down what it is told, in order. */
class Recorder implements ByteSink {
  readonly calls: string[] = []
  readonly closed = Promise.withResolvers<Error | undefined>()
  received = 0
  closings = 0

  onData(bytes: Uint8Array): void {
    this.received += bytes.length
    this.calls.push(Buffer.from(bytes).toString('latin1'))
  }
  onEnd(): void {
    this.calls.push('END')
  }
  onClosed(error: Error | undefined): void {
    this.closings++
    this.calls.push(error === undefined ? 'CLOSED' : 'FAILED')
    this.closed.resolve(error)
  }
}

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

interface Pair {
  readonly stream: NodeByteStream
  readonly socket: Socket
  readonly peer: Socket
}

async function pair(how: 'events' | 'onread'): Promise<Pair> {
  const server = createServer({ allowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const buffer = new Uint8Array(4096)
  const onread = {
    buffer,
    callback: (length: number) => {
      stream.deliver(buffer.subarray(0, length))
      buffer.fill(0x3f)
      return true
    },
  }
  const socket = connect({ host: '127.0.0.1', port, ...(how === 'onread' ? { onread } : {}) })
  const stream = new NodeByteStream(socket)
  const [[peer]] = await Promise.all([once(server, 'connection'), once(socket, 'connect')])
  peer.on('error', () => {})
  cleanups.push(() => {
    peer.destroy()
    socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return { stream, socket, peer }
}

function attached(stream: NodeByteStream): Recorder {
  const recorder = new Recorder()
  stream.attach(recorder)
  return recorder
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value)
}

/** A turn in which the system delivers what is there. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20))
}

describe.each(['events', 'onread'] as const)('reading by %s', (how) => {
  test('what came before a sink is attached is delivered first, and never within attach', async () => {
    const { stream, peer } = await pair(how)
    peer.write('early ')
    await turn()
    peer.write('later')
    const recorder = attached(stream)
    expect(recorder.calls).toEqual([])
    await vi.waitFor(() => expect(recorder.calls.join('')).toBe('early later'))
  })

  test('a sink that takes over gets what the first one has not used, before anything else', async () => {
    const { stream, peer } = await pair(how)
    const second = new Recorder()
    stream.attach({
      onData: () => stream.detach(text('unread ')),
      onEnd: () => {},
      onClosed: () => {},
    })
    peer.write('head')
    await turn()
    peer.write('frames')
    await turn()
    stream.attach(second)
    await vi.waitFor(() => expect(second.calls.join('')).toBe('unread frames'))
  })

  test('a pause holds back what was taken from the first sink, until it is resumed', async () => {
    const { stream, peer } = await pair(how)
    stream.detach(text('unread '))
    const recorder = attached(stream)
    stream.pause()
    peer.write('more')
    await turn()
    expect(recorder.calls).toEqual([])
    stream.resume()
    expect(recorder.calls).toEqual([])
    await vi.waitFor(() => expect(recorder.calls.join('')).toBe('unread more'))
  })

  test('a sink can pause between two chunks that were held', async () => {
    const { stream } = await pair(how)
    stream.detach(text('second'))
    stream.detach(text('first'))
    const recorder = new Recorder()
    stream.attach({
      onData: (bytes) => {
        recorder.onData(bytes)
        stream.pause()
      },
      onEnd: () => {},
      onClosed: () => {},
    })
    await turn()
    expect(recorder.calls).toEqual(['first'])
    stream.resume()
    await turn()
    expect(recorder.calls).toEqual(['first', 'second'])
  })

  test('a pause stops the peer', async () => {
    const { stream, peer } = await pair(how)
    const recorder = attached(stream)
    stream.pause()
    const chunk = Buffer.alloc(1024 * 1024)
    for (let i = 0; i < 32; i++) peer.write(chunk)
    await turn()
    expect(peer.writableLength).toBeGreaterThan(0)
    expect(recorder.received).toBe(0)
    stream.resume()
    await vi.waitFor(() => expect(recorder.received).toBe(32 * chunk.length), { timeout: 10_000 })
  })

  test('the end of the peer leaves our direction open', async () => {
    const { stream, peer } = await pair(how)
    const recorder = attached(stream)
    peer.end('bye')
    await vi.waitFor(() => expect(recorder.calls).toEqual(['bye', 'END']))
    await turn()
    stream.write([text('still '), text('here')], () => {})
    stream.end()
    expect(Buffer.concat(await peer.toArray()).toString()).toBe('still here')
    expect(await recorder.closed.promise).toBeUndefined()
    expect(recorder.calls).toEqual(['bye', 'END', 'CLOSED'])
  })

  test('our end leaves the direction of the peer open', async () => {
    const { stream, peer } = await pair(how)
    const recorder = attached(stream)
    peer.resume()
    stream.end()
    await once(peer, 'end')
    peer.end('answer')
    expect(await recorder.closed.promise).toBeUndefined()
    expect(recorder.calls).toEqual(['answer', 'END', 'CLOSED'])
  })

  test('a reset is told as an error, once', async () => {
    const { stream, peer } = await pair(how)
    const recorder = attached(stream)
    peer.resetAndDestroy()
    expect(await recorder.closed.promise).toMatchObject({ code: 'ECONNRESET' })
    await turn()
    expect(recorder.calls).toEqual(['FAILED'])
  })

  test('a sink that is attached after the end is told everything', async () => {
    const { stream, peer } = await pair(how)
    peer.end('all')
    await turn()
    const recorder = attached(stream)
    await vi.waitFor(() => expect(recorder.calls).toEqual(['all', 'END']))
    stream.end()
    await recorder.closed.promise
    expect(recorder.calls).toEqual(['all', 'END', 'CLOSED'])
  })

  test('destroy tells the sink nothing but the close, and frees everything', async () => {
    const { stream, socket, peer } = await pair(how)
    peer.write('unseen')
    await turn()
    const recorder = attached(stream)
    stream.destroy()
    expect(await recorder.closed.promise).toBeUndefined()
    expect(recorder.calls).toEqual(['CLOSED'])
    expect(socket.destroyed).toBe(true)
    stream.destroy()
    stream.resume()
    await turn()
    expect(recorder.closings).toBe(1)
  })

  test('destroy from within a delivery stops it', async () => {
    const { stream } = await pair(how)
    stream.detach(text('second'))
    stream.detach(text('first'))
    const recorder = new Recorder()
    stream.attach({
      onData: (bytes) => {
        recorder.onData(bytes)
        stream.destroy()
      },
      onEnd: () => recorder.onEnd(),
      onClosed: (error) => recorder.onClosed(error),
    })
    await recorder.closed.promise
    expect(recorder.calls).toEqual(['first', 'CLOSED'])
  })
})

describe('writing', () => {
  test('several chunks leave in order, as one write', async () => {
    const { stream, socket, peer } = await pair('events')
    const writev = vi.spyOn(socket, '_writev' as 'write')
    const released = Promise.withResolvers<void>()
    stream.write([text('a'), text('b'), text('c')], () => released.resolve())
    await released.promise
    expect(writev).toHaveBeenCalledOnce()
    const [bytes] = await once(peer, 'data')
    expect(String(bytes)).toBe('abc')
  })

  test('a write of nothing is released', async () => {
    const { stream } = await pair('events')
    const released = vi.fn()
    stream.write([], released)
    expect(released).toHaveBeenCalledOnce()
  })

  test('every write is released once when the stream is destroyed meanwhile', async () => {
    const { stream, peer } = await pair('events')
    peer.pause()
    const recorder = attached(stream)
    const released = [vi.fn(), vi.fn(), vi.fn()]
    const chunk = new Uint8Array(16 * 1024 * 1024)
    for (const each of released) stream.write([chunk, chunk], each)
    await turn()
    stream.destroy()
    await recorder.closed.promise
    expect(released.map((each) => each.mock.calls.length)).toEqual([1, 1, 1])
  })

  test('a write after the close or after our end is released and does no harm', async () => {
    const { stream, peer } = await pair('events')
    peer.resume()
    const recorder = attached(stream)
    const released = vi.fn()
    stream.end()
    stream.write([text('late')], released)
    stream.destroy()
    await recorder.closed.promise
    stream.write([text('later')], released)
    stream.end()
    await turn()
    expect(released).toHaveBeenCalledTimes(2)
  })

  test('a write to a peer that has gone is released, and the close tells the error', async () => {
    const { stream, peer } = await pair('events')
    const recorder = attached(stream)
    stream.pause()
    peer.resetAndDestroy()
    await turn()
    const released = vi.fn()
    stream.write([text('anyone?')], released)
    expect(await recorder.closed.promise).toBeInstanceOf(Error)
    expect(released).toHaveBeenCalledOnce()
  })

  test('a Duplex in memory gets a copy, since it calls back before the bytes are where they go', async () => {
    const duplex = new PassThrough()
    const stream = new NodeByteStream(duplex)
    const lent = [text('first '), text('second')]
    const released = Promise.withResolvers<boolean>()
    stream.write(lent, (sent) => {
      for (const chunk of lent) chunk.fill(0)
      released.resolve(sent)
    })
    expect(await released.promise).toBe(true)
    const recorder = attached(stream)
    await vi.waitFor(() => expect(recorder.calls.join('')).toBe('first second'))
    stream.destroy()
  })

  test('a Duplex that forgets its callbacks releases nevertheless', async () => {
    const duplex = new Duplex({ read() {}, write() {} })
    const stream = new NodeByteStream(duplex)
    const recorder = attached(stream)
    const released = vi.fn()
    stream.write([text('x')], released)
    expect(released).not.toHaveBeenCalled()
    stream.destroy()
    await recorder.closed.promise
    expect(released).toHaveBeenCalledOnce()
  })
})

describe('what a Duplex may do', () => {
  test('one that is closed by somebody else without an end is told as an error', async () => {
    const duplex = new Duplex({ read() {}, write() {} })
    const recorder = attached(new NodeByteStream(duplex))
    duplex.destroy()
    expect(await recorder.closed.promise).toMatchObject({ message: /closed before the peer had ended/ })
  })

  test('one that lives on and ends after an error, as TLS does, is told as an error and destroyed', async () => {
    const duplex = new Duplex({ read() {}, write() {} })
    const recorder = attached(new NodeByteStream(duplex))
    await turn()
    duplex.push(null)
    duplex.emit('error', new Error('alert'))
    duplex.emit('end')
    expect(await recorder.closed.promise).toMatchObject({ message: 'alert' })
    expect(recorder.calls).toEqual(['FAILED'])
    expect(duplex.destroyed).toBe(true)
  })

  test('an error after the close is no uncaught exception', async () => {
    const duplex = new Duplex({ read() {}, write() {} })
    const recorder = attached(new NodeByteStream(duplex))
    duplex.destroy()
    await recorder.closed.promise
    duplex.emit('error', new Error('late'))
    expect(recorder.closings).toBe(1)
  })

  test('bytes that were put back, after which somebody took a readable listener away, wait for the sink', async () => {
    const duplex = new Duplex({ read() {}, write() {} })
    const listener = () => {}
    duplex.on('readable', listener)
    duplex.unshift(Buffer.from('head '))
    duplex.removeListener('readable', listener)
    const stream = new NodeByteStream(duplex)
    await turn()
    duplex.push('frames')
    await turn()
    const recorder = attached(stream)
    await vi.waitFor(() => expect(recorder.calls.join('')).toBe('head frames'))
    stream.destroy()
  })

  test('what is deferred runs after this turn, and before anything else is read', async () => {
    const stream = new NodeByteStream(new Duplex({ read() {}, write() {} }))
    const order: string[] = []
    const later = new Promise((resolve) => setImmediate(resolve)).then(() => order.push('next phase'))
    stream.defer(() => order.push('deferred'))
    order.push('this turn')
    await later
    expect(order).toEqual(['this turn', 'deferred', 'next phase'])
    stream.destroy()
  })
})
