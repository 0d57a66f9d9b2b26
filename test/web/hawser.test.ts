/** What hawser's WebSocket and WebSocketStream have beyond their standard. */
import { getEventListeners, once } from 'node:events'
import { openAsBlob } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { inspect } from 'node:util'
import { Agent } from 'undici'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { WebSocketServer } from 'ws'
import {
  ConnectionClosedError,
  HandshakeError,
  MessageTooBigError,
  OptionsError,
  ProtocolError,
  TimeoutError,
} from '../../src/index.ts'
import { WebSocket, type WebSocketErrorEvent, type WebSocketOptions } from '../../src/web/websocket.ts'
import { WebSocketError, WebSocketStream } from '../../src/web/websocketstream.ts'
import { createAuthority } from '../support/certificates.ts'
import { type RunningHttp2Server, startHttp2Server } from '../support/http2-server.ts'
import { closePayload, frame } from '../support/scripted-peer.ts'
import { type RunningServer, startWebSocketServer } from '../support/websocket-server.ts'
import { type RunningPeer, startSuitePeer } from './peer.ts'
import { untilClose } from './suite.ts'

let server: RunningServer
let gateway: RunningHttp2Server
let peer: RunningPeer
let ca: string

beforeAll(async () => {
  const authority = await createAuthority()
  ca = authority.ca
  server = await startWebSocketServer()
  gateway = await startHttp2Server({ tls: await authority.issue(), protocols: ['h2'], backendPort: server.port })
  peer = await startSuitePeer('1.1')
})
afterAll(async () => {
  await gateway.close()
  await server.close()
  await peer.close()
})

function failureOf(socket: WebSocket): Promise<WebSocketErrorEvent> {
  return new Promise((resolve) => {
    socket.onerror = resolve
  })
}

function openOf(socket: WebSocket): Promise<Event> {
  return new Promise((resolve) => {
    socket.onopen = resolve
  })
}

async function reasonOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.unreachable('It should have failed'),
    (reason) => reason,
  )
}

