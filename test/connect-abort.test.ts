import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { Agent } from 'undici'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { ClientWebSocket, type ClientWebSocketOptions, connect } from '../src/index.ts'
import { type Authority, createAuthority } from './support/certificates.ts'
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

let authority: Authority
beforeAll(async () => {
  authority = await createAuthority()
})

const REASON = { mine: true }
/** What vitest needs. */
const AT_FIRST = openHandles()

/** Connects, and aborts by the signal once `when` has come. */
async function abortedWhen(
  socket: ClientWebSocket,
  url: string,
  when: () => Promise<unknown> | undefined,
): Promise<void> {
  const controller = new AbortController()
  const connected = rejection(socket.connect(url, { signal: controller.signal }))
  await when()
  controller.abort(REASON)
  expect(await connected).toBe(REASON)
  expect(socket).toMatchObject({ state: 'closed', httpStatusCode: 0 })
}

const TRANSPORTS: Readonly<Record<string, () => ClientWebSocketOptions>> = {
  tcp: () => ({ tls: { ca: authority.ca } }),
  dispatcher: () => {
    const dispatcher = new Agent({ connect: { ca: authority.ca } })
    onTestFinished(() => dispatcher.destroy())
    return { dispatcher }
  },
}

describe.each(Object.keys(TRANSPORTS))('over %s, the signal ends connecting with its own reason', (transport) => {
  const create = (options: ClientWebSocketOptions = {}) =>
    new ClientWebSocket({ ...TRANSPORTS[transport]!(), ...options })

  test('before anything is sent', async () => {
    const { url, connections } = await server()
    const reason = await rejection(create().connect(url, { signal: AbortSignal.abort(REASON) }))
    expect(reason).toBe(REASON)
    expect(connections()).toBe(0)
  })

  test('while the connection is made', async () => {
    const { url } = await server()
    await abortedWhen(create(), `${url}/echo`, () => undefined)
    await abortedWhen(create(), 'ws://hawser.invalid/', () => undefined)
  })

  test('while TLS is agreed on', async () => {
    const connected = Promise.withResolvers<Socket>()
    const mute = untilFinished(createServer((socket) => connected.resolve(socket.resume())).listen(0, '127.0.0.1'))
    await once(mute, 'listening')
    await abortedWhen(create(), `wss://127.0.0.1:${(mute.address() as AddressInfo).port}`, () => connected.promise)
    // undici does not give up connecting by itself.
    ;(await connected.promise).destroy()
  })

  test('while the server thinks', async () => {
    const asked = Promise.withResolvers<void>()
    const { url, connections } = await peer(async (connection) => {
      await connection.readRequest()
      asked.resolve()
    })
    await abortedWhen(create(), url, () => asked.promise)
    await connections[0]!.readEnd()
  })

  test('while a redirect is followed', async () => {
    const asked = Promise.withResolvers<void>()
    const silent = await peer(async (connection) => {
      await connection.readRequest()
      asked.resolve()
    })
    const { url } = await server()
    const to = encodeURIComponent(silent.url)
    await abortedWhen(create({ redirect: 'follow' }), `${url}/redirect?to=${to}`, () => asked.promise)
    await silent.connections[0]!.readEnd()
  })

  test('while the body of a refusal comes', async () => {
    const answered = Promise.withResolvers<void>()
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.write('HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\nbegun')
      answered.resolve()
    })
    await abortedWhen(create(), url, () => answered.promise)
  })

  test('and has no effect once the socket is open', async () => {
    const { url } = await server()
    const controller = new AbortController()
    const options = { ...TRANSPORTS[transport]!(), signal: controller.signal }
    const socket = aborted(await connect(`${url}/echo`, options))
    controller.abort(REASON)
    await socket.send('still here')
    expect(await socket.receive()).toBe('still here')
  })
})

test.each(['setCookie', 'getCookieString'] as const)(
  'the signal ends connecting in the middle of %s',
  async (method) => {
    const { url } = await server()
    const controller = new AbortController()
    const cookies = { getCookieString: () => '', setCookie: () => {} }
    const socket = new ClientWebSocket({
      cookies: {
        ...cookies,
        [method]: () => {
          controller.abort(REASON)
          return ''
        },
      },
    })
    expect(await rejection(socket.connect(`${url}/headers`, { signal: controller.signal }))).toBe(REASON)
    expect(socket.state).toBe('closed')
  },
)

test('a handshake whose time is up while its answer is judged does not open, though it is aborted then', async () => {
  const { url } = await server()
  const digest = vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined)
  const subtle = crypto.subtle.digest.bind(crypto.subtle)
  const socket = new ClientWebSocket({ handshakeTimeout: 700 })
  const slow = vi.spyOn(crypto.subtle, 'digest').mockImplementation(async (...given) => {
    await new Promise((resolve) => setTimeout(resolve, 800))
    socket.abort(REASON)
    return await subtle(...given)
  })
  try {
    const error = await rejection(socket.connect(`${url}/echo`))
    expect(error).toMatchObject({ code: 'HANDSHAKE_TIMEOUT' })
    expect(socket.state).toBe('aborted')
  } finally {
    digest.mockRestore()
    slow.mockRestore()
  }
})

test('an abort at the very moment of success leaves nothing behind', async () => {
  const { url } = await server()
  for (let ticks = 0; ticks < 12; ticks++) {
    const socket = new ClientWebSocket({
      cookies: {
        getCookieString: () => '',
        setCookie: async () => {
          for (let i = 0; i < ticks; i++) await undefined
          void Promise.resolve().then(() => socket.abort(REASON))
        },
      },
    })
    // It may have been too late for `connect`, but not for the connection.
    const outcome = await socket.connect(`${url}/headers`).catch((error: unknown) => error)
    expect([undefined, REASON]).toContain(outcome)
    await vi.waitFor(() => expect(socket.state).toBe('aborted'))
  }
  await handlesBecome(AT_FIRST)
})

test('nothing is left of a connect that failed', async () => {
  const silent = await server()
  const { port } = silent
  await failure(new ClientWebSocket({ handshakeTimeout: 30 }).connect(`${silent.url}/silent`), 'HANDSHAKE_TIMEOUT')
  await failure(new ClientWebSocket().connect(`${silent.url}/refuse`))
  await failure(new ClientWebSocket().connect(`wss://127.0.0.1:${port}`), 'TLS_FAILED')
  await rejection(new ClientWebSocket().connect(`${silent.url}/silent`, { signal: AbortSignal.timeout(10) }))
  vi.stubEnv('HTTP_PROXY', 'not a URL')
  await rejection(new ClientWebSocket({ proxy: 'env' }).connect(silent.url))
  vi.unstubAllEnvs()
  await handlesBecome(AT_FIRST)
})
