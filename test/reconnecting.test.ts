import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type ClientWebSocket, ConnectionClosedError, connect, OptionsError, reconnecting } from '../src/index.ts'
import { type BeforeAttempt, type Environment, type ReconnectingOptions, reconnectingIn } from '../src/reconnecting.ts'
import { closePayload, frame, type PeerConnection, type Script, type ScriptedPeer } from './support/scripted-peer.ts'
import { failure, handlesBecome, openHandles, peer, rejection } from './support/servers.ts'

/**
 * A clock that goes on only in delays and by `pass`; every delay is the greatest that it may be, or the given part of
 * that.
 */
function fakeTime(part = 1) {
  let time = 0
  const delays: number[] = []
  const pass = (milliseconds: number): void => {
    time += milliseconds
  }
  const environment: Environment = {
    now: () => time,
    random: () => part,
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted()
      delays.push(milliseconds)
      pass(milliseconds)
    },
  }
  return { environment, delays, pass }
}

/** A server that treats each connection as it is told to, one after the other; it keeps all that come later open. */
function serverThat(...scripts: Script[]): Promise<ScriptedPeer> {
  let next = 0
  return peer((connection) => (scripts[next++] ?? serves)(connection))
}

/** Accepts, and says goodbye when the client does. */
const serves: Script = async (connection) => {
  await connection.accept()
  const { opcode, payload } = await connection.readFrame()
  if (opcode === 8) await connection.write(frame(8, payload))
  connection.end()
}

function answers(status: string, ...fields: string[]): Script {
  return async (connection) => {
    await connection.readRequest()
    await connection.write([`HTTP/1.1 ${status}`, 'content-length: 0', ...fields, '', ''].join('\r\n'))
    connection.end()
  }
}

const refuses = answers('503 Away')
const lies = answers('101 Switching Protocols')
const resets: Script = (connection) => connection.reset()

async function acceptsAndResets(connection: PeerConnection): Promise<void> {
  await connection.accept()
  connection.reset()
}

async function acceptsAndEnds(connection: PeerConnection): Promise<void> {
  await connection.accept()
  connection.end()
}

function closesWith(code: number): Script {
  return async (connection) => {
    await connection.accept()
    await connection.write(frame(8, closePayload(code)))
    await connection.readFrame()
    connection.end()
  }
}

type Body = (socket: ClientWebSocket, iteration: number) => Promise<unknown> | unknown

/** Runs the loop until the body says `'break'`; gives how each of its sockets has ended. */
async function run(
  environment: Environment,
  url: string | BeforeAttempt<string>,
  options: ReconnectingOptions,
  body: Body = untilOver,
): Promise<ClientWebSocket[]> {
  const sockets: ClientWebSocket[] = []
  for await (const socket of reconnectingIn(environment, url, options)) {
    sockets.push(socket)
    if ((await body(socket, sockets.length)) === 'break') break
  }
  return sockets
}

/** Reads until the connection is over, however that comes. */
async function untilOver(socket: ClientWebSocket): Promise<void> {
  await socket.receive().catch((error) => expect(error).toBeInstanceOf(ConnectionClosedError))
}

