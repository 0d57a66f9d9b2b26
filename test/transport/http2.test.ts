import { getEventListeners } from 'node:events'
import { type ClientHttp2Session, connect, constants } from 'node:http2'
import { describe, expect, test, vi } from 'vitest'
import { OptionsError } from '../../src/errors.ts'
import type { HeaderField } from '../../src/http-headers.ts'
import { extendedConnect, type Unanswered } from '../../src/transport/http2.ts'
import { Http2Connection } from '../../src/transport/http2-connection.ts'
import {
  afterwards,
  cleanUpAfterEach,
  collect,
  eventually,
  later,
  NEVER,
  rawServer,
  refused,
  requestTo,
  streamServer,
  upgraded,
} from '../support/http2-dialing.ts'
import { dataFrame, END_STREAM, headersFrame, rstFrame } from '../support/raw-http2.ts'

cleanUpAfterEach()

/** A connection to a server, whose SETTINGS have come. */
async function connectionTo(url: string): Promise<Http2Connection> {
  const session: ClientHttp2Session = connect(url.replace('ws', 'http'))
  session.on('error', () => {})
  afterwards(() => session.destroy())
  const connection = new Http2Connection(session)
  connection.retain()
  await connection.settled(NEVER)
  return connection
}

interface Asked {
  readonly outcome: ReturnType<typeof extendedConnect>
  readonly release: ReturnType<typeof vi.fn<() => void>>
}

async function ask(
  url: string,
  { signal = NEVER, headers = [], path = '/' }: { signal?: AbortSignal; headers?: HeaderField[]; path?: string } = {},
): Promise<Asked> {
  const connection = await connectionTo(url)
  const release = vi.fn<() => void>()
  const lease = { connection, isReused: false, release }
  return { outcome: extendedConnect(lease, requestTo(`${url}${path}`, headers), signal), release }
}

function answered(outcome: Asked['outcome']) {
  return outcome.then((result) => {
    if ('error' in result) throw result.error
    return result
  })
}

async function unanswered(outcome: Asked['outcome']): Promise<Unanswered> {
  const result = await outcome
  if (!('error' in result)) throw new Error('There was an answer')
  return result
}

describe('the request', () => {
  test('is an extended CONNECT without a key, its names in lower case', async () => {
    const { url } = await streamServer((stream) => stream.respond({ ':status': 200 }))
    const connection = await connectionTo(url)
    const request = vi.spyOn(connection.session, 'request')
    const fields: HeaderField[] = [
      ['Host', 'elsewhere.example'],
      ['X-Mine', 'one'],
      ['X-Mine', 'two'],
      ['X-Latin', '\u00e9\u00ff'],
    ]
    const lease = { connection, isReused: false, release: () => {} }
    await upgraded(answered(extendedConnect(lease, requestTo(`${url}/a/b?c=d`, fields), NEVER)))
    expect(request.mock.calls[0]![0]).toEqual({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': 'http',
      ':authority': 'elsewhere.example',
      ':path': '/a/b?c=d',
      'sec-websocket-version': '13',
      'sec-websocket-protocol': 'a, b',
      'x-mine': ['one', 'two'],
      'x-latin': '\u00e9\u00ff',
    })
  })

  test('keeps the octets of a value', async () => {
    const seen = Promise.withResolvers<unknown>()
    const { url } = await streamServer((stream, headers) => {
      seen.resolve(headers['x-latin'])
      stream.respond({ ':status': 200 })
    })
    const { outcome } = await ask(url, { headers: [['X-Latin', '\u00e9\u00ff']] })
    await upgraded(answered(outcome))
    expect(await seen.promise).toBe('\u00e9\u00ff')
  })

  test('that HTTP/2 cannot send is an OptionsError, and gives the stream back', async () => {
    const { url } = await streamServer(() => {})
    const fields: HeaderField[] = [
      ['Authorization', 'secret one'],
      ['Authorization', 'secret two'],
    ]
    const { outcome, release } = await ask(url, { headers: fields })
    const error = await outcome.catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(OptionsError)
    expect(error).toMatchObject({ option: 'headers' })
    expect((error as Error).message).toContain('authorization')
    expect((error as Error).message).not.toContain('secret')
    expect(release).toHaveBeenCalledOnce()
  })
})

describe('an answer of 200', () => {
  test('gives its fields in order, repeated ones kept, and a stream in both directions', async () => {
    const { url } = await streamServer((stream) => {
      stream.respond({ ':status': 200, 'set-cookie': ['a=1', 'b=2'], 'x-latin': '\u00e9' })
      stream.on('data', (bytes: Buffer) => stream.write(`got ${bytes}`))
    })
    const { outcome, release } = await ask(url)
    const opened = await upgraded(answered(outcome))
    expect(opened.head).toMatchObject({ status: 200, statusText: '', httpVersion: '2' })
    expect(opened.head.headers.toJSON().filter(([name]) => name !== 'date')).toEqual([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['x-latin', '\u00e9'],
    ])
    const received = collect(opened)
    const released = vi.fn()
    opened.stream.write([Buffer.from('some'), Buffer.from('thing')], released)
    await eventually(() => expect(received.text()).toBe('got something'))
    expect(released).toHaveBeenCalledExactlyOnceWith(true)
    expect(release).not.toHaveBeenCalled()
    opened.stream.destroy()
    expect(await received.closed).toBeUndefined()
    await eventually(() => expect(release).toHaveBeenCalledOnce())
  })

  test('may have data behind it at once; nothing is lost while nobody listens', async () => {
    const { url } = await rawServer(async (connection) => {
      await connection.start()
      const id = await connection.nextRequest()
      await connection.write(headersFrame(id, { ':status': '200' }), dataFrame(id, Buffer.from('one ')))
      await connection.write(dataFrame(id, Buffer.from('two ')))
      await later(20)
      await connection.write(dataFrame(id, Buffer.from('three')), rstFrame(id, constants.NGHTTP2_CANCEL))
    })
    const { outcome } = await ask(url)
    const opened = await upgraded(answered(outcome))
    await later(50)
    const received = collect(opened)
    expect(await received.closed).toBeInstanceOf(Error)
    expect(received.text()).toBe('one two three')
  })
})