describe('a handshake that is refused', () => {
  interface Way {
    readonly httpVersion: '1.1' | '2'
    readonly options: () => WebSocketOptions
  }
  const ways: Readonly<Record<string, Way>> = {
    tcp: { httpVersion: '1.1', options: () => ({}) },
    http2: { httpVersion: '2', options: () => ({ httpVersion: '2', httpVersionPolicy: 'exact', tls: { ca } }) },
    'a dispatcher': { httpVersion: '1.1', options: () => ({ dispatcher: new Agent() }) },
  }

  describe.each(Object.entries(ways))('over %s', (_, { httpVersion, options }) => {
    const url = (query: string) => `${httpVersion === '2' ? gateway.url : server.url}/refuse?${query}`

    function expectRefusal(error: unknown): void {
      expect(error).toBeInstanceOf(HandshakeError)
      const { code, retriable, response, attempts } = error as HandshakeError
      expect([code, retriable]).toEqual(['UPGRADE_REFUSED', false])
      expect([response?.status, response?.httpVersion]).toEqual([401, httpVersion])
      expect(response?.headers.get('x-reason')).toBe('no')
      expect(response?.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
      expect(new TextDecoder().decode(response?.body)).toBe('refused')
      expect(attempts).toHaveLength(1)
    }

    test('reaches onerror with status, headers and body', async () => {
      const event = await failureOf(new WebSocket(url('status=401'), options()))
      expectRefusal(event.error)
      expect(event.message).toBe((event.error as Error).message)
    })

    test('reaches opened and closed of the stream with the same', async () => {
      const stream = new WebSocketStream(url('status=401'), options() as object)
      const error = await reasonOf(stream.opened)
      expectRefusal(error)
      expect(error).toBeInstanceOf(WebSocketError)
      expect(error).toMatchObject({ name: 'WebSocketError', closeCode: 1006, reason: '' })
      expect(await reasonOf(stream.closed)).toBe(error)
    })

    test('tells whether to try again, and when', async () => {
      const { error } = await failureOf(new WebSocket(url('status=503&retry-after=7'), options()))
      expect(error).toMatchObject({ retriable: true, retryAfter: 7000 })
    })
  })
})

describe('the error event tells why', () => {
  test('the server chose none of the subprotocols', async () => {
    const { error } = await failureOf(new WebSocket(`${server.url}/echo`, 'a'))
    expect(error).toBeInstanceOf(HandshakeError)
    const attempts = [{ transport: 'tcp', status: 101, error: 'INVALID_SUBPROTOCOL' }]
    expect(error).toMatchObject({ code: 'INVALID_SUBPROTOCOL', retriable: false, response: { status: 101 }, attempts })
  })

  test('it was closed before it was open', async () => {
    const socket = new WebSocket(`${server.url}/silent`)
    socket.close()
    expect((await failureOf(socket)).error).toBeInstanceOf(ConnectionClosedError)
  })

  test('the connection was lost', async () => {
    const url = peer.serve(async (connection) => {
      await connection.accept()
      connection.reset()
    })
    const { error } = await failureOf(new WebSocket(url))
    expect(error).toBeInstanceOf(ConnectionClosedError)
    expect(error).toMatchObject({ closeStatus: 1006, wasClean: false })
  })

  test('the server broke a rule', async () => {
    const url = peer.serve(async (connection) => {
      await connection.accept()
      await connection.write(frame(1, Buffer.of(0xff)))
    })
    const { error } = await failureOf(new WebSocket(url))
    expect(error).toBeInstanceOf(ProtocolError)
    expect(error).toMatchObject({ closeCode: 1007 })
  })

  test('a message was larger than maxMessageSize', async () => {
    const { error } = await failureOf(new WebSocket(`${server.url}/messages?size=11`, { maxMessageSize: 10 }))
    expect(error).toBeInstanceOf(MessageTooBigError)
  })

  test('the server did not answer the Close frame within closeTimeout', async () => {
    const socket = new WebSocket(`${server.url}/stalled`, { closeTimeout: 40 })
    await openOf(socket)
    socket.close()
    const { error } = await failureOf(socket)
    expect((error as Error).cause).toBeInstanceOf(TimeoutError)
  })
})

describe('options', () => {
  test('those that cannot work are refused at once', () => {
    const refused = (options: object) => expect(() => new WebSocket(server.url, options))
    refused({ subprotocols: ['a'] }).toThrow(/protocols/)
    refused({ allowHalfOpen: true }).toThrow(OptionsError)
    refused({ headrs: {} }).toThrow('There is no option headrs.')
    refused({ dispatcher: new Agent(), tls: { ca } }).toThrow(TypeError)
    refused({ headers: { 'sec-websocket-key': 'x' } }).toThrow(OptionsError)
    expect(() => new WebSocketStream(server.url, { closeTimeout: -1 })).toThrow(OptionsError)
  })

  test('permessage-deflate is offered only if it is wanted', async () => {
    const compressing = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: { threshold: 0 } })
    compressing.on('connection', (ws) => ws.on('message', (data, binary) => ws.send(data, { binary })))
    await once(compressing, 'listening')
    const { port } = compressing.address() as { port: number }
    const url = `ws://127.0.0.1:${port}`
    const plain = new WebSocket(url)
    await openOf(plain)
    expect(plain.extensions).toBe('')
    const socket = new WebSocket(url, { perMessageDeflate: true })
    await openOf(socket)
    expect(socket.extensions).toMatch(/^permessage-deflate/)
    const text = 'compresses well '.repeat(200)
    socket.send(text)
    // Bytes of the message, not of what it was compressed to.
    expect(socket.bufferedAmount).toBe(text.length)
    const data = await new Promise((resolve) => {
      socket.onmessage = (event) => resolve(event.data)
    })
    expect(data).toBe(text)
    expect(socket.bufferedAmount).toBe(0)
    plain.close()
    socket.close()
    for (const client of compressing.clients) client.terminate()
    await new Promise((resolve) => compressing.close(resolve))
  })

  test('a relative URL is one if there is something that it is relative to', () => {
    const location = { href: 'https://127.0.0.1:9/app/' }
    Object.defineProperty(globalThis, 'location', { value: location, configurable: true })
    try {
      const socket = new WebSocket('feed?x')
      socket.close()
      expect(socket.url).toBe('wss://127.0.0.1:9/app/feed?x')
    } finally {
      Reflect.deleteProperty(globalThis, 'location')
    }
  })
})

