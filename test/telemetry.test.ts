import { AsyncLocalStorage } from 'node:async_hooks'
import { type ChannelListener, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { CookieJar } from 'tough-cookie'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { connect, type TelemetryEvents } from '../src/index.ts'
import { WebSocket } from '../src/web/websocket.ts'
import { WebSocketStream } from '../src/web/websocketstream.ts'
import { startHttp2Server } from './support/http2-server.ts'
import { closePayload, frame } from './support/scripted-peer.ts'
import {
  aborted,
  failure,
  handlesBecome,
  openHandles,
  peer,
  rejection,
  server,
  untilFinished,
} from './support/servers.ts'

type Name = keyof TelemetryEvents
type Event = { [N in Name]: { readonly channel: N } & TelemetryEvents[N] }[Name]

const NAMES: readonly Name[] = [
  'hawser:handshake:start',
  'hawser:handshake:response',
  'hawser:handshake:error',
  'hawser:open',
  'hawser:ping',
  'hawser:close',
]

/** Subscribes to channels until the test has ended; gives what comes. */
function listen(names: readonly Name[] = NAMES): Event[] {
  const events: Event[] = []
  for (const channel of names) {
    const listener: ChannelListener = (message) => events.push({ channel, ...(message as object) } as Event)
    subscribe(channel, listener)
    onTestFinished(() => {
      unsubscribe(channel, listener)
    })
  }
  return events
}

function named<N extends Name>(events: readonly Event[], name: N): readonly TelemetryEvents[N][] {
  return events.filter(({ channel }) => channel === name) as unknown as readonly TelemetryEvents[N][]
}

/** Waits until the socket's last event has come. */
async function closed(events: readonly Event[]): Promise<TelemetryEvents['hawser:close']> {
  await vi.waitFor(() => expect(named(events, 'hawser:close')).toHaveLength(1))
  return named(events, 'hawser:close')[0]!
}

const aTime = expect.toSatisfy((value: unknown) => typeof value === 'number' && value > 0 && value < 10_000)

describe('the channels', () => {
  test('tell of a socket from its start to its end, and what it has carried', async () => {
    const events = listen()
    const { url } = await server()
    const socket = await connect(`${url}/echo`)
    await socket.send('hello')
    await socket.send(new Uint8Array(300))
    await socket.receive()
    await socket.receive()
    await socket.ping()
    await socket.close(1000, 'done')
    const { id } = events[0]!
    const of = { id, url: `${url}/echo` }
    const answer = { ...of, transport: 'tcp', httpVersion: '1.1', status: 101, duration: aTime }
    expect(events).toEqual([
      { channel: 'hawser:handshake:start', ...of },
      { channel: 'hawser:handshake:response', ...answer },
      { channel: 'hawser:open', ...answer, extensions: '' },
      { channel: 'hawser:ping', ...of, roundTrip: aTime },
      {
        channel: 'hawser:close',
        ...of,
        closeStatus: 1000,
        reason: 'done',
        wasClean: true,
        error: undefined,
        // Frames of 5, 300, 8 and 6 bytes; those of a client are masked.
        sent: { messages: 2, bytes: 11 + 308 + 14 + 12 },
        received: { messages: 2, bytes: 7 + 304 + 10 + 8 },
        duration: aTime,
      },
    ])
  })

  test('count a message in fragments once, in both directions, and what was compressed as it was sent', async () => {
    const events = listen()
    const { url } = await peer(async (connection) => {
      await connection.accept(['Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover'])
      await connection.write(Buffer.concat([frame(2, 'ab', { fin: false }), frame(0, 'c')]))
      for (let opcode = 0; opcode !== 8; ) opcode = (await connection.readFrame()).opcode
      await connection.write(frame(8, closePayload(1000)))
      connection.end()
    })
    const socket = aborted(await connect(url, { perMessageDeflate: { threshold: 0 } }))
    const incoming = await socket.receiveStream()
    expect(await new Response(incoming!.stream as ReadableStream<Uint8Array>).text()).toBe('abc')
    const writer = socket.sendStream('text', { compress: false }).getWriter()
    await writer.write('x')
    await writer.write('y')
    await writer.close()
    await socket.send('z'.repeat(10_000))
    await socket.close()
    expect(named(events, 'hawser:open')[0]!.extensions).toContain('permessage-deflate')
    const { sent, received } = await closed(events)
    expect(received).toEqual({ messages: 1, bytes: 4 + 3 + 4 })
    expect(sent.messages).toBe(2)
    expect(sent.bytes).toBeGreaterThan(30)
    expect(sent.bytes).toBeLessThan(200)
  })

  test('count a message as sent when the whole of it is on its way', async () => {
    const events = listen()
    const { url } = await peer(async (connection) => {
      await connection.accept()
      await connection.readFrame()
      await connection.write(frame(8, closePayload(1000)))
      await connection.readFrame()
      connection.end()
    })
    const socket = aborted(await connect(url))
    const writer = socket.sendStream('text').getWriter()
    const unfinished = rejection(writer.closed)
    await writer.write('half')
    void socket.send('behind it')
    expect(await unfinished).toMatchObject({ code: 'CONNECTION_CLOSED' })
    expect(await closed(events)).toMatchObject({ wasClean: true, sent: { messages: 0 } })
  })

  test('tell of a refusal, and what it means', async () => {
    const events = listen()
    const { url } = await server()
    const { attempts } = await failure(connect(`${url}/refuse?status=429&retry-after=3`))
    const of = { id: events[0]!.id, url: `${url}/refuse`, duration: aTime, status: 429 }
    expect(events.map(({ channel }) => channel)).toEqual(NAMES.slice(0, 3))
    expect(named(events, 'hawser:handshake:response')[0]).toMatchObject({ ...of, transport: 'tcp' })
    expect(events[2]).toEqual({
      channel: 'hawser:handshake:error',
      ...of,
      code: 'UPGRADE_REFUSED',
      attempts,
      retriable: true,
      retryAfter: 3000,
    })
  })

  test('tell of a server that cannot be reached', async () => {
    const events = listen()
    const gone = await peer(() => {})
    await gone.close()
    await failure(connect(gone.url))
    expect(events.map(({ channel }) => channel)).toEqual(['hawser:handshake:start', 'hawser:handshake:error'])
    expect(events[1]).toMatchObject({ code: 'CONNECTION_REFUSED', status: 0, retriable: true })
  })

  test('tell of each response on the way, and go on with the URL that it ended at', async () => {
    const events = listen()
    const { url } = await server()
    const to = encodeURIComponent(`${url}/close?code=4000&reason=bye`)
    const socket = await connect(`${url}/redirect?to=${to}`, { redirect: 'follow' })
    expect(await socket.receive()).toBeUndefined()
    await closed(events)
    const responses = named(events, 'hawser:handshake:response')
    expect(responses.map((each) => [each.url, each.status])).toEqual([
      [`${url}/redirect`, 302],
      [`${url}/close`, 101],
    ])
    expect(new Set(events.map(({ id }) => id)).size).toBe(1)
    expect(events.at(-1)).toMatchObject({ url: `${url}/close`, closeStatus: 4000, reason: 'bye', wasClean: true })
  })

  test('tell of the version and the transport that were used', async () => {
    const events = listen()
    const { url } = untilFinished(await startHttp2Server())
    const socket = await connect(`${url}/echo`, { httpVersion: '2', httpVersionPolicy: 'exact' })
    await socket.close()
    const expected = { transport: 'http2', httpVersion: '2', status: 200 }
    expect(named(events, 'hawser:handshake:response')[0]).toMatchObject(expected)
    expect(named(events, 'hawser:open')[0]).toMatchObject(expected)
    expect(await closed(events)).toMatchObject({ wasClean: true, sent: { messages: 0, bytes: 8 } })
  })

  test('tell of a handshake that the caller gave up, and of a caller who had given up before it none', async () => {
    const events = listen()
    const { url } = await server()
    const controller = new AbortController()
    const connecting = connect(`${url}/silent`, { signal: controller.signal })
    controller.abort(new Error('a secret'))
    await rejection(connecting)
    expect(events.map(({ channel }) => channel)).toEqual(['hawser:handshake:start', 'hawser:handshake:error'])
    expect(events[1]).toMatchObject({ code: 'ABORTED', status: 0, attempts: [], retriable: false })
    await rejection(connect(`${url}/silent`, { signal: controller.signal }))
    expect(events).toHaveLength(2)
  })

  test('tell of options that cannot be used here, by their code', async () => {
    const events = listen()
    const { url } = await server()
    const options = { proxy: 'http://127.0.0.1:9', httpVersion: '2', httpVersionPolicy: 'exact' } as const
    await rejection(connect(url, options))
    expect(events.at(-1)).toMatchObject({ channel: 'hawser:handshake:error', code: 'INVALID_OPTION', attempts: [] })
  })

  test('tell of an open socket that the caller cut', async () => {
    const events = listen()
    const { url } = await server()
    const socket = await connect(`${url}/echo`)
    socket.abort(new Error('a secret'))
    expect(await closed(events)).toMatchObject({ closeStatus: 1006, wasClean: false, error: 'ABORTED' })
    expect(JSON.stringify(events)).not.toContain('secret')
  })

  test('tell of a subprotocol that the web classes miss as of a handshake that failed', async () => {
    const events = listen()
    const { url } = await server()
    const failed = Promise.withResolvers<unknown>()
    new WebSocket(`${url}/echo`, 'a').onerror = failed.resolve
    await failed.promise
    await rejection(new WebSocketStream(`${url}/echo`, { protocols: ['a'] }).opened)
    const once = ['hawser:handshake:start', 'hawser:handshake:response', 'hawser:handshake:error']
    expect(events.map(({ channel }) => channel)).toEqual([...once, ...once])
    const attempts = [{ status: 101, error: 'INVALID_SUBPROTOCOL' }]
    for (const event of named(events, 'hawser:handshake:error')) {
      expect(event).toMatchObject({ code: 'INVALID_SUBPROTOCOL', status: 101, attempts, retriable: false })
    }
  })

  test('tell that a connection is open before they tell that it is over, even if it is over from the start', async () => {
    const events = listen()
    const webSocket = Object.assign(new EventTarget(), {
      // As Miniflare does with what has come by then.
      accept: () => webSocket.dispatchEvent(Object.assign(new Event('close'), { code: 4000, reason: 'bye' })),
      close: () => {},
    })
    const fetch = async () => ({ status: 101, statusText: '', headers: [], body: null, webSocket })
    expect(await (await connect('ws://own.example', { fetch })).receive()).toBeUndefined()
    expect(events.map(({ channel }) => channel).slice(2)).toEqual(['hawser:open', 'hawser:close'])
    expect(await closed(events)).toMatchObject({ closeStatus: 4000, reason: 'bye', wasClean: true, duration: aTime })
  })

  test('tell of a connection that was lost', async () => {
    const events = listen()
    const { url } = await peer(async (connection) => {
      await connection.accept()
      connection.reset()
    })
    await rejection((await connect(url)).receive())
    expect(await closed(events)).toMatchObject({ closeStatus: 1006, wasClean: false, error: 'CONNECTION_CLOSED' })
  })

  test('tell which limit a connection has broken', async () => {
    const events = listen()
    const { url } = await peer(async (connection) => {
      await connection.accept()
      await connection.write(frame(2, 'abcd'))
    })
    await rejection(aborted(await connect(url, { maxMessageSize: 3 })).receive())
    expect(await closed(events)).toMatchObject({ wasClean: false, error: 'MESSAGE_TOO_BIG', received: { messages: 0 } })
  })

  test('tell of the Pings of keep-alive, and which time has run out', async () => {
    const events = listen()
    const { url } = await peer(async (connection) => {
      await connection.accept()
      const { payload } = await connection.readFrame()
      await connection.write(frame(10, payload))
      await connection.readFrame()
    })
    await rejection((await connect(url, { keepAliveInterval: 20, keepAliveTimeout: 20 })).receive())
    expect(await closed(events)).toMatchObject({ wasClean: false, error: 'KEEP_ALIVE_TIMEOUT' })
    expect(named(events, 'hawser:ping')).toMatchObject([{ roundTrip: aTime }])
  })

  test('show nothing that is secret', async () => {
    const events = listen()
    const { url, port } = await server()
    const cookies = new CookieJar()
    await cookies.setCookie('session=secret', `http://127.0.0.1:${port}`)
    const options = { headers: { 'x-key': 'secret' }, subprotocols: ['secret'], cookies }
    const target = url.replace('//', '//user:secret@')
    const socket = await connect(`${target}/subprotocols?token=secret`, options)
    expect(socket.subprotocol).toBe('secret')
    await socket.close()
    await failure(
      connect(`${url}/refuse?token=secret`, { ...options, credentials: { username: 'u', password: 'secret' } }),
    )
    expect(events.length).toBeGreaterThan(5)
    expect(JSON.stringify(events)).not.toMatch(/secret|user|cookie|a=1/i)
  })

  test('tell of the start within the call, in the context of the caller', async () => {
    const context = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    const listener = () => seen.push(context.getStore())
    subscribe('hawser:handshake:start', listener)
    onTestFinished(() => {
      unsubscribe('hawser:handshake:start', listener)
    })
    const connecting = context.run('mine', () => connect('ws://127.0.0.1:9'))
    expect(seen).toEqual(['mine'])
    await failure(connecting)
  })

  test('tell only what somebody has asked for, and of sockets that began after that', async () => {
    const { url } = await server()
    const early = await connect(`${url}/echo`)
    const events = listen(['hawser:close'])
    const later = await connect(`${url}/echo`)
    await Promise.all([early.close(), later.close()])
    await closed(events)
    expect(events).toHaveLength(1)
  })

  test('are not held up by a subscriber that has gone, nor does one keep a process alive', async () => {
    const { url } = await server()
    const handles = openHandles()
    const events: unknown[] = []
    const listener = (message: unknown) => events.push(message)
    subscribe('hawser:open', listener)
    const socket = await connect(`${url}/echo`)
    unsubscribe('hawser:open', listener)
    await socket.ping()
    await socket.close()
    expect(events).toHaveLength(1)
    await handlesBecome(handles)
  })
})

test('two copies of the package give no id twice', async () => {
  const { url } = await server()
  const events = listen(['hawser:open'])
  vi.resetModules()
  const other: typeof import('../src/index.ts') = await import('../src/index.ts')
  for (const connecting of [connect, other.connect, connect, other.connect]) aborted(await connecting(`${url}/echo`))
  expect(new Set(named(events, 'hawser:open').map(({ id }) => id)).size).toBe(4)
})

describe('without a subscriber', () => {
  afterEach(() => {
    vi.restoreAllMocks()
    vi.resetModules()
  })

  /** hawser with another node:diagnostics_channel, or with none. */
  async function hawserWith(module: object | undefined): Promise<typeof import('../src/index.ts')> {
    vi.resetModules()
    const real = process.getBuiltinModule
    const lookUp = (name: string) => (name === 'node:diagnostics_channel' ? module : real(name))
    vi.spyOn(process, 'getBuiltinModule').mockImplementation(lookUp as typeof real)
    return import('../src/index.ts')
  }

  async function useASocket(hawser: typeof import('../src/index.ts'), url: string): Promise<void> {
    const socket = await hawser.connect(`${url}/echo`)
    for (let i = 0; i < 50; i++) {
      await socket.send('hello')
      await socket.receive()
    }
    await socket.ping()
    await socket.close()
  }

  test('each connect looks at the channels once, and nothing else is done: no event, no message counted', async () => {
    const calls = { channel: 0, hasSubscribers: 0, publish: 0 }
    const channel = {
      get hasSubscribers() {
        calls.hasSubscribers++
        return false
      },
      publish: () => calls.publish++,
    }
    const module = {
      channel: () => {
        calls.channel++
        return channel
      },
    }
    const hawser = await hawserWith(module)
    const { observatory, SocketTelemetry } = await import('../src/telemetry.ts')
    const observed = vi.spyOn(observatory, 'observe')
    const methods = Object.getOwnPropertyNames(SocketTelemetry.prototype).filter((name) => name !== 'constructor')
    const spies = methods.map((name) => vi.spyOn(SocketTelemetry.prototype, name as 'aborted'))
    const { url } = await server()
    await useASocket(hawser, url)
    await useASocket(hawser, url)
    expect(observed.mock.results.map(({ value }) => value)).toEqual([undefined, undefined])
    expect(calls).toEqual({ channel: NAMES.length, hasSubscribers: 2 * NAMES.length, publish: 0 })
    expect(spies.length).toBeGreaterThan(4)
    for (const spy of spies) expect(spy).not.toHaveBeenCalled()
  })

  test('the module is not looked up before the first connect', async () => {
    const { connect: connectAgain } = await hawserWith(undefined)
    const lookUp = vi.mocked(process.getBuiltinModule)
    const lookUps = () => lookUp.mock.calls.filter(([name]) => name === 'node:diagnostics_channel').length
    expect(lookUps()).toBe(0)
    const { url } = await server()
    for (let i = 0; i < 2; i++) await (await connectAgain(`${url}/echo`)).close()
    expect(lookUps()).toBe(1)
  })

  test('and without the module, a socket works as it does otherwise', async () => {
    const { url } = await server()
    await useASocket(await hawserWith(undefined), url)
  })
})
