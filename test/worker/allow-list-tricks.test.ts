/**
 * What an attacker writes into `?url=` to get the Worker somewhere else, and what a hostile upstream and a hostile page
 * try.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningWorker, startWorker } from '../support/miniflare.ts'
import { addressOf, Caller, refusalOf } from './calls.ts'
import { Upstream } from './upstream.ts'

let allowed: Upstream
let other: Upstream
let worker: RunningWorker
let port: string

beforeAll(async () => {
  allowed = await Upstream.start()
  other = await Upstream.start()
  port = new URL(allowed.url).port
  const names = `ws://localhost:${port} wss://echo.example.com wss://xn--bcher-kva.example ws://[::1]:8080`
  worker = await startWorker({ UPSTREAMS: `${allowed.url} ${names}`, ORIGINS: 'https://app.example.com' })
})
afterAll(async () => {
  await worker.close()
  await allowed[Symbol.asyncDispose]()
  await other[Symbol.asyncDispose]()
})

async function inspect(url: string): Promise<{ status: number; text: string }> {
  const response = await fetch(addressOf(worker, 'inspect', url))
  return { status: response.status, text: await response.text() }
}

/** PORT is that of the allowed upstream, OTHER that of one that is not. */
function spelled(url: string): string {
  return url.replace('PORT', port).replace('OTHER', new URL(other.url).port)
}

describe('names nothing that is allowed', () => {
  test.each([
    ['the next address, in octal', 'ws://0177.0.0.2:PORT/'],
    ['the next address, in hexadecimal', 'ws://0x7f.0x0.0x0.0x2:PORT/'],
    ['the next address, as one number', 'ws://2130706434:PORT/'],
    ['the next address, as one number in octal', 'ws://017700000002:PORT/'],
    ['any address', 'ws://0.0.0.0:PORT/'],
    ['any address, in short', 'ws://0:PORT/'],
    ['any address of IPv6', 'ws://[::]:PORT/'],
    ['a mapped address in hexadecimal', 'ws://[::ffff:7f00:1]:PORT/'],
    ['a mapped address at full length', 'ws://[0:0:0:0:0:ffff:127.0.0.1]:PORT/'],
    ['a compatible address', 'ws://[::127.0.0.1]:PORT/'],
    ['an address of NAT64', 'ws://[64:ff9b::7f00:1]:PORT/'],
    ['an address of 6to4', 'ws://[2002:7f00:1::]:PORT/'],
    ['the loopback of IPv6 in the place of IPv4', 'ws://[::1]:PORT/'],
    ['a name with a dot behind it', 'ws://localhost.:PORT/'],
    ['two dots behind it', 'ws://localhost..:PORT/'],
    ['a name below it', 'ws://x.localhost:PORT/'],
    ['an address as the beginning of a name', 'ws://127.0.0.1.nip.example:PORT/'],
    ['a dot of another script', 'wss://echo.example.com。evil.example/'],
    ['a letter of another script', 'wss://echо.example.com/'],
    ['a dotless i', 'wss://xn--bcher-kva.example.xn--evl-hza/'],
    ['the accent left out', 'wss://bucher.example/'],
    ['a name of Punycode that is none', 'ws://xn--a:PORT/'],
    ['another port by the address', 'ws://127.0.0.1:OTHER/'],
    ['no port', 'ws://127.0.0.1/'],
    ['the port of ws, written out', 'ws://127.0.0.1:80/'],
    ['the default port of the wrong scheme', 'wss://echo.example.com:80/'],
    ['ws: for wss:', 'ws://echo.example.com/'],
    ['ws: on the port of wss:', 'ws://echo.example.com:443/'],
    ['wss: for ws:', 'wss://127.0.0.1:PORT/'],
    ['http: for ws:', 'http://127.0.0.1:PORT/'],
    ['the allowed one behind a question mark', 'ws://evil.example?@127.0.0.1:PORT/'],
    ['the allowed one behind a backslash', 'ws://evil.example\\@127.0.0.1:PORT/'],
    ['the allowed one behind a slash', 'ws://evil.example/@127.0.0.1:PORT/'],
    ['the allowed one in a fragment', 'ws://evil.example#@127.0.0.1:PORT/'],
    ['the allowed one as userinfo', 'ws://127.0.0.1:PORT@127.0.0.1:OTHER/'],
    ['the allowed one as userinfo, behind a tab', 'ws://127.0.0.1\t:PORT@127.0.0.1:OTHER/'],
    ['userinfo that is empty but for a colon and a sign', 'ws://a:@127.0.0.1:PORT/'],
    ['a file', 'file://127.0.0.1/etc/passwd'],
    ['a script', 'javascript://127.0.0.1:PORT/%0aalert(1)'],
    ['a null origin', 'null://null/'],
    ['a star', 'wss://*/'],
  ])('%s: %s', async (_what, url) => {
    const { status, text } = await inspect(spelled(url))
    expect([status, text]).toEqual([403, expect.stringContaining('not allowed')])
  })

  test.each([
    ['a zone', 'ws://[fe80::1%25eth0]:PORT/'],
    ['a zone of the loopback', 'ws://[::1%25lo]:8080/'],
    ['a zone that is not encoded', 'ws://[::1%lo]:8080/'],
    ['a bracket that is left open', 'ws://[::1:PORT/'],
    ['an octet too large', 'ws://127.0.0.256:PORT/'],
    ['a number too large', 'ws://4294967296:PORT/'],
    ['five octets', 'ws://127.0.0.0.1:PORT/'],
    ['NUL in a name', 'ws://127.0.0.1%00.evil.example:PORT/'],
    ['an encoded slash in a name', 'ws://127.0.0.1%2f.evil.example:PORT/'],
    ['an encoded at sign in a name', 'ws://127.0.0.1%40evil.example:PORT/'],
    ['an encoded line end in a name', 'ws://127.0.0.1%0d%0aevil.example:PORT/'],
    ['a name that is encoded twice', 'ws://%2531%2532%2537.0.0.1:PORT/'],
    ['two ports', 'ws://127.0.0.1:PORT:80/'],
    ['a port too large', 'ws://127.0.0.1:65536/'],
    ['a port that is negative', 'ws://127.0.0.1:-1/'],
    ['a port in full-width digits', 'ws://127.0.0.1:８０/'],
    ['no scheme', '//127.0.0.1:PORT/'],
  ])('%s is no URL for it: %s', async (_what, url) => {
    expect((await inspect(spelled(url))).status).toBe(400)
  })

  test.each([
    ['', 400],
    ['?URL=ALLOWED', 400],
    ['?url=&url=ALLOWED', 400],
    ['?url=OTHER&url=ALLOWED', 403],
    ['?url%00=ALLOWED', 400],
  ])('parameters such as "%s"', async (query, status) => {
    const asked = query
      .replace('OTHER', encodeURIComponent(other.url))
      .replace('ALLOWED', encodeURIComponent(allowed.url))
    for (const route of ['inspect', 'relay', 'feed']) {
      const address = `${worker.url}/${route}${asked}`
      const answer = route === 'inspect' ? await fetch(address) : await refusalOf(address)
      expect([route, answer.status]).toEqual([route, status])
    }
  })

  test('and none of it was asked anything', () => {
    expect([allowed.asked.length, other.asked.length, other.most]).toEqual([0, 0, 0])
  })
})