describe('a Blob that cannot be read', () => {
  /** A file that has changed since its Blob was made. */
  async function unreadable(size: number): Promise<Blob> {
    const directory = await mkdtemp(join(tmpdir(), 'hawser-blob-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    const file = join(directory, 'file')
    await writeFile(file, 'x'.repeat(size))
    const blob = await openAsBlob(file)
    await writeFile(file, 'changed')
    return blob
  }

  test('fails the connection, and is counted as what never was sent', async () => {
    const socket = new WebSocket(`${server.url}/echo`)
    await openOf(socket)
    const ended = Promise.withResolvers<CloseEvent>()
    const failed = failureOf(socket)
    socket.onclose = ended.resolve
    const blob = await unreadable(5)
    socket.send(blob)
    const { error } = await failed
    expect(error).toBeInstanceOf(ConnectionClosedError)
    expect(error).toMatchObject({ closeStatus: 1006, cause: { name: 'NotReadableError' } })
    expect(await ended.promise).toMatchObject({ code: 1006, wasClean: false })
    expect(socket.bufferedAmount).toBe(5)
  })

  test('to its end fails the connection with a Close frame that says so', async () => {
    const code = Promise.withResolvers<number>()
    const url = peer.serve(async (connection) => {
      await connection.accept()
      code.resolve((await untilClose(connection)).at(-1)!.payload.readUInt16BE())
    })
    const socket = new WebSocket(url)
    await openOf(socket)
    const failed = failureOf(socket)
    const cause = new Error('no more')
    const parts = [Uint8Array.of(1)]
    const pull = (controller: ReadableStreamDefaultController) => {
      const part = parts.pop()
      if (part) controller.enqueue(part)
      else setTimeout(20).then(() => controller.error(cause))
    }
    const blob = new Blob(['12'])
    Object.defineProperty(blob, 'stream', { value: () => new ReadableStream({ pull }, { highWaterMark: 0 }) })
    socket.send(blob)
    expect((await failed).error).toMatchObject({ code: 'CONNECTION_CLOSED', cause })
    expect(await code.promise).toBe(1011)
  })

  test('does nothing to a connection that the server has closed by then', async () => {
    let isCut: boolean | undefined
    const url = peer.serve(async (connection) => {
      await connection.accept()
      await connection.readFrame()
      await connection.write(frame(8, closePayload(4000)))
      await connection.readFrame()
      isCut = await Promise.race([connection.closed.then(() => true), setTimeout(50, false)])
      connection.end()
    })
    const socket = new WebSocket(url)
    await openOf(socket)
    const errors: unknown[] = []
    socket.onerror = (event) => errors.push(event)
    const endless = new Blob(['never read'])
    Object.defineProperty(endless, 'stream', { value: () => new ReadableStream() })
    socket.send('now')
    socket.send(endless)
    const [event] = await once(socket, 'close')
    expect(event).toMatchObject({ code: 4000, wasClean: true })
    expect([isCut, errors]).toEqual([false, []])
    expect(socket.bufferedAmount).toBe(endless.size)
  })
})

describe('the signal of a listener', () => {
  const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

  test('lets go of a listener that is removed, or has had its turn', async () => {
    const { signal } = new AbortController()
    const socket = new WebSocket(`${server.url}/echo`)
    const listener = () => {}
    socket.addEventListener('message', listener, { signal })
    socket.addEventListener('open', listener, { signal, once: true })
    expect(listeners(signal)).toBe(2)
    socket.removeEventListener('message', listener)
    expect(listeners(signal)).toBe(1)
    await openOf(socket)
    await new Promise(setImmediate)
    expect(listeners(signal)).toBe(0)
    socket.close()
  })

  test('lets go of all when the socket is closed, and still counts for what is dispatched by hand', async () => {
    const controller = new AbortController()
    const { signal } = controller
    const socket = new WebSocket(`${server.url}/close?code=4000`)
    const seen: unknown[] = []
    const listen = (type: string) => socket.addEventListener(type, () => seen.push(type), { signal })
    for (const type of ['open', 'message', 'error', 'close']) listen(type)
    expect(listeners(signal)).toBe(4)
    await once(socket, 'close')
    await new Promise(setImmediate)
    expect(listeners(signal)).toBe(0)
    listen('late')
    expect(listeners(signal)).toBe(0)
    socket.dispatchEvent(new Event('late'))
    controller.abort()
    socket.dispatchEvent(new Event('late'))
    expect(seen).toEqual(['open', 'close', 'late'])
  })
})

describe('a stream', () => {
  test('sends shared memory as the bytes that it holds', async () => {
    const stream = new WebSocketStream(`${server.url}/echo`)
    const { readable, writable } = await stream.opened
    const shared = new SharedArrayBuffer(3)
    new Uint8Array(shared).set([1, 2, 3])
    await writable.getWriter().write(shared)
    expect((await readable.getReader().read()).value).toEqual(Uint8Array.of(1, 2, 3))
    stream.close()
  })

  test('gives what came before the connection was lost', async () => {
    const url = peer.serve(async (connection) => {
      await connection.accept()
      await connection.write(Buffer.concat([frame(1, 'one'), frame(1, 'two')]))
      connection.end()
    })
    const stream = new WebSocketStream(url)
    const { readable } = await stream.opened
    const error = await reasonOf(stream.closed)
    const reader = readable.getReader()
    expect([(await reader.read()).value, (await reader.read()).value]).toEqual(['one', 'two'])
    expect(await reasonOf(reader.read())).toBe(error)
    expect((error as Error).cause).toBeInstanceOf(ConnectionClosedError)
  })

  test('gives what came before the server closed, even when it is over', async () => {
    const url = peer.serve(async (connection) => {
      await connection.accept()
      await connection.write(Buffer.concat([frame(1, 'one'), frame(8, closePayload(1000))]))
      await connection.readFrame()
      connection.end()
    })
    const stream = new WebSocketStream(url)
    const { readable } = await stream.opened
    await stream.closed
    const messages = []
    for await (const message of readable) messages.push(message)
    expect(messages).toEqual(['one'])
  })
})

test('events are shown with what they tell', async () => {
  const socket = new WebSocket(`${server.url}/close?code=4000&reason=why`)
  const event = await new Promise<CloseEvent>((resolve) => {
    socket.onclose = resolve
  })
  expect(inspect(event)).toMatch(/\[CloseEvent\].*code: 4000.*reason: 'why'/s)
})