describe('any other answer', () => {
  test('is a refusal with as much of its body as has come when the signal aborts', async () => {
    const { url, streams } = await streamServer((stream) => {
      stream.respond({ ':status': 503 })
      stream.write('begun')
    })
    const controller = new AbortController()
    const { outcome, release } = await ask(url, { signal: controller.signal })
    await eventually(() => expect(streams.length).toBe(1))
    await later(20)
    controller.abort('enough')
    const answer = await refused(answered(outcome))
    expect(answer).toMatchObject({ head: { status: 503 }, bodyTruncated: true })
    expect(Buffer.from(answer.body).toString()).toBe('begun')
    await eventually(() => expect(streams[0]!.rstCode).toBe(constants.NGHTTP2_CANCEL))
    await eventually(() => expect(release).toHaveBeenCalledOnce())
  })

  test('keeps a body that is reset in the same moment', async () => {
    const { url } = await rawServer(async (connection) => {
      await connection.start()
      const id = await connection.nextRequest()
      const body = [dataFrame(id, Buffer.from('no ')), dataFrame(id, Buffer.from('way'), END_STREAM)]
      await connection.write(headersFrame(id, { ':status': '403' }), ...body, rstFrame(id, constants.NGHTTP2_CANCEL))
    })
    const answer = await refused(answered((await ask(url)).outcome))
    expect(Buffer.from(answer.body).toString()).toBe('no way')
    expect(answer.bodyTruncated).toBe(false)
  })

  test('leaves nothing on the signal', async () => {
    const { url } = await streamServer((stream) => {
      stream.respond({ ':status': 404 })
      stream.end()
    })
    const { signal } = new AbortController()
    await refused(answered((await ask(url, { signal })).outcome))
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})

describe('no answer', () => {
  test('because of an abort resets the stream, and gives the reason', async () => {
    const { url, streams } = await streamServer(() => {})
    const controller = new AbortController()
    const { outcome, release } = await ask(url, { signal: controller.signal })
    await eventually(() => expect(streams.length).toBe(1))
    controller.abort('mine')
    await expect(outcome).rejects.toBe('mine')
    await eventually(() => expect(streams[0]!.rstCode).toBe(constants.NGHTTP2_CANCEL))
    await eventually(() => expect(release).toHaveBeenCalledOnce())
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  test.each([
    ['NGHTTP2_REFUSED_STREAM', 'REFUSED_STREAM', 'again', true],
    ['NGHTTP2_HTTP_1_1_REQUIRED', 'HTTP_1_1_REQUIRED', 'http1', false],
    ['NGHTTP2_ENHANCE_YOUR_CALM', 'ENHANCE_YOUR_CALM', undefined, true],
    ['NGHTTP2_PROTOCOL_ERROR', 'PROTOCOL_ERROR', undefined, false],
    ['NGHTTP2_NO_ERROR', 'NO_ERROR', undefined, true],
  ] as const)('because of %s', async (code, name, remedy, retriable) => {
    const { url } = await rawServer(async (connection) => {
      await connection.start()
      await connection.write(rstFrame(await connection.nextRequest(), constants[code]))
    })
    const { outcome, release } = await ask(url)
    const { error, remedy: found } = await unanswered(outcome)
    expect(error).toMatchObject({ code: 'STREAM_RESET', retriable })
    expect(error.message).toContain(name)
    expect(found).toBe(remedy)
    expect(release).toHaveBeenCalledOnce()
  })

  test('because of a code that nobody knows', async () => {
    const { url } = await rawServer(async (connection) => {
      await connection.start()
      await connection.write(rstFrame(await connection.nextRequest(), 4711))
    })
    const { error } = await unanswered((await ask(url)).outcome)
    expect(error).toMatchObject({ code: 'STREAM_RESET', retriable: true })
    expect(error.message).toContain('4711')
  })

  test('because the connection is lost', async () => {
    const { url } = await rawServer(async (connection) => {
      await connection.start()
      await connection.nextRequest()
      connection.peer.reset()
    })
    const { error, remedy } = await unanswered((await ask(url)).outcome)
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', retriable: true, cause: { code: 'ECONNRESET' } })
    expect(remedy).toBe('fresh')
  })

  test('because the session is over already', async () => {
    const { url } = await streamServer(() => {})
    const connection = await connectionTo(url)
    connection.session.destroy()
    const release = vi.fn()
    const { error, remedy } = await unanswered(
      extendedConnect({ connection, isReused: true, release }, requestTo(url), NEVER),
    )
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', retriable: true })
    expect(remedy).toBe('again')
    await eventually(() => expect(release).toHaveBeenCalledOnce())
  })
})
