import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Agent, Client } from 'undici'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Authority, type Certificate, createAuthority } from '../support/certificates.ts'
import * as support from '../support/dispatching.ts'
import { afterwards, closing, eventually, originOf, refused, textOf, upgraded } from '../support/dispatching.ts'

support.clearUpAfterEach()

describe('a server that speaks HTTP/2', () => {
  let authority: Authority
  let certificate: Certificate
  beforeAll(async () => {
    authority = await createAuthority()
    certificate = await authority.issue()
  })

  /** Refuses at /refuse, echoes elsewhere; over HTTP/1.1 it refuses with 426. */
  async function http2Server(): Promise<string> {
    const settings = { enableConnectProtocol: true }
    const running = createSecureServer({ ...certificate, allowHTTP1: true, settings })
    const sessions = new Set<{ destroy(): void }>()
    running.on('session', (session) => sessions.add(session))
    running.on('secureConnection', (socket) => sessions.add(socket))
    running.on('stream', (stream, headers) => {
      stream.on('error', () => {})
      const status = headers[':path'] === '/refuse' ? 403 : 200
      stream.respond({ ':status': status, 'set-cookie': ['a=1', 'b=2'] })
      if (status === 403) stream.end('refused')
      else stream.pipe(stream)
    })
    running.on('upgrade', (_request, socket) =>
      socket.end('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n'),
    )
    await new Promise<void>((resolve) => running.listen(0, '127.0.0.1', resolve))
    afterwards(async () => {
      for (const session of sessions) session.destroy()
      await new Promise((resolve) => running.close(resolve))
    })
    return `wss://localhost:${(running.address() as AddressInfo).port}`
  }

  test('is asked over HTTP/1.1 by an Agent, though that would speak HTTP/2', async () => {
    const url = await http2Server()
    const dispatcher = closing(new Agent({ connect: { ca: authority.ca, preferH2: true }, allowH2: true }))
    expect((await refused(dispatcher, url)).head).toMatchObject({ status: 426, httpVersion: '1.1' })
  })

  test('is understood when a Client speaks HTTP/2 all the same', async () => {
    const url = await http2Server()
    const client = new Client(originOf(url), { connect: { ca: authority.ca, preferH2: true }, allowH2: true })
    afterwards(() => client.destroy())
    const outcome = await refused(client, `${url}/refuse`)
    expect(outcome).toMatchObject({ head: { status: 403, statusText: '', httpVersion: '2' }, bodyTruncated: false })
    expect(outcome.head.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(textOf(outcome)).toBe('refused')
    const opened = await upgraded(client, `${url}/echo`)
    expect(opened.head).toMatchObject({ status: 200, httpVersion: '2' })
    const received = support.collect(opened)
    opened.stream.write([Buffer.from('hello')], () => {})
    await eventually(() => expect(received.text()).toBe('hello'))
  })
})
