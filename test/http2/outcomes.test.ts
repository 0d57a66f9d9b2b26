import { describe, expect, test } from 'vitest'
import {
  dataFrame,
  END_STREAM,
  ERROR_CODES,
  errorCodeOf,
  headersFrame,
  type RawHttp2Connection,
  RST_STREAM,
  rstFrame,
} from '../support/raw-http2.ts'
import { failure } from '../support/servers.ts'
import {
  answering,
  create,
  detailsOf,
  eventually,
  expectEcho,
  HTTP2,
  http2Server,
  NEGOTIATED,
  open,
  rawServer,
  requests,
  setUp,
  trust,
  welcome,
} from './support.ts'

setUp()

const REFUSAL = { ':status': '403', 'x-first': '1', 'set-cookie': 'a=1', 'x-second': '2' }
const { REFUSED_STREAM, HTTP_1_1_REQUIRED, CANCEL, NO_ERROR, INTERNAL_ERROR } = ERROR_CODES

/** The codes of the RST_STREAMs that the client has sent. */
function resets({ frames }: RawHttp2Connection): number[] {
  return frames.filter(({ type }) => type === RST_STREAM).map(errorCodeOf)
}

describe('an answer other than 200', () => {
  test.each([
    ['and the end of the stream', (id: number) => [dataFrame(id, Buffer.from('body'), END_STREAM)]],
    ['the end, and RST CANCEL', (id: number) => [dataFrame(id, Buffer.from('body'), END_STREAM), rstFrame(id, CANCEL)]],
    [
      'the end, and RST NO_ERROR',
      (id: number) => [dataFrame(id, Buffer.from('body'), END_STREAM), rstFrame(id, NO_ERROR)],
    ],
    ['in two pieces', (id: number) => [dataFrame(id, Buffer.from('bo')), dataFrame(id, Buffer.from('dy'), END_STREAM)]],
  ])('is a refusal with its headers and body: %s', async (_, rest) => {
    const { url, connections } = await rawServer(
      answering((id) => [headersFrame(id, { ...REFUSAL, 'set-cookie': 'a=1' }), ...rest(id)]),
    )
    const socket = create()
    const error = await failure(socket.connect(`${url}/path`), 'UPGRADE_REFUSED')
    expect(error.message).toContain('403')
    expect(error).toMatchObject({ retriable: false, retryAfter: undefined })
    expect(error.response).toMatchObject({ status: 403, statusText: '', httpVersion: '2', bodyTruncated: false })
    expect(error.response!.headers.toJSON()).toEqual([
      ['x-first', '1'],
      ['set-cookie', 'a=1'],
      ['x-second', '2'],
    ])
    expect(Buffer.from(error.response!.body).toString()).toBe('body')
    expect(error.attempts).toEqual([
      { url: `${url}/path`, transport: 'http2', httpVersion: '2', status: 403, error: 'UPGRADE_REFUSED' },
    ])
    expect(detailsOf(socket)).toMatchObject({ state: 'closed', httpStatusCode: 403, httpVersion: '2' })
    expect(connections.length).toBe(1)
  })

  test.each([201, 204, 301, 400, 500, 502])('is a refusal when it is %i', async (status) => {
    const { url } = await rawServer(answering((id) => [headersFrame(id, { ':status': `${status}` }, END_STREAM)]))
    const { response } = await failure(create().connect(url), 'UPGRADE_REFUSED')
    expect(response).toMatchObject({ status, body: new Uint8Array(0), bodyTruncated: false })
  })

  test.each([429, 503])('may be worth another try when it is %i', async (status) => {
    const fields = { ':status': `${status}`, 'retry-after': '7' }
    const { url } = await rawServer(answering((id) => [headersFrame(id, fields, END_STREAM)]))
    const error = await failure(create().connect(url), 'UPGRADE_REFUSED')
    expect(error).toMatchObject({ retriable: true, retryAfter: 7000 })
  })

  test('is never a reason to try HTTP/1.1', async () => {
    const server = await http2Server({ tls: trust.certificate })
    const error = await failure(create(NEGOTIATED).connect(`${server.url}/refuse?status=403`), 'UPGRADE_REFUSED')
    expect(error.response).toMatchObject({ status: 403, httpVersion: '2' })
    expect(error.response!.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(error.attempts.length).toBe(1)
    expect(server.connections()).toBe(1)
  })

  test('keeps 64 KiB of a long body, and leaves the connection usable', async () => {
    const server = await http2Server()
    const { response } = await failure(create().connect(`${server.url}/refuse?size=1000000`), 'UPGRADE_REFUSED')
    expect(response).toMatchObject({ status: 403, bodyTruncated: true })
    expect(response!.body.length).toBe(65_536)
    await server.connects[0]!.closed
    await expectEcho(await open(`${server.url}/echo`))
    expect(server.connections()).toBe(1)
  })

  test('is a refusal all the same when its body does not end', async () => {
    const { url, connections } = await rawServer(
      answering((id) => [headersFrame(id, REFUSAL), dataFrame(id, Buffer.from('begun'))]),
    )
    const error = await failure(create({ ...HTTP2, handshakeTimeout: 60 }).connect(url), 'UPGRADE_REFUSED')
    expect(error.response).toMatchObject({ body: new Uint8Array(Buffer.from('begun')), bodyTruncated: true })
    await eventually(() => expect(resets(connections[0]!)).toEqual([CANCEL]))
  })

  test('is a refusal all the same when its body is reset', async () => {
    const { url } = await rawServer(
      answering((id) => [headersFrame(id, REFUSAL), dataFrame(id, Buffer.from('begun')), rstFrame(id, INTERNAL_ERROR)]),
    )
    const error = await failure(create().connect(url), 'UPGRADE_REFUSED')
    expect(error.response).toMatchObject({ status: 403, bodyTruncated: true })
  })

  test('may have interim answers before it', async () => {
    const { url } = await rawServer(
      answering((id) => [headersFrame(id, { ':status': '103', link: '</x>' }), ...welcome(id)]),
    )
    const socket = await open(url)
    expect(socket.httpStatusCode).toBe(200)
    expect(socket.httpResponseHeaders?.has('link')).toBe(false)
    expect(await socket.receive()).toBe('welcome')
  })
})

describe('a RST_STREAM before the answer', () => {
  const others = Object.entries(ERROR_CODES).filter(([, code]) => code !== REFUSED_STREAM && code !== HTTP_1_1_REQUIRED)

  test.each(others)('of %s fails the connect at once', async (name, code) => {
    const { url, connections } = await rawServer(
      answering((id) => [rstFrame(id, code)]),
      { tls: trust.certificate },
    )
    const error = await failure(create(NEGOTIATED).connect(url), 'STREAM_RESET')
    expect(error.message).toContain(name)
    expect(error.response).toBeUndefined()
    expect(error.attempts).toMatchObject([{ httpVersion: '2', status: 0, error: 'STREAM_RESET' }])
    expect(connections.map(requests)).toEqual([[1]])
  })

  test.each([
    ['ENHANCE_YOUR_CALM', true],
    ['NO_ERROR', true],
    ['PROTOCOL_ERROR', false],
    ['INADEQUATE_SECURITY', false],
  ] as const)('of %s says whether another try is worth it', async (name, retriable) => {
    const { url } = await rawServer(answering((id) => [rstFrame(id, ERROR_CODES[name])]))
    expect(await failure(create().connect(url))).toMatchObject({ code: 'STREAM_RESET', retriable })
  })

  test.each([1, 2])('of REFUSED_STREAM is tried again, %i times', async (times) => {
    const { url, connections } = await rawServer(async (connection) => {
      await connection.start()
      for (let i = 0; i < times; i++) await connection.write(rstFrame(await connection.nextRequest(), REFUSED_STREAM))
      await connection.write(...welcome(await connection.nextRequest()))
    })
    expect(await (await open(url)).receive()).toBe('welcome')
    expect(connections.flatMap(requests).length).toBe(times + 1)
  })

  test('of REFUSED_STREAM again and again fails after three tries', async () => {
    const { url, connections } = await rawServer(async (connection) => {
      await connection.start()
      for (;;) await connection.write(rstFrame(await connection.nextRequest(), REFUSED_STREAM))
    })
    const error = await failure(create().connect(url), 'STREAM_RESET')
    expect(error).toMatchObject({ retriable: true, response: undefined })
    expect(error.message).toContain('REFUSED_STREAM')
    expect(connections.flatMap(requests).length).toBe(3)
  })

  test('of HTTP_1_1_REQUIRED goes on with HTTP/1.1 where it may', async () => {
    const server = await http2Server({
      tls: trust.certificate,
      onConnect: (stream) => {
        stream.close(HTTP_1_1_REQUIRED)
        return true
      },
    })
    const socket = await open(`${server.url}/echo`, NEGOTIATED)
    expect(detailsOf(socket)).toMatchObject({ httpVersion: '1.1', httpStatusCode: 101, transport: 'tcp' })
    await expectEcho(socket)
    expect(server.offers).toEqual([['h2', 'http/1.1'], ['http/1.1']])
  })

  test('of HTTP_1_1_REQUIRED fails the connect where nothing but HTTP/2 may be spoken', async () => {
    const { url, connections } = await rawServer(answering((id) => [rstFrame(id, HTTP_1_1_REQUIRED)]))
    const error = await failure(create().connect(url), 'STREAM_RESET')
    expect(error.message).toContain('HTTP_1_1_REQUIRED')
    expect(error.retriable).toBe(false)
    expect(connections.length).toBe(1)
  })

  test('after which HTTP/1.1 fails as well shows both on the error', async () => {
    const server = await http2Server({
      tls: trust.certificate,
      onConnect: (stream) => {
        stream.close(HTTP_1_1_REQUIRED)
        return true
      },
    })
    const error = await failure(create(NEGOTIATED).connect(`${server.url}/refuse?status=401`), 'UPGRADE_REFUSED')
    expect(error.attempts).toMatchObject([
      { transport: 'http2', httpVersion: '2', status: 0, error: 'STREAM_RESET' },
      { transport: 'tcp', httpVersion: '1.1', status: 401, error: 'UPGRADE_REFUSED' },
    ])
  })
})
