import { getEventListeners, once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { buildRequest } from '../../src/handshake/request.ts'
import { type Address, tcp } from '../../src/transport/tcp.ts'
import { type Authority, type Certificate, createAuthority } from '../support/certificates.ts'
import {
  cleanUp,
  cleanUpAfterEach,
  collect,
  failure,
  open,
  peer,
  refused,
  server,
  upgraded,
} from '../support/dialing.ts'
import { frame, startScriptedPeer } from '../support/scripted-peer.ts'

const HEAD = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX-A: b\r\n\r\n'

let authority: Authority
let certificate: Certificate
beforeAll(async () => {
  authority = await createAuthority()
  certificate = await authority.issue()
})

cleanUpAfterEach()

describe('the request', () => {
  test('goes out as one GET with the fields in order', async () => {
    let head = ''
    const { url, port } = await peer(async (connection) => {
      head = (await connection.readRequest()).head
      await connection.accept()
    })
    await upgraded(`${url}/a/b?c=d`)
    const lines = ['GET /a/b?c=d HTTP/1.1', `Host: 127.0.0.1:${port}`, 'Connection: Upgrade', 'Upgrade: websocket']
    const own = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: KEY', 'Sec-WebSocket-Protocol: a, b', 'X-Mine: yes']
    expect(head.replace(/Key: .{22}==/, 'Key: KEY')).toBe(`${[...lines, ...own].join('\r\n')}\r\n\r\n`)
  })

  test.each([
    ['ws://example.com/', { hostname: 'example.com', port: 80, secure: false, origin: 'ws://example.com' }],
    ['wss://example.com/x?y', { hostname: 'example.com', port: 443, secure: true, origin: 'wss://example.com' }],
    ['wss://[::1]:8443/', { hostname: '::1', port: 8443, secure: true, origin: 'wss://[::1]:8443' }],
    ['ws://u:p@127.0.0.1:1/', { hostname: '127.0.0.1', port: 1, secure: false, origin: 'ws://127.0.0.1:1' }],
  ])('to %s dials the right address', async (url, expected) => {
    const dialed: Address[] = []
    const transport = tcp((address) => {
      dialed.push(address)
      return Promise.reject(new Error('enough'))
    })
    const request = buildRequest(new URL(url), { headers: [], subprotocols: [] })
    await expect(transport(request, new AbortController().signal)).rejects.toThrow('enough')
    expect(dialed).toEqual([expected])
  })
})

describe('a server that switches protocols', () => {
  test('gives its head and a stream in both directions', async () => {
    const { url } = await peer(async (connection) => {
      await connection.accept(['X-Twice: 1', 'x-twice: 2'])
      await connection.write(`got ${await connection.read()}`)
    })
    const outcome = await upgraded(url)
    expect(outcome.head).toMatchObject({ status: 101, statusText: 'Switching Protocols', httpVersion: '1.1' })
    expect(outcome.head.headers.getAll('x-twice')).toEqual(['1', '2'])
    const received = collect(outcome)
    const released = vi.fn()
    outcome.stream.write([Buffer.from('some'), Buffer.from('thing')], released)
    await vi.waitFor(() => expect(received.text()).toBe('got something'))
    expect(released).toHaveBeenCalledOnce()
  })

  test('may send its head byte by byte', async () => {
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      for (const byte of HEAD) {
        await connection.write(byte)
        await new Promise(setImmediate)
      }
    })
    expect((await upgraded(url)).head.headers.get('x-a')).toBe('b')
  })

  test('may send frames together with its head and after it; nothing is lost while nobody listens', async () => {
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.write(Buffer.concat([Buffer.from(connection.acceptance()), frame(1, 'one'), frame(1, 'tw')]))
      await new Promise((resolve) => setTimeout(resolve, 20))
      await connection.write(frame(1, 'three'))
      connection.end()
    })
    const outcome = await upgraded(url)
    await new Promise((resolve) => setTimeout(resolve, 60))
    // Another connection reads into the same memory meanwhile.
    const echo = await server()
    await refused(`${echo.url}/refuse?size=5000`)
    const received = collect(outcome)
    await received.ended
    expect(received.text()).toBe('\x81\x03one\x81\x02tw\x81\x05three')
  })

  test('is stopped by a pause', async () => {
    const total = 64 * 65_546
    for (const tls of [undefined, certificate]) {
      const sender = await server(tls)
      const outcome = await upgraded(`${sender.url}/messages?count=64&size=65536`, { tls: { ca: authority.ca } })
      const received = collect(outcome)
      outcome.stream.pause()
      await new Promise((resolve) => setTimeout(resolve, 50))
      const whilePaused = received.text().length
      expect(whilePaused).toBeLessThan(total)
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect(received.text()).toHaveLength(whilePaused)
      outcome.stream.resume()
      await vi.waitFor(() => expect(received.text()).toHaveLength(total))
    }
  })

  test('may end its direction and still read ours, over TCP and TLS', async () => {
    for (const tls of [undefined, certificate]) {
      const heard = Promise.withResolvers<string>()
      const { url } = await peer(async (connection) => {
        await connection.accept()
        connection.end()
        heard.resolve(String(await connection.read()))
        await connection.readEnd()
      }, tls)
      const outcome = await upgraded(url, { tls: { ca: authority.ca } })
      const received = collect(outcome)
      await received.ended
      outcome.stream.write([Buffer.from('last words')], () => {})
      outcome.stream.end()
      expect(await heard.promise).toBe('last words')
      expect(await received.closed).toBeUndefined()
    }
  })

  test('leaves no listener on the signal, which no longer matters', async () => {
    const controller = new AbortController()
    const { url } = await peer((connection) => connection.accept())
    const outcome = await upgraded(url, { signal: controller.signal })
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    controller.abort()
    const closed = vi.fn()
    void collect(outcome).closed.then(closed)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(closed).not.toHaveBeenCalled()
  })
})

