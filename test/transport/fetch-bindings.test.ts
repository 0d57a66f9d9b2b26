/** Callers' own fetches: the bindings of a Worker, Miniflare in Node, and those that cannot upgrade. */
import { setTimeout as later } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ClientWebSocketOptions, ConnectionClosedError, connect, HandshakeError } from '../../src/index.ts'
import type { Script } from '../support/socket-worker.ts'
import { type SocketWorker, startSocketWorker } from '../support/socket-worker-host.ts'
import { type RunningServer, startWebSocketServer } from '../support/websocket-server.ts'

const DATES = ['2024-01-01', '2026-10-01'] as const

let server: RunningServer
let worker: SocketWorker

beforeAll(async () => {
  server = await startWebSocketServer()
  worker = await startSocketWorker(DATES)
})
afterAll(async () => {
  await worker.close()
  await server.close()
})

describe.each(DATES)('at %s', (date) => {
  describe.each(['SERVICE', 'OBJECTS'] as const)('the binding %s', (through) => {
    const play = async (script: Omit<Script, 'through'>) => {
      const outcome = await worker.play(date, { ...script, through })
      expect(outcome.unhandled).toEqual([])
      return outcome
    }

    test('opens, with fields and subprotocol both ways, and closes in order', async () => {
      const { results, socket } = await play({
        url: 'ws://behind.example/echo?subprotocol=b',
        options: { subprotocols: ['a', 'b'], headers: { authorization: 'Bearer x' } },
        steps: [['send', 'text'], ['receive'], ['send bytes', 100_000], ['receive'], ['close', 4001]], // biome-ignore format: one row
      })
      expect(results).toEqual([null, 'text', null, { bytes: 100_000 }, null])
      expect(socket).toMatchObject({ transport: 'fetch', subprotocol: 'b', httpStatusCode: 101 })
      expect(socket).toMatchObject({ state: 'closed', closeStatus: 4001, closeStatusDescription: 'as you say' })
      expect(socket.headers).toContainEqual(['x-authorization', 'Bearer x'])
    })

    test('what is sent before the other side has closed is received', async () => {
      const steps = [['receive all'], ['close']] as const
      const { results, socket } = await play({ url: 'wss://behind.example/close?code=4002', steps })
      expect(results[0]).toEqual(['before'])
      expect(socket).toMatchObject({ state: 'closed', closeStatus: 4002, closeStatusDescription: 'away' })
    })

    test('refuses with status, fields and body', async () => {
      const { failure } = await play({ url: 'ws://behind.example/refuse?status=429' })
      expect(failure).toMatchObject({
        code: 'UPGRADE_REFUSED',
        retriable: true,
        response: { status: 429, body: 'refused', headers: expect.arrayContaining([['x-reason', 'no']]) },
        attempts: [{ transport: 'fetch', status: 429 }],
      })
    })

    test('may not choose what was not offered', async () => {
      const { failure } = await play({ url: 'ws://behind.example/echo?subprotocol=other' })
      expect(failure).toMatchObject({ code: 'INVALID_SUBPROTOCOL' })
    })

    test('an abort ends the socket', async () => {
      const steps = [['starts', ['receive']], ['abort'], ['settled']] as const
      const { results, socket } = await play({ url: 'ws://behind.example/echo', steps })
      expect(results[2]).toMatchObject([{ message: 'the reason' }])
      expect(socket.state).toBe('aborted')
    })
  })
})