describe('reconnecting', () => {
  test('tries again after each failure that may pass, with growing delays, and opens a socket when the server is back', async () => {
    const { environment, delays } = fakeTime()
    const server = await serverThat(refuses, resets, refuses, refuses, refuses, refuses, resets)
    const sockets = await run(environment, server.url, {}, () => 'break')
    expect(sockets).toHaveLength(1)
    expect(delays).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
    expect(server.connections).toHaveLength(8)
  })

  test('tries again while nobody listens', async () => {
    const { environment, delays } = fakeTime(0.5)
    const gone = await serverThat()
    await gone.close()
    const giveUp = new Error('enough')
    const options = (attempt: number) => {
      if (attempt > 3) throw giveUp
      return {}
    }
    expect(await rejection(run(environment, gone.url, { options }))).toBe(giveUp)
    expect(delays).toEqual([500, 1000, 2000])
  })

  test('opens another socket whatever ended the last one, a clean close included', async () => {
    const { environment, delays } = fakeTime()
    const server = await serverThat(acceptsAndResets, acceptsAndEnds, closesWith(1012), closesWith(1000), resets)
    const sockets = await run(environment, server.url, {}, (socket, iteration) =>
      iteration === 5 ? 'break' : untilOver(socket),
    )
    expect(sockets.map(({ closeStatus }) => closeStatus)).toEqual([1006, 1006, 1012, 1000, 1000])
    expect(delays).toEqual([1000, 2000, 4000, 8000, 16_000])
    expect(server.connections).toHaveLength(6)
  })

  test('begins again with the shortest delay after a body that ran for ten seconds', async () => {
    const { environment, delays, pass } = fakeTime()
    const server = await serverThat(refuses, refuses, closesWith(1012), closesWith(1012), refuses)
    await run(environment, server.url, {}, async (socket, iteration) => {
      await (iteration < 3 && untilOver(socket))
      pass(iteration === 1 ? 9999 : 10_000)
      return iteration === 3 && 'break'
    })
    expect(delays).toEqual([1000, 2000, 4000, 1000, 2000])
  })

  test('the time that closing takes is none of the body', async () => {
    const { environment, delays, pass } = fakeTime()
    const hangs: Script = (connection) => connection.accept()
    const server = await serverThat(hangs, hangs, hangs)
    await run(environment, server.url, { closeTimeout: 20 }, (_, iteration) => {
      setTimeout(() => pass(20_000), 5)
      return iteration === 3 && 'break'
    })
    expect(delays).toEqual([1000, 2000])
  })

  test('waits as long as Retry-After says, and a random part on top', async () => {
    const { environment, delays } = fakeTime(0.5)
    const server = await serverThat(answers('429 Slow down', 'retry-after: 7'), answers('503 Away', 'retry-after: 120'))
    await run(environment, server.url, { backOff: { initialDelay: 100, factor: 3 } }, () => 'break')
    expect(delays).toEqual([7050, 120_150])
  })

  test.each([
    ['401', answers('401 Unauthorized', 'retry-after: 1'), 'UPGRADE_REFUSED'],
    ['101 without an upgrade', lies, 'INVALID_UPGRADE'],
    ['what is not HTTP', (connection: PeerConnection) => connection.write('SSH-2.0-x\r\n\r\n'), 'INVALID_RESPONSE'],
  ] as const)('fails when the server answers %s, since nothing would change that', async (_name, script, code) => {
    const { environment, delays } = fakeTime()
    const server = await serverThat(refuses, script)
    const error = await failure(run(environment, server.url, {}), code)
    expect(error.retriable).toBe(false)
    expect(delays).toEqual([1000])
    expect(server.connections).toHaveLength(2)
  })

  test('asks for options before each attempt, which go before those that stay', async () => {
    const { environment } = fakeTime()
    const seen: (string | undefined)[] = []
    const notes = (then: Script) => async (connection: PeerConnection) => {
      const { headers } = await connection.readRequest()
      seen.push(`${headers.get('authorization')} ${headers.get('sec-websocket-protocol')}`)
      if (then === refuses) await connection.write('HTTP/1.1 503 Away\r\ncontent-length: 0\r\n\r\n')
      else await connection.accept(['Sec-WebSocket-Protocol: a'])
      connection.end()
    }
    const server = await serverThat(notes(refuses), notes(serves), notes(serves))
    const options: ReconnectingOptions = {
      subprotocols: ['a'],
      headers: { authorization: 'none' },
      options: async (attempt) => ({ headers: { authorization: `token-${attempt}` } }),
    }
    await run(environment, server.url, options, (socket, iteration) => (iteration === 2 ? 'break' : untilOver(socket)))
    expect(seen).toEqual(['token-1 a', 'token-2 a', 'token-3 a'])
  })

  test('asks where to connect to before each attempt', async () => {
    const { environment, delays } = fakeTime()
    const [first, second] = [await serverThat(closesWith(1012)), await serverThat()]
    const url = async (attempt: number) => (attempt === 1 ? first.url : second.url)
    const sockets = await run(environment, url, {}, (socket, iteration) =>
      iteration === 2 ? 'break' : untilOver(socket),
    )
    expect(sockets.map((socket) => socket.url)).toEqual([`${first.url}/`, `${second.url}/`])
    expect(delays).toEqual([1000])
  })

  test.each([
    ['rejects', () => Promise.reject(new Error('no token'))],
    [
      'throws',
      () => {
        throw new Error('no token')
      },
    ],
  ])('fails with what a callback %s with, and asks nobody', async (_how, options) => {
    const { environment, delays } = fakeTime()
    const server = await serverThat()
    expect(await rejection(run(environment, server.url, { options }))).toMatchObject({ message: 'no token' })
    expect(await rejection(run(environment, options, {}))).toMatchObject({ message: 'no token' })
    expect(delays).toEqual([])
    expect(server.connections).toHaveLength(0)
  })

  test('fails with the error of a callback even if that is a HandshakeError which another attempt could mend', async () => {
    const { environment, delays } = fakeTime()
    const tokens = await serverThat(refuses)
    const options = async () => {
      await connect(tokens.url)
      return {}
    }
    const error = await failure(run(environment, 'ws://127.0.0.1:9', { options }), 'UPGRADE_REFUSED')
    expect(error.retriable).toBe(true)
    expect(delays).toEqual([])
  })

  test('fails with an OptionsError when a callback gives what cannot be used', async () => {
    const { environment } = fakeTime()
    const server = await serverThat()
    const wrong = { options: () => ({ maxMessageSize: -1 }) }
    expect(await rejection(run(environment, server.url, wrong))).toMatchObject({ option: 'maxMessageSize' })
    const nothing = { options: () => undefined as unknown as object }
    expect(await rejection(run(environment, server.url, nothing))).toBeInstanceOf(OptionsError)
    expect(await rejection(run(environment, () => 'nowhere', {}))).toMatchObject({ option: 'url' })
    expect(server.connections).toHaveLength(0)
  })

  test.each<[string, string, ReconnectingOptions]>([
    ['url', 'ftp://example.com', {}],
    ['options', 'ws://example.com', null as unknown as ReconnectingOptions],
    ['options', 'ws://example.com', { options: {} as unknown as () => object }],
    ['backOff.factor', 'ws://example.com', { backOff: { factor: 0 } }],
    ['signal', 'ws://example.com', { signal: {} as AbortSignal }],
    ['retries', 'ws://example.com', { retries: 3 } as ReconnectingOptions],
    ['keepAliveInterval', 'ws://example.com', { keepAliveInterval: -1 }],
  ])('refuses %s at once when it cannot be used', (option, url, options) => {
    expect(() => reconnecting(url, options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }))
  })
})