describe('a server that refuses', () => {
  test.each(['length', 'chunked', 'close'])('is read to the end of a body framed by %s', async (framing) => {
    const { url } = await server()
    const { head, body, bodyTruncated } = await refused(`${url}/refuse?status=429&framing=${framing}&retry-after=7`)
    expect(head).toMatchObject({ status: 429, statusText: 'Too Many Requests' })
    expect(head.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(head.headers.get('retry-after')).toBe('7')
    expect(Buffer.from(body).toString()).toBe('refused')
    expect(bodyTruncated).toBe(false)
  })

  test('has its connection ended, though it would keep it open', async () => {
    const { url, connections } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.write('HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno')
      await connection.readEnd()
      connection.end()
    })
    const { body, bodyTruncated } = await refused(url)
    expect(Buffer.from(body).toString()).toBe('no')
    expect(bodyTruncated).toBe(false)
    await connections[0]?.closed
  })

  test('is read no further than 64 KiB of its body', async () => {
    const { url } = await server()
    const { body, bodyTruncated } = await refused(`${url}/refuse?size=1000000`)
    expect(body).toHaveLength(65_536)
    expect(bodyTruncated).toBe(true)
  })

  test.each(['end', 'reset'] as const)('may cut its body by its %s', async (how) => {
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.write('HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\npart')
      await new Promise((resolve) => setTimeout(resolve, 20))
      connection[how]()
    })
    const { head, body, bodyTruncated } = await refused(url)
    expect([head.status, Buffer.from(body).toString(), bodyTruncated]).toEqual([500, 'part', true])
  })

  test('and never ends its body, is given as far as it came when the caller aborts', async () => {
    const controller = new AbortController()
    const { url, connections } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.write('HTTP/1.1 403 No\r\n\r\npart')
      await new Promise((resolve) => setTimeout(resolve, 20))
      controller.abort()
      await connection.readEnd()
      connection.end()
    })
    const { head, body, bodyTruncated } = await refused(url, { signal: controller.signal })
    expect([head.status, Buffer.from(body).toString(), bodyTruncated]).toEqual([403, 'part', true])
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    await connections[0]?.closed
  })
})