describe('dispatchFetch of Miniflare, in Node,', () => {
  const open = (path: string, options: ClientWebSocketOptions = {}) =>
    connect(`ws://behind.example${path}`, { fetch: worker.miniflare.dispatchFetch, ...options })

  test('opens, echoes and closes', async () => {
    const socket = await open('/echo')
    const { transport, httpStatusCode, extensions } = socket
    // Miniflare compresses by itself.
    expect({ transport, httpStatusCode }).toEqual({ transport: 'fetch', httpStatusCode: 101 })
    expect(extensions).toMatch(/^(permessage-deflate.*)?$/)
    const bytes = new Uint8Array(100_000).fill(7)
    void socket.send('text')
    void socket.send(bytes)
    bytes.fill(0)
    expect(await socket.receive()).toBe('text')
    expect(await socket.receive()).toEqual(new Uint8Array(100_000).fill(7))
    await socket.close(4001)
    expect(socket).toMatchObject({ state: 'closed', closeStatus: 4001, closeStatusDescription: 'as you say' })
  })

  test('tells what was sent before the Worker closed', async () => {
    const socket = await open('/close?code=4002')
    expect(await socket.receive()).toBe('before')
    expect(await socket.receive()).toBeUndefined()
    await socket.close()
    expect(socket).toMatchObject({ state: 'closed', closeStatus: 4002 })
  })

  test('refuses with status, fields and body', async () => {
    const error = await open('/refuse?status=503').catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(HandshakeError)
    const { response, retriable } = error as HandshakeError
    expect(response).toMatchObject({ status: 503, bodyTruncated: false })
    expect(response?.headers.get('x-reason')).toBe('no')
    expect(new TextDecoder().decode(response?.body)).toBe('refused')
    expect(retriable).toBe(true)
  })

  test('does not heed a signal: an abort ends our side all the same', async () => {
    const socket = await open('/echo')
    const received = socket.receive()
    socket.abort()
    await expect(received).rejects.toBeInstanceOf(ConnectionClosedError)
    expect(socket.state).toBe('aborted')
  })
})

