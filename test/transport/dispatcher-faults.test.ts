import { getEventListeners } from 'node:events'
import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import type { Dispatcher } from '../../src/options.ts'
import * as support from '../support/dispatching.ts'
import {
  closing,
  eventually,
  failure,
  open,
  originOf,
  peer,
  refused,
  server,
  textOf,
  upgraded,
  VERSIONS,
} from '../support/dispatching.ts'
import type { PeerConnection, Script } from '../support/scripted-peer.ts'

support.clearUpAfterEach()

const REASON = new Error('Enough')

/** Waits for the client to go. */
async function leave(connection: PeerConnection): Promise<void> {
  await connection.readEnd()
  connection.end()
}

describe.each(VERSIONS)('%s', (_, __, undici) => {
  const agent = () => closing(new undici.Agent())

  test('nobody listens', async () => {
    const { url, close } = await peer(() => {})
    await close()
    const error = await failure(open(agent(), `${url}/secret?token=x`))
    expect(error).toMatchObject({ code: 'CONNECTION_REFUSED', retriable: true, cause: { code: 'ECONNREFUSED' } })
    expect(error.message).not.toMatch(/secret|token/)
  })

  const silent: Script = async (connection) => {
    await connection.readRequest()
    await leave(connection)
  }
  const ENDINGS: readonly (readonly [name: string, code: string, retriable: boolean, script: Script])[] = [
    [
      'resets the connection',
      'CONNECTION_LOST',
      true,
      (connection) => connection.readRequest().then(() => connection.reset()),
    ],
    [
      'ends the connection',
      'CONNECTION_LOST',
      true,
      (connection) => connection.readRequest().then(() => connection.end()),
    ],
    [
      'speaks another protocol',
      'INVALID_RESPONSE',
      false,
      (connection) => connection.readRequest().then(() => connection.write('220 ESMTP\r\n\r\n')),
    ],
    [
      'sends an endless head',
      'INVALID_RESPONSE',
      false,
      (connection) =>
        connection
          .readRequest()
          .then(() => connection.write(`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(20_000)}`))
          .catch(() => {}),
    ],
  ]
  test.each(ENDINGS)('a server that %s: %s', async (_name, code, retriable, script) => {
    const { url } = await peer(script)
    expect(await failure(open(agent(), url))).toMatchObject({ code, retriable, response: undefined })
  })

  test.each(['closed', 'destroyed'])('a dispatcher that is %s', async (state) => {
    const dispatcher = new undici.Agent()
    await (state === 'closed' ? dispatcher.close() : dispatcher.destroy())
    const error = await failure(open(dispatcher, 'ws://127.0.0.1:9'))
    expect(error).toMatchObject({ code: 'CLIENT_FAILED', retriable: false, message: expect.stringContaining('closed') })
  })

  test('fields that undici does not take', async () => {
    const error = await failure(open(agent(), 'ws://127.0.0.1:9', { headers: [['Keep-Alive', 'x']] }))
    expect(error).toMatchObject({ code: 'CLIENT_FAILED', cause: { code: 'UND_ERR_INVALID_ARG' } })
  })

  describe('an abort', () => {
    test('before the call sends nothing', async () => {
      const { url, connections } = await peer(silent)
      await expect(open(agent(), url, { signal: AbortSignal.abort(REASON) })).rejects.toBe(REASON)
      expect(connections).toHaveLength(0)
    })

    test('while the server is silent ends the connection', async () => {
      const { url, connections } = await peer(silent)
      const controller = new AbortController()
      const opening = open(agent(), url, { signal: controller.signal })
      await eventually(() => expect(connections).toHaveLength(1))
      controller.abort(REASON)
      await expect(opening).rejects.toBe(REASON)
      await connections[0]?.closed
      expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    })

    test('in the middle of the body gives what has come of it', async () => {
      const controller = new AbortController()
      const { url, connections } = await peer(async (connection) => {
        await connection.readRequest()
        await connection.write('HTTP/1.1 401 Unauthorized\r\nContent-Length: 10\r\n\r\nhalf')
        setTimeout(() => controller.abort(REASON), 20)
        await leave(connection)
      })
      const outcome = await refused(agent(), url, { signal: controller.signal })
      expect(outcome).toMatchObject({ head: { status: 401 }, bodyTruncated: true })
      expect(textOf(outcome)).toBe('half')
      await connections[0]?.closed
    })

    test('of a request in a queue takes effect at once, and it is never sent', async () => {
      const answer = Promise.withResolvers<void>()
      const { url, connections } = await peer(async (connection) => {
        await connection.readRequest()
        await answer.promise
        await connection.write('HTTP/1.1 204 No Content\r\n\r\n')
        await leave(connection)
      })
      const pool = closing(new undici.Pool(originOf(url), { connections: 1 }))
      const first = pool.request({ path: '/', method: 'GET' })
      const controller = new AbortController()
      const queued = open(pool, url, { signal: controller.signal })
      await eventually(() => expect(connections).toHaveLength(1))
      controller.abort(REASON)
      await expect(queued).rejects.toBe(REASON)
      answer.resolve()
      expect((await first).statusCode).toBe(204)
      await connections[0]?.closed
    })

    test('while the dispatcher connects lets go of the connection that comes later', async () => {
      const { url, connections } = await peer(leave)
      const controller = new AbortController()
      const connect = undici.buildConnector({})
      const dispatcher = new undici.Agent({
        connect: (options, callback) => {
          controller.abort(REASON)
          connect(options, callback)
        },
      })
      await expect(open(closing(dispatcher), url, { signal: controller.signal })).rejects.toBe(REASON)
      await eventually(() => expect(connections).toHaveLength(1))
      await connections[0]?.closed
    })

    test('after the socket is open does nothing to it', async () => {
      const { url } = await server()
      const controller = new AbortController()
      const outcome = await upgraded(agent(), `${url}/echo`, { signal: controller.signal })
      expect(getEventListeners(controller.signal, 'abort')).toEqual([])
      controller.abort(REASON)
      await support.expectEcho(outcome)
    })
  })
})

