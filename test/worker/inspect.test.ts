import { deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningWorker, startWorker } from '../support/miniflare.ts'
import { startWebSocketServer } from '../support/websocket-server.ts'
import { addressOf } from './calls.ts'
import { type Refusal, Upstream } from './upstream.ts'

describe('/inspect', () => {
  let server: Awaited<ReturnType<typeof startWebSocketServer>>
  let worker: RunningWorker

  beforeAll(async () => {
    server = await startWebSocketServer()
    const secrets = JSON.stringify({ [server.url]: { 'x-secret': 'hidden' } })
    worker = await startWorker({ UPSTREAMS: server.url, UPSTREAM_HEADERS: secrets })
  })
  afterAll(async () => {
    await worker.close()
    await server.close()
  })

  const inspect = async (path: string, more = '') => {
    const response = await fetch(addressOf(worker, 'inspect', `${server.url}${path}`) + more)
    return { status: response.status, text: await response.text() }
  }

  test('tells what an upgrade was answered with, and how long it took', async () => {
    const { status, text } = await inspect('/headers')
    const answer = JSON.parse(text)
    expect(status).toBe(200)
    expect(answer).toMatchObject({ open: true, status: 101, statusText: 'Switching Protocols', httpVersion: '1.1' })
    expect(answer.headers).toContainEqual(['x-hello', 'world'])
    expect(answer.headers.filter(([name]: string[]) => name === 'set-cookie')).toHaveLength(2)
    expect(answer.times).toEqual({ answer: expect.any(Number), close: expect.any(Number) })
    expect(answer.times.close).toBeGreaterThanOrEqual(0)
  })

  test('offers subprotocols, and tells the chosen one', async () => {
    const { text } = await inspect('/subprotocols?choose=b', '&subprotocols=a,%20b')
    expect(JSON.parse(text)).toMatchObject({ open: true, subprotocol: 'b', extensions: '' })
  })

  test.each(['fetch', 'tcp'])('asks over the transport that it is told: %s', async (transport) => {
    const { text } = await inspect('/echo', `&transport=${transport}`)
    expect(JSON.parse(text)).toMatchObject({ open: true, transport })
  })

  test('tells how an upgrade was refused, and whether to retry', async () => {
    const { text } = await inspect('/refuse?status=503&retry-after=7')
    const answer = JSON.parse(text)
    expect(answer).toMatchObject({
      open: false,
      code: 'UPGRADE_REFUSED',
      status: 503,
      retriable: true,
      retryAfter: 7000,
    })
    expect(answer).toMatchObject({ body: 'refused', bodyTruncated: false, attempts: [{ status: 503 }] })
    expect(answer.headers).toContainEqual(['x-reason', 'no'])
    expect(answer.message).toContain('503')
  })

  test('shows no more than the first 64 KiB of a body', async () => {
    const answer = JSON.parse((await inspect('/refuse?size=100000')).text)
    expect(answer.body).toHaveLength(65_536)
    expect(answer.bodyTruncated).toBe(true)
  })

  test('does not follow a redirect', async () => {
    const before = server.requests.length
    const { text } = await inspect(`/redirect?to=${encodeURIComponent(`${server.url}/echo`)}`)
    expect(JSON.parse(text)).toMatchObject({ open: false, status: 302, retriable: false })
    expect(server.requests.length - before).toBe(1)
  })

  test('keeps the secrets to itself', async () => {
    const { text } = await inspect('/headers')
    expect(server.requests.at(-1)!.rawHeaders).not.toContain('x-secret')
    expect(text).not.toContain('hidden')
  })

  test.each([
    ['&transport=pigeon', 'transport'],
    ['&subprotocols=a,a', 'subprotocol'],
    ['&subprotocols=a%20b', 'subprotocol'],
  ])('refuses what cannot be asked: %s', async (more, named) => {
    const { status, text } = await inspect('/echo', more)
    expect(status).toBe(400)
    expect(text.toLowerCase()).toContain(named)
  })
})

describe('/inspect shows a body that came in a content coding', () => {
  let upstream: Upstream
  let worker: RunningWorker

  beforeAll(async () => {
    upstream = await Upstream.start()
    worker = await startWorker({ UPSTREAMS: upstream.url })
  })
  afterAll(async () => {
    await worker.close()
    await upstream[Symbol.asyncDispose]()
  })

  const bodyOf = async (coding: string, body: Refusal['body'], transport = 'fetch') => {
    upstream.refusal = { status: 403, headers: [`content-encoding: ${coding}`], body: body! }
    const response = await fetch(`${addressOf(worker, 'inspect', upstream.url)}&transport=${transport}`)
    const { body: shown, bodyCoding, bodyTruncated, headers } = (await response.json()) as Record<string, unknown>
    expect(headers).toContainEqual(['content-encoding', coding])
    return { shown, bodyCoding, bodyTruncated }
  }

  test.each(['fetch', 'tcp'])('decoded, if it is one that is known: over %s', async (transport) => {
    const whole = { shown: 'Not you', bodyCoding: undefined, bodyTruncated: false }
    expect(await bodyOf('gzip', gzipSync('Not you'), transport)).toEqual(whole)
    expect(await bodyOf('deflate', deflateSync('Not you'), transport)).toEqual(whole)
    expect(await bodyOf('identity', 'Not you', transport)).toEqual(whole)
  })

  test('by the name of the coding, if it cannot be undone', async () => {
    expect(await bodyOf('zstd', 'no zstd')).toEqual({ shown: undefined, bodyCoding: 'zstd', bodyTruncated: false })
    expect(await bodyOf('gzip', 'no gzip')).toEqual({ shown: undefined, bodyCoding: 'gzip', bodyTruncated: false })
  })

  test('as far as it goes, if it was cut off', async () => {
    const text = Buffer.from('Not you. '.repeat(1000))
    const { shown, bodyTruncated } = await bodyOf('gzip', gzipSync(text).subarray(0, -4))
    expect(bodyTruncated).toBe(true)
    expect(String(text)).toContain(shown)
  })

  test('up to 64 KiB, however small it was', async () => {
    const { shown, bodyTruncated } = await bodyOf('gzip', gzipSync(Buffer.alloc(10_000_000, 'x')))
    expect(shown).toBe('x'.repeat(65_536))
    expect(bodyTruncated).toBe(true)
  })
})