describe('a connection that fails', () => {
  test('because nothing listens', async () => {
    const closed = await startScriptedPeer(() => {})
    await closed.close()
    const error = await failure(open(`ws://user:secret@127.0.0.1:${closed.port}/path?token=1`))
    expect(error).toMatchObject({ code: 'CONNECTION_REFUSED', retriable: true, cause: { code: 'ECONNREFUSED' } })
    expect(error.message).not.toMatch(/secret|token/)
  })

  test('because the host has no address', async () => {
    const error = await failure(open('ws://hawser.invalid/'))
    expect(error.code).toBe('HOST_NOT_FOUND')
  })

  test.each([0, 1, 12, HEAD.length - 2, HEAD.length - 1])(
    'because the server ends it after %d bytes',
    async (length) => {
      const { url } = await peer(async (connection) => {
        await connection.readRequest()
        await connection.write(HEAD.slice(0, length))
        connection.end()
        await connection.readEnd()
      })
      const error = await failure(open(url))
      expect(error).toMatchObject({ code: 'CONNECTION_LOST', retriable: true, response: undefined })
      const arrived = length === 0 ? 'before any response' : `after ${length} bytes of the response's head`
      expect(error.message).toBe(`Cannot connect to ${url}: the server ended the connection ${arrived}`)
    },
  )

  test.each([0, 12])('because the server resets it after %d bytes', async (length) => {
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      if (length > 0) await connection.write(HEAD.slice(0, length))
      await new Promise((resolve) => setTimeout(resolve, 20))
      connection.reset()
    })
    const error = await failure(open(url))
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', retriable: true, cause: { code: 'ECONNRESET' } })
  })

  test.each(['SSH-2.0-OpenSSH_9.6\r\n', 'HTTP/1.1 101\nUpgrade: websocket\n\n', '\x15\x03\x01\x00\x02\x02\x46'])(
    'because the answer %j is not HTTP',
    async (garbage) => {
      const { url, connections } = await peer(async (connection) => {
        await connection.write(garbage)
        await connection.readRequest()
        await connection.readEnd()
        connection.end()
      })
      expect(await failure(open(url))).toMatchObject({ code: 'INVALID_RESPONSE', retriable: false })
      await connections[0]?.closed
    },
  )
})

describe('an abort', () => {
  test('before anything rejects without any I/O', async () => {
    const { url, connections } = await peer(() => {})
    const reason = new Error('mine')
    await expect(open(url, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(connections).toEqual([])
  })

  test('while connecting rejects with the reason', async () => {
    const { url } = await peer(() => {})
    const controller = new AbortController()
    const opening = open(url, { signal: controller.signal })
    controller.abort('mine')
    await expect(opening).rejects.toBe('mine')
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  test('while the server is silent rejects with the reason and ends the connection', async () => {
    const controller = new AbortController()
    const { url, connections } = await peer(async (connection) => {
      await connection.readRequest()
      controller.abort('mine')
      await connection.readEnd()
      connection.end()
    })
    await expect(open(url, { signal: controller.signal })).rejects.toBe('mine')
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    await connections[0]?.closed
  })

  test('within the head rejects with the reason', async () => {
    const controller = new AbortController()
    const { url } = await peer(async (connection) => {
      await connection.readRequest()
      await connection.write(HEAD.slice(0, 20))
      await new Promise((resolve) => setTimeout(resolve, 20))
      controller.abort('mine')
      await connection.readEnd()
    })
    await expect(open(url, { signal: controller.signal })).rejects.toBe('mine')
  })

  test('while TLS is being agreed on rejects with the reason and ends the connection', async () => {
    const silent = createServer()
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    cleanUp(() => new Promise((resolve) => silent.close(resolve)))
    const controller = new AbortController()
    const { port } = silent.address() as AddressInfo
    const opening = open(`wss://127.0.0.1:${port}`, { signal: controller.signal })
    const [socket] = (await once(silent, 'connection')) as [Socket]
    socket.on('error', () => {})
    await once(socket, 'data')
    controller.abort('mine')
    await expect(opening).rejects.toBe('mine')
    await once(socket, 'close')
  })
})