test.each([
  ['in octal', 'ws://0177.0.0.01:PORT/'],
  ['in hexadecimal', 'ws://0x7f.1:PORT/'],
  ['as one number in hexadecimal', 'ws://0x7F000001:PORT/'],
  ['mixed', 'ws://0177.0x0.1:PORT/'],
  ['with a dot behind it', 'ws://127.0.0.1.:PORT/'],
  ['with dots of another script', 'ws://127。0．0｡1:PORT/'],
  ['with a soft hyphen', 'ws://127.0.0.\u00ad1:PORT/'],
  ['without slashes', 'ws:127.0.0.1:PORT'],
  ['with many slashes', 'ws:////\\\\127.0.0.1:PORT'],
  ['with zeros before the port', 'ws://127.0.0.1:00000PORT/'],
  ['by its name, in capitals', 'WS://LOCALHOST:PORT/'],
  ['by its name, in a circle', 'ws://ⓛocalhost:PORT/'],
  ['by its name, percent-encoded', 'ws://%6Coc%61lhost:PORT/'],
])('the allowed upstream %s is that one and no other, named as URLs name it', async (_how, url) => {
  const before = allowed.asked.length
  const { text } = await inspect(spelled(url))
  expect(JSON.parse(text)).toMatchObject({ open: true })
  const hosts = allowed.asked.slice(before).map(({ request }) => request.headers.host)
  expect(hosts).toEqual([/l/i.test(url.replace('ws', '')) ? `localhost:${port}` : `127.0.0.1:${port}`])
  expect(other.most).toBe(0)
})

describe('a redirect of an allowed upstream', () => {
  test.each(['fetch', 'tcp'])('leads nowhere, whatever it says: over %s', async (transport) => {
    const to = new URL(other.url).host
    const places = [
      `http://${to}/`,
      `//${to}/`,
      `ws://${to}/`,
      'http://169.254.169.254/latest/',
      'http://[::ffff:127.0.0.1]/',
    ]
    for (const [index, status] of [301, 302, 303, 307, 308].entries()) {
      allowed.refusal = { status, headers: [`location: ${places[index]}`, `refresh: 0; url=http://${to}/`] }
      const response = await fetch(`${addressOf(worker, 'inspect', `${allowed.url}/`)}&transport=${transport}`)
      expect(await response.json()).toMatchObject({ open: false, status, code: 'UPGRADE_REFUSED' })
      expect((await refusalOf(`${addressOf(worker, 'relay', `${allowed.url}/`)}&transport=${transport}`)).status).toBe(
        status,
      )
    }
    allowed.refusal = undefined
    expect(other.most).toBe(0)
  })
})

describe('a page of another site', () => {
  test.each([
    'null',
    'https://evil.example',
    'https://app.example.com.evil.example',
    'https://app.example.com:8443',
    'http://app.example.com',
    'https://app.example.com/',
    'HTTPS://APP.EXAMPLE.COM',
    'https://app.example.com https://evil.example',
    'SELF.evil.example',
    'SELF/',
    'https',
  ])('has no use of /relay and /feed, whatever its Origin: %s', async (origin) => {
    const sent = { origin: origin.replace('SELF', worker.url) }
    for (const route of ['relay', 'feed']) {
      const { status } = await refusalOf(addressOf(worker, route, `${allowed.url}/`), { headers: sent })
      expect([route, status]).toEqual([route, 403])
    }
  })

  test('cannot read what /inspect answers, nor have it do anything but ask', async () => {
    const address = addressOf(worker, 'inspect', `${allowed.url}/`)
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'GET' }
    const answer = await fetch(address, { headers })
    expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    expect((await fetch(address, { method: 'OPTIONS', headers })).status).toBe(405)
    expect((await fetch(address, { method: 'POST' })).status).toBe(405)
  })

  test('that is allowed may', async () => {
    const address = addressOf(worker, 'relay', `${allowed.url}/`)
    const caller = await Caller.open(address, [], { headers: { origin: 'https://app.example.com' } })
    caller.webSocket.close()
    await caller.closed
  })
})