describe('leaving the loop', () => {
  const leaves: readonly [string, (url: string) => Promise<unknown>][] = [
    [
      'break',
      async (url) => {
        for await (const _ of reconnecting(url)) break
      },
    ],
    [
      'return',
      async (url) => {
        for await (const socket of reconnecting(url)) return socket
        return undefined
      },
    ],
    [
      'throw',
      async (url) => {
        for await (const _ of reconnecting(url)) throw new Error('mine')
      },
    ],
  ]

  test.each(leaves)('by %s closes the socket, and is done when that is', async (how, leave) => {
    const codes: number[] = []
    const server = await peer(async (connection) => {
      await connection.accept()
      const { payload } = await connection.readFrame()
      codes.push(payload.readUInt16BE())
      await connection.write(frame(8, payload))
      connection.end()
    })
    const handles = openHandles()
    const outcome = await leave(server.url).catch((error: Error) => error.message)
    if (how === 'throw') expect(outcome).toBe('mine')
    expect(codes).toEqual([1000])
    expect(server.connections).toHaveLength(1)
    await server.connections[0]!.closed
    await handlesBecome(handles)
  })

  test('a body that ends while its socket is open has it closed, and gets another', async () => {
    const { environment, delays } = fakeTime()
    const server = await serverThat()
    const sockets = await run(environment, server.url, {}, (_socket, iteration) => iteration === 3 && 'break')
    expect(sockets.map(({ state, closeStatus }) => [state, closeStatus])).toEqual(Array(3).fill(['closed', 1000]))
    expect(delays).toEqual([1000, 2000])
  })

  test('there are never two connections at once, not even when the next socket is asked for too early', async () => {
    const { environment } = fakeTime()
    let open = 0
    let most = 0
    const server = await peer(async (connection) => {
      most = Math.max(most, ++open)
      connection.closed.then(() => open--)
      await serves(connection)
    })
    // A moment for the server to see the end of the first, which runs in this process, too.
    const sleep: typeof environment.sleep = async (...delay) => {
      await new Promise(setImmediate)
      await environment.sleep(...delay)
    }
    const iterator = reconnectingIn({ ...environment, sleep }, server.url, {})
    const first = iterator.next()
    const second = iterator.next()
    await Promise.all([first, second])
    await iterator.return()
    expect(most).toBe(1)
    expect(server.connections).toHaveLength(2)
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })

  const over = { done: true, value: undefined }

  test('by hand during a delay ends the delay, and its timer', async () => {
    const handles = openHandles()
    const server = await serverThat(answers('503 Away', 'retry-after: 3600'))
    const set = vi.spyOn(globalThis, 'setTimeout')
    onTestFinished(() => {
      set.mockRestore()
    })
    const iterator = reconnecting(server.url)
    const next = iterator.next()
    await vi.waitFor(() => expect(set.mock.calls.some(([, delay]) => Number(delay) >= 3_600_000)).toBe(true))
    expect(await Promise.all([iterator.return(), next])).toEqual([over, over])
    expect(server.connections).toHaveLength(1)
    await server.close()
    await handlesBecome(handles)
  })

  test('by hand during an attempt ends the attempt', async () => {
    const requested = Promise.withResolvers<void>()
    const server = await peer(async (connection) => {
      await connection.readRequest()
      requested.resolve()
      await connection.readEnd()
      connection.end()
    })
    const iterator = reconnecting(server.url)
    const next = iterator.next()
    await requested.promise
    expect(await Promise.all([iterator.return(), next])).toEqual([over, over])
    await server.connections[0]!.closed
    expect(server.connections).toHaveLength(1)
  })

  test('by hand in the moment in which a socket has opened gives nothing, and closes it', async () => {
    const server = await serverThat(serves)
    const { environment } = fakeTime()
    const leaving = () => {
      left = iterator.return()
      return 0
    }
    let left: Promise<unknown> | undefined
    const iterator = reconnectingIn({ ...environment, now: () => (left === undefined ? leaving() : 0) }, server.url, {})
    expect(await iterator.next()).toEqual(over)
    expect(await left).toEqual(over)
    await server.connections[0]!.closed
    expect(server.connections).toHaveLength(1)
  })

  test('by hand does not wait for a callback, and an error that is thrown into the loop comes out of it', async () => {
    const forever = () => new Promise<never>(() => {})
    const left = reconnecting(forever)
    const next = left.next()
    expect(await Promise.all([left.return(), next])).toEqual([over, over])
    const broken = reconnecting('ws://127.0.0.1:9', { options: forever })
    const none = broken.next()
    const mine = new Error('mine')
    expect(await rejection(broken.throw(mine))).toBe(mine)
    expect(await none).toEqual(over)
  })
})