interface Controller {
  readonly abort: (reason: Error) => void
  readonly rawHeaders?: unknown
}

/** What undici 8 calls. */
interface Handler {
  onRequestStart(controller: Controller | null): void
  onRequestUpgrade(controller: Controller | null, status: number, headers: object, socket: PassThrough): void
  onResponseStart(controller: Controller | null, status: number, headers: object, statusText?: string): void
  onResponseData(controller: Controller | null, chunk: Uint8Array): void
  onResponseEnd(controller: Controller | null, trailers: object): void
  onResponseError(controller: Controller | null, error: unknown): void
}

function fake(dispatch: (handler: Handler) => unknown): Dispatcher {
  return { dispatch: (_options, handler: Handler) => dispatch(handler) as boolean }
}

describe('a dispatcher that', () => {
  const URL = 'ws://fake.example'
  const accept = { upgrade: 'websocket' }

  test.each([
    [
      'throws',
      fake(() => {
        throw REASON
      }),
    ],
    ['rejects', fake(() => Promise.reject(REASON))],
    ['reports an error without a controller', fake((handler) => handler.onResponseError(null, REASON))],
    [
      'reports an error twice and then throws',
      fake((handler) => {
        handler.onResponseError(null, REASON)
        handler.onResponseError(null, new Error('Again'))
        throw new Error('And again')
      }),
    ],
  ])('%s', async (_, dispatcher) => {
    expect(await failure(open(dispatcher, URL))).toMatchObject({ code: 'CLIENT_FAILED', cause: REASON })
  })

  test.each([[undefined], [null], ['text'], [{ code: 7, message: null, statusCode: 403 }]])(
    'throws %j',
    async (thrown) => {
      const error = await failure(
        open(
          fake(() => {
            throw thrown
          }),
          URL,
        ),
      )
      expect(error).toMatchObject({ code: 'CLIENT_FAILED', cause: thrown })
    },
  )

  test('ends without an answer', async () => {
    const error = await failure(
      open(
        fake((handler) => handler.onResponseEnd(null, {})),
        URL,
      ),
    )
    expect(error).toMatchObject({ code: 'CLIENT_FAILED', message: expect.stringContaining('no answer') })
  })

  test('goes on after the end', async () => {
    const dispatcher = fake((handler) => {
      handler.onResponseStart(null, 403, { 'set-cookie': ['a', 'b'], 'x-space': ' c ' }, 'No')
      handler.onResponseData(null, Buffer.from('body'))
      handler.onResponseEnd(null, {})
      handler.onResponseData(null, Buffer.from('more'))
      handler.onResponseEnd(null, {})
      handler.onResponseError(null, REASON)
      handler.onResponseStart(null, 200, {})
    })
    const outcome = await refused(dispatcher, URL)
    expect(outcome).toMatchObject({ head: { status: 403, statusText: 'No' }, bodyTruncated: false })
    expect(outcome.head.headers.toJSON()).toEqual([
      ['set-cookie', 'a'],
      ['set-cookie', 'b'],
      ['x-space', 'c'],
    ])
    expect(textOf(outcome)).toBe('body')
  })

  test('gives names and values as bytes, values in lists, and no status text', async () => {
    const rawHeaders = [Buffer.from('X-A'), Buffer.from([0x80, 0xe9]), Buffer.from('B'), [Buffer.from('1'), '2']]
    const dispatcher = fake((handler) => {
      handler.onResponseStart({ abort: () => {}, rawHeaders }, 403, {})
      handler.onResponseEnd(null, {})
    })
    const { head } = await refused(dispatcher, URL)
    expect(head).toMatchObject({ statusText: '' })
    expect(head.headers.toJSON()).toEqual([
      ['X-A', '\u0080é'],
      ['B', '1'],
      ['B', '2'],
    ])
  })

  test('upgrades after an abort loses the socket', async () => {
    const controller = new AbortController()
    const handlers: Handler[] = []
    const opening = open(
      fake((handler) => handlers.push(handler)),
      URL,
      { signal: controller.signal },
    )
    controller.abort(REASON)
    await expect(opening).rejects.toBe(REASON)
    const socket = new PassThrough()
    handlers[0]?.onRequestUpgrade(null, 101, accept, socket)
    socket.emit('error', new Error('Late'))
    expect(socket.destroyed).toBe(true)
  })

  test('starts after an abort is told so', async () => {
    const controller = new AbortController()
    const handlers: Handler[] = []
    const opening = open(
      fake((handler) => handlers.push(handler)),
      URL,
      { signal: controller.signal },
    )
    controller.abort('a reason that is no error')
    await expect(opening).rejects.toBe('a reason that is no error')
    const reasons: unknown[] = []
    handlers[0]?.onRequestStart({ abort: (reason) => reasons.push(reason) })
    expect(reasons).toEqual([expect.any(Error)])
  })

  test('reports an error after it has handed over the socket changes nothing', async () => {
    const aborted: unknown[] = []
    const dispatcher = fake((handler) => {
      const controller = { abort: (reason: Error) => aborted.push(reason) }
      handler.onRequestStart(controller)
      handler.onRequestUpgrade(controller, 101, accept, new PassThrough())
      handler.onResponseError(controller, REASON)
    })
    expect((await upgraded(dispatcher, URL)).head.status).toBe(101)
    expect(aborted).toEqual([])
  })

  test.each([
    ['Proxy response (407) !== 200 when HTTP Tunneling', 'UND_ERR_ABORTED', 407, false],
    ['Proxy response (503) !== 200 when HTTP Tunneling', 'UND_ERR_ABORTED', 503, true],
    ['Proxy Authentication Required (407)', 'UND_ERR_INVALID_ARG', 407, false],
  ])('reports "%s"', async (message, code, proxyStatus, retriable) => {
    const dispatcher = fake((handler) => handler.onResponseError(null, Object.assign(new Error(message), { code })))
    expect(await failure(open(dispatcher, URL))).toMatchObject({ code: 'PROXY_REFUSED', proxyStatus, retriable })
  })

  test.each([
    ['UND_ERR_HEADERS_TIMEOUT', 'NETWORK_FAILED', true],
    ['UND_ERR_CONNECT_TIMEOUT', 'NETWORK_FAILED', true],
    ['UND_ERR_REDIRECT_MAX', 'REDIRECT_REFUSED', false],
    ['UND_ERR_PRX_TLS', 'TLS_FAILED', false],
    ['UND_ERR_PRX_CONN', 'CONNECTION_LOST', true],
    ['UND_ERR_SOCKS5_REPLY_2', 'PROXY_REFUSED', false],
    ['HPE_INVALID_CONSTANT', 'INVALID_RESPONSE', false],
    ['UND_ERR_NOT_SUPPORTED', 'CLIENT_FAILED', false],
  ])('reports %s: %s', async (code, expected, retriable) => {
    const dispatcher = fake((handler) => handler.onResponseError(null, Object.assign(new Error('It'), { code })))
    expect(await failure(open(dispatcher, URL))).toMatchObject({ code: expected, retriable })
  })

  test.each([
    ['text', 'text', false],
    [{ why: 'no' }, '{"why":"no"}', false],
    ['x'.repeat(70_000), 'x'.repeat(65_536), true],
    [undefined, '', true],
  ])('makes an error of a refusal', async (body, expected, bodyTruncated) => {
    const error = Object.assign(new Error('Refused'), { statusCode: 403, headers: { 'x-a': 'b' }, body })
    const outcome = await refused(
      fake((handler) => handler.onResponseError(null, error)),
      URL,
    )
    expect(outcome).toMatchObject({ head: { status: 403 }, bodyTruncated })
    expect(textOf(outcome)).toBe(expected)
  })
})