describe('a fetch that cannot upgrade fails with what to do:', () => {
  const CASES: Readonly<Record<string, unknown>> = {
    "Node's own": fetch,
    'one that throws': () => {
      throw new Error('not today')
    },
    'one that rejects with nothing': () => Promise.reject(),
    'one whose 101 has no webSocket': async () => ({ status: 101, statusText: '', headers: [], body: null }),
    'one that resolves to nothing': async () => undefined,
    'one whose answer has no status': async () => ({ statusText: '', headers: [], body: null }),
    'one whose answer has other headers': async () => ({ status: 403, statusText: '', headers: {}, body: null }),
  }
  test.each(Object.entries(CASES))('%s', async (_, own) => {
    const error = await connect(`${server.url}/echo`, { fetch: own as typeof fetch }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(HandshakeError)
    expect(error).toMatchObject({ code: 'CLIENT_FAILED', retriable: false })
    expect((error as HandshakeError).message).toMatch(/fetch.*(can upgrade|leave fetch out)/)
    expect((error as HandshakeError).attempts).toMatchObject([{ transport: 'fetch', status: 0 }])
  })
})

test('what a fetch fails with tells whether to try again, but never when the other side is overloaded', async () => {
  const failed = async (told: object) => {
    const own = () => Promise.reject(Object.assign(new Error('Not now.'), told))
    const error = await connect('ws://own.example', { fetch: own }).catch((reason: unknown) => reason)
    return (error as HandshakeError).retriable
  }
  expect(await failed({})).toBe(false)
  expect(await failed({ retryable: true })).toBe(true)
  expect(await failed({ retryable: true, overloaded: false })).toBe(true)
  expect(await failed({ retryable: true, overloaded: true })).toBe(false)
  expect(await failed({ message: 'internal error; reference = x', overloaded: true })).toBe(false)
})

/** A fetch that switches protocols with these extensions, and the socket behind it. */
function upgrading(extensions: string) {
  const calls: string[] = []
  const events = new EventTarget()
  const webSocket = Object.assign(events, { accept: () => calls.push('accept'), close: () => calls.push('close') })
  const headers = [['sec-websocket-extensions', extensions]]
  return { calls, events, fetch: async () => ({ status: 101, statusText: '', headers, body: null, webSocket }) }
}

test.each(['', 'permessage-deflate', 'permessage-deflate; client_max_window_bits=15'])(
  'a fetch may answer with the extensions "%s": whoever frames has agreed to them',
  async (extensions) => {
    const { fetch } = upgrading(extensions)
    const socket = await connect('ws://own.example', { fetch })
    expect(socket.extensions).toBe(extensions)
    socket.abort()
  },
)

test.each(['x-other', 'permessage-deflate, x-other', 'x-other; permessage-deflate'])(
  'a fetch may not answer with the extensions "%s", which were not offered, and its socket is closed',
  async (extensions) => {
    const { fetch, calls } = upgrading(extensions)
    const opening = connect('ws://own.example', { fetch, perMessageDeflate: true })
    await expect(opening).rejects.toMatchObject({ code: 'INVALID_EXTENSION', retriable: false })
    expect(calls).toContain('close')
  },
)

test.each([
  ['has no status', { status: undefined }],
  ['has headers of another kind', { headers: { 'x-a': 'b' } }],
])('an answer that %s is of no use, and its socket is closed', async (_, wrong) => {
  const { fetch, calls } = upgrading('')
  const opening = connect('ws://own.example', { fetch: async () => ({ ...(await fetch()), ...wrong }) })
  await expect(opening).rejects.toMatchObject({ code: 'CLIENT_FAILED', cause: expect.any(TypeError) })
  expect(calls).toEqual(['accept', 'close'])
})

test('a socket that somebody has accepted already cannot be used, and is let go', async () => {
  const cause = new TypeError('accepted already')
  const { fetch } = upgrading('')
  let signal: AbortSignal | undefined
  const own = async (_url: string, init: { signal: AbortSignal }) => {
    signal = init.signal
    const answer = await fetch()
    answer.webSocket.accept = () => {
      throw cause
    }
    return answer
  }
  const error: unknown = await connect('ws://own.example', { fetch: own as never }).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(HandshakeError)
  expect(error).toMatchObject({ code: 'CLIENT_FAILED', retriable: false, cause, response: { status: 101 } })
  expect(signal?.aborted).toBe(true)
})

test('a refusal that comes after the handshake was given up is not read', async () => {
  const cancelled = Promise.withResolvers<void>()
  const late = async () => {
    await later(40)
    return new Response(new ReadableStream({ cancel: () => cancelled.resolve() }), { status: 403 })
  }
  const opening = connect('ws://late.example', { fetch: late, handshakeTimeout: 10 })
  await expect(opening).rejects.toMatchObject({ code: 'HANDSHAKE_TIMEOUT' })
  await cancelled.promise
})

test('why a socket was lost is told, even if its end comes right after the error', async () => {
  const { fetch, events } = upgrading('')
  const socket = await connect('ws://own.example', { fetch })
  const received = socket.receive().catch((reason: unknown) => reason)
  const error = new Error('Network connection lost.')
  events.dispatchEvent(Object.assign(new Event('error'), { error }))
  events.dispatchEvent(Object.assign(new Event('error'), { error: new Error('a later one') }))
  events.dispatchEvent(Object.assign(new Event('close'), { code: 1006, reason: '', wasClean: false }))
  expect(await received).toMatchObject({ code: 'CONNECTION_CLOSED', closeStatus: 1006, cause: error })
  expect(socket.state).toBe('aborted')
})

test('a fetch that does not heed the signal of the handshake is not waited for, and what it opens is closed', async () => {
  const calls: string[] = []
  const late = async () => {
    await later(60)
    const webSocket = {
      accept: () => calls.push('accept'),
      close: () => calls.push('close'),
      addEventListener: () => calls.push('listen'),
      removeEventListener: () => {},
    }
    return { status: 101, statusText: '', headers: [], body: null, webSocket }
  }
  const started = performance.now()
  const error = await connect('ws://late.example', { fetch: late, handshakeTimeout: 20 }).catch(
    (reason: unknown) => reason,
  )
  expect(error).toMatchObject({ code: 'HANDSHAKE_TIMEOUT' })
  expect(performance.now() - started).toBeLessThan(55)
  await later(80)
  expect(calls).toEqual(['accept', 'close'])
})