describe('the signal', () => {
  const reason = { mine: true }

  test('that has aborted already lets nothing begin', async () => {
    const server = await serverThat()
    const options = vi.fn(() => ({}))
    const loop = reconnecting(server.url, { signal: AbortSignal.abort(reason), options })
    expect(await rejection(loop.next())).toBe(reason)
    expect(options).not.toHaveBeenCalled()
    expect(server.connections).toHaveLength(0)
  })

  test('ends a delay, and its timer', async () => {
    const server = await serverThat(answers('503 Away', 'retry-after: 3600'))
    const controller = new AbortController()
    const [set, clear] = [vi.spyOn(globalThis, 'setTimeout'), vi.spyOn(globalThis, 'clearTimeout')]
    onTestFinished(() => {
      vi.restoreAllMocks()
    })
    const delay = () => set.mock.calls.findIndex(([, milliseconds]) => Number(milliseconds) >= 3_600_000)
    const next = rejection(reconnecting(server.url, { signal: controller.signal }).next())
    await vi.waitFor(() => expect(delay()).toBeGreaterThanOrEqual(0))
    controller.abort(reason)
    expect(await next).toBe(reason)
    expect(clear).toHaveBeenCalledWith(set.mock.results[delay()]!.value)
    expect(server.connections).toHaveLength(1)
  })

  test('ends an attempt', async () => {
    const controller = new AbortController()
    const server = await peer(async (connection) => {
      await connection.readRequest()
      controller.abort(reason)
      await connection.readEnd()
      connection.end()
    })
    expect(await rejection(reconnecting(server.url, { signal: controller.signal }).next())).toBe(reason)
    expect(server.connections).toHaveLength(1)
    await server.connections[0]!.closed
  })

  test('does not wait for a callback', async () => {
    const controller = new AbortController()
    const options = () => {
      setTimeout(() => controller.abort(reason))
      return new Promise<never>(() => {})
    }
    const loop = reconnecting('ws://127.0.0.1:9', { signal: controller.signal, options })
    expect(await rejection(loop.next())).toBe(reason)
  })

  test('cuts the open socket, whether or not its body is waiting for something', async () => {
    for (const isWaiting of [true, false]) {
      const controller = new AbortController()
      const server = await serverThat(async (connection) => {
        await connection.accept()
        await connection.readEnd()
        connection.end()
      })
      const seen: unknown[] = []
      const loop = async () => {
        for await (const socket of reconnecting(server.url, { signal: controller.signal })) {
          controller.abort(reason)
          if (isWaiting) await socket.receive().catch((error) => seen.push(error))
          seen.push(socket.state)
        }
      }
      expect(await rejection(loop())).toBe(reason)
      expect(seen).toEqual(isWaiting ? [reason, 'aborted'] : ['aborted'])
      await server.connections[0]!.closed
      expect(server.connections).toHaveLength(1)
    }
  })

  test('does not keep a body that is left by break from ending the loop in good order', async () => {
    const controller = new AbortController()
    const server = await serverThat()
    for await (const socket of reconnecting(server.url, { signal: controller.signal })) {
      controller.abort(reason)
      expect(socket.state).toBe('aborted')
      break
    }
    expect(server.connections).toHaveLength(1)
  })

  test('has no listener left when the loop has ended', async () => {
    const { signal } = new AbortController()
    const listening = { add: vi.spyOn(signal, 'addEventListener'), remove: vi.spyOn(signal, 'removeEventListener') }
    const server = await serverThat(refuses)
    const { environment } = fakeTime()
    await run(environment, server.url, { signal, options: () => ({}) }, () => 'break')
    const counted = ({ mock }: typeof listening.add) => mock.calls.filter(([type]) => type === 'abort').length
    expect(counted(listening.add)).toBeGreaterThan(0)
    expect(counted(listening.remove as unknown as typeof listening.add)).toBe(counted(listening.add))
  })
})
