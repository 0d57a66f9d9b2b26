import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningWorker, startWorker } from '../support/miniflare.ts'
import { addressOf, refusalOf } from './calls.ts'
import { Upstream } from './upstream.ts'

describe('the list of upstreams', () => {
  let allowed: Upstream
  let other: Upstream
  let worker: RunningWorker

  beforeAll(async () => {
    allowed = await Upstream.start()
    other = await Upstream.start()
    worker = await startWorker({ UPSTREAMS: ` ${allowed.url}  wss://echo.example.com ws://[::1]:8080\n` })
  })
  afterAll(async () => {
    await worker.close()
    await allowed[Symbol.asyncDispose]()
    await other[Symbol.asyncDispose]()
  })

  const inspect = async (url: string) => {
    const response = await fetch(addressOf(worker, 'inspect', url))
    return { status: response.status, text: await response.text() }
  }
  const port = (upstream: Upstream) => new URL(upstream.url).port

  test.each([
    ['another host', 'wss://elsewhere.example/'],
    ['another host with a fragment', 'wss://elsewhere.example/#'],
    ['a name that ends in an allowed one', 'wss://evil-echo.example.com/'],
    ['a name below an allowed one', 'wss://x.echo.example.com/'],
    ['a name that begins with an allowed one', 'wss://echo.example.com.evil.example/'],
    ['a dot at the end of the name', 'wss://echo.example.com./'],
    ['letters that look alike', 'wss://еcho.example.com/'],
    ['the allowed one as userinfo', 'wss://echo.example.com@evil.example/'],
    ['the allowed one as user and password', 'wss://echo.example.com:443@evil.example/'],
    ['userinfo before the allowed one', 'wss://user:password@echo.example.com/'],
    ['a user alone', 'wss://user@echo.example.com/'],
    ['a backslash before the allowed one', 'wss://evil.example\\@echo.example.com/'],
    ['a backslash after another', 'wss://evil.example\\.echo.example.com/'],
    ['an address in the place of a name', 'ws://127.0.0.2:8080/'],
    ['an IPv4 address in the form of IPv6', 'ws://[::ffff:127.0.0.1]:8080/'],
    ['another IPv6 address', 'ws://[::2]:8080/'],
    ['no encryption', 'ws://echo.example.com/'],
    ['http: for ws:', 'https://echo.example.com/'],
    ['another port', 'wss://echo.example.com:8443/'],
    ['the port of another scheme', 'wss://echo.example.com:80/'],
    ['another scheme', 'ftp://echo.example.com/'],
    ['a blob', 'blob:https://echo.example.com/1'],
    ['a scheme without a host', 'data:,wss://echo.example.com/'],
  ])('does not allow %s: %s', async (_what, url) => {
    const { status, text } = await inspect(url)
    expect(status).toBe(403)
    expect(text).toMatch(/not allowed/)
    expect(text).not.toContain('password')
  })

  test('does not allow another port of the same address', async () => {
    expect((await inspect(other.url)).status).toBe(403)
    expect(other.asked).toHaveLength(0)
  })

  test.each([
    ['as it stands', (mine: Upstream) => `${mine.url}/`],
    ['in capitals', (mine: Upstream) => `WS://127.0.0.1:${port(mine)}/`],
    ['as a number', (mine: Upstream) => `ws://2130706433:${port(mine)}/`],
    ['in short', (mine: Upstream) => `ws://127.1:${port(mine)}/`],
    ['in full-width digits', (mine: Upstream) => `ws://１２７.0.0.1:${port(mine)}/`],
    ['percent-encoded', (mine: Upstream) => `ws://%31%32%37.0.0.1:${port(mine)}/`],
    ['with slashes the other way', (mine: Upstream) => `ws:\\\\127.0.0.1:${port(mine)}\\`],
    ['with a tab and a line end', (mine: Upstream) => ` ws://127.\t0.0.1:\n${port(mine)}/`],
  ])('compares what is connected to: the allowed origin %s', async (_how, spell) => {
    const before = allowed.asked.length
    const { text } = await inspect(spell(allowed))
    expect(JSON.parse(text)).toMatchObject({ open: true })
    expect(allowed.asked.length - before).toBe(1)
    expect(allowed.asked.at(-1)!.request.headers.host).toBe(`127.0.0.1:${port(allowed)}`)
  })

  test.each([
    ['default port', 'wss://echo.example.com:443/#'],
    ['case', 'wss://ECHO.example.COM/#'],
    ['longer IPv6', 'ws://[0:0:0:0:0:0:0:1]:8080/#'],
  ])(
    'knows an allowed origin in another spelling, and then refuses what is wrong with the rest: %s',
    async (_how, url) => {
      // The fragment keeps it from being connected to.
      const { status, text } = await inspect(url)
      expect([status, text]).toEqual([400, expect.stringContaining('fragment')])
    },
  )

  test.each(['', 'nonsense', '/path', 'wss://', 'wss://a b/'])('refuses what is not a URL: "%s"', async (url) => {
    const { status, text } = await inspect(url)
    expect([status, text]).toEqual([400, expect.stringContaining('absolute URL')])
  })

  test.each(['relay', 'feed'])('holds for /%s', async (route) => {
    const { status, body } = await refusalOf(addressOf(worker, route, `${other.url}/`))
    expect([status, String(body)]).toEqual([403, expect.stringContaining('not allowed')])
    expect(other.asked).toHaveLength(0)
  })

  test('without ORIGINS no page of another site is let in', async () => {
    const headers = { origin: 'https://app.example.com' }
    expect((await refusalOf(addressOf(worker, 'relay', `${allowed.url}/`), { headers })).status).toBe(403)
  })

  test('a redirect leads nowhere', async () => {
    allowed.refusal = { status: 307, headers: [`location: ${other.url}/`] }
    const inspected = await inspect(allowed.url)
    const relayed = await refusalOf(addressOf(worker, 'relay', allowed.url))
    allowed.refusal = undefined
    expect(JSON.parse(inspected.text)).toMatchObject({ open: false, status: 307 })
    expect(relayed.status).toBe(307)
    expect(other.asked).toHaveLength(0)
  })
})

test.each([
  ['nothing', '', 403],
  ['a word', 'localhost', 500],
  ['a path', 'ws://127.0.0.1:1/path', 500],
  ['userinfo', 'ws://me@127.0.0.1:1', 500],
  ['another scheme', 'https://127.0.0.1:1', 500],
  ['one that is right, and one that is not', 'ws://127.0.0.1:1 *', 500],
])('a list of %s allows nothing', async (_what, UPSTREAMS, expected) => {
  await using worker = await startWorker({ UPSTREAMS })
  expect((await fetch(addressOf(worker, 'inspect', 'ws://127.0.0.1:1/'))).status).toBe(expected)
})
