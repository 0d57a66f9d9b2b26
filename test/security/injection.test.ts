/** Nothing that a caller, a jar or a URL holds can add a line, a field or a request to what goes out. */
import { Agent } from 'undici'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ClientWebSocket, type ClientWebSocketOptions, OptionsError } from '../../src/index.ts'
import { WebSocket } from '../../src/web/websocket.ts'
import { startConnectProxy, startSocksProxy } from '../support/connect-proxy.ts'
import { startHttp2Server } from '../support/http2-server.ts'
import { aborted, peer, rejection, server, untilFinished } from '../support/servers.ts'

/** A server, and what it was asked last. */
interface Target {
  readonly url: string
  readonly options: ClientWebSocketOptions
  connections(): number
  asked(): { readonly path: string; readonly rawHeaders: readonly string[] }
}

async function overHttp1(options: ClientWebSocketOptions): Promise<Target> {
  const { url, requests, connections } = await server()
  const asked = () => ({ path: requests.at(-1)!.url, rawHeaders: requests.at(-1)!.rawHeaders })
  return { url, options, connections, asked }
}

async function overHttp2(options: ClientWebSocketOptions): Promise<Target> {
  const { url, connects, connections, close } = await startHttp2Server()
  onTestFinished(close)
  const asked = () => ({ path: String(connects.at(-1)!.headers[':path']), rawHeaders: connects.at(-1)!.rawHeaders })
  return { url, options, connections, asked }
}

const WAYS: Readonly<Record<string, () => Promise<Target>>> = {
  tcp: () => overHttp1({}),
  http2: () => overHttp2({ httpVersion: '2', httpVersionPolicy: 'exact' }),
  dispatcher: () => {
    const dispatcher = new Agent()
    onTestFinished(() => dispatcher.destroy())
    return overHttp1({ dispatcher })
  },
  'an http: proxy': async () => overHttp1({ proxy: untilFinished(await startConnectProxy()).url }),
  'a socks5: proxy': async () => overHttp1({ proxy: untilFinished(await startSocksProxy()).url }),
}

const values = (value: string): ClientWebSocketOptions => ({ headers: { 'X-Mine': value } })
const names = (name: string): ClientWebSocketOptions => ({ headers: [[name, 'x']] })
const host = (value: string): ClientWebSocketOptions => ({ headers: { Host: value } })
const subprotocol = (...subprotocols: string[]): ClientWebSocketOptions => ({ subprotocols })

const REFUSED: Readonly<Record<string, ClientWebSocketOptions>> = {
  'a line end in a value': values('x\r\nInjected: yes'),
  'a lone CR in a value': values('x\rInjected: yes'),
  'a lone LF in a value': values('x\nInjected: yes'),
  'a folded line in a value': values('x\r\n folded'),
  'a line end before a value': values('\r\nInjected: yes'),
  'a line end behind a value': values('x\r\n\r\n'),
  'NUL in a value': values('x\0y'),
  'DEL in a value': values('x\x7f'),
  'a character that is LF when it is cut to a byte': values('x\u010aInjected: yes'),
  'characters that are CR LF when they are cut to bytes': values('x\u560d\u560aInjected: yes'),
  'the separator of lines of Unicode': values('x\u2028Injected: yes'),
  'an emoji in a value': values('\u{1f600}'),
  'a whole line in place of a name': names('Injected: yes\r\nX'),
  'a line end behind a name': names('X\r\n'),
  'a space behind a name': names('X '),
  'a colon in a name': names('X:'),
  'NUL in a name': names('X\0'),
  'a name that is not ASCII': names('X-é'),
  'the Kelvin sign in the name of a field of the handshake': names('Sec-WebSoc\u212aet-Key'),
  'a pseudo-header field': names(':path'),
  'the target, for HTTP/2': names(':authority'),
  'a second framing': names('Transfer-Encoding'),
  'the length of a body': names('cOnTeNt-LeNgTh'),
  'a key of the caller': names('sec-websocket-key'),
  'an upgrade to something else': names('Upgrade'),
  'fields that a proxy has to remove': names('Connection'),
  'what is for the proxy': names('Proxy-Authorization'),
  'settings of HTTP/2': names('HTTP2-Settings'),
  'a line end in Host': host('example.com\r\nInjected: yes'),
  'userinfo in Host': host('user@example.com'),
  'a path in Host': host('example.com/path'),
  'a space in Host': host('example.com evil.example'),
  'two Hosts': {
    headers: [
      ['Host', 'a.example'],
      ['host', 'b.example'],
    ],
  },
  'a line end in a subprotocol': subprotocol('a\r\nInjected: yes'),
  'two subprotocols in one': subprotocol('a, b'),
  'a space in a subprotocol': subprotocol('a b'),
  'a subprotocol that is not ASCII': subprotocol('\u212a'),
  'an empty subprotocol': subprotocol(''),
  'a colon in the name of a user': { credentials: { username: 'a:b', password: 'c' } },
}

const jar = (cookie: unknown): ClientWebSocketOptions => ({
  cookies: { getCookieString: async () => cookie as string, setCookie: async () => undefined },
})
const FROM_JARS: Readonly<Record<string, ClientWebSocketOptions>> = {
  'a line end in a cookie': jar('a=b\r\nInjected: yes'),
  'LF in a cookie': jar('a=b\nInjected: yes'),
  'NUL in a cookie': jar('a=\0'),
  'a cookie that is CR LF when it is cut to bytes': jar('a=\u560d\u560aInjected: yes'),
  'a list of cookies with a line end': jar(['a=b\r\nInjected: yes']),
}

/** What follows the host and port in a URL, and the target that is asked for. */
const PATHS: Readonly<Record<string, readonly [more: string, path: string]>> = {
  'a line end': ['/echo\r\nInjected: yes', '/echoInjected:%20yes'],
  'a request of its own': ['/ HTTP/1.1\r\nHost: x\r\n\r\nGET /', '/%20HTTP/1.1Host:%20xGET%20/'],
  'an encoded line end': ['/%0d%0aInjected:%20yes', '/%0d%0aInjected:%20yes'],
  'a tab and NUL': ['/a\tb\0c', '/ab%00c'],
  'what is not ASCII': ['/\u560d\u560a\u0100', '/%E5%98%8D%E5%98%8A%C4%80'],
  'a line end in the query': ['/?a=b\r\n&c= HTTP/1.1', '/?a=b&c=%20HTTP/1.1'],
  'what is not ASCII in the query': ['/?\u010a', '/?%C4%8A'],
  'another host': ['//evil.example/', '//evil.example/'],
  'a backslash': ['\\evil', '/evil'],
}

describe.each(Object.keys(WAYS))('over %s', (way) => {
  test('what would break out of its field is refused before there is a connection', async () => {
    const { url, options, connections } = await WAYS[way]!()
    for (const [what, more] of Object.entries(REFUSED)) {
      const connecting = async () => aborted(new ClientWebSocket({ ...options, ...more })).connect(`${url}/headers`)
      // With a dispatcher `credentials` are refused for another reason: they would be the dispatcher's.
      expect(await rejection(connecting()), what).toBeInstanceOf(OptionsError)
    }
    expect(connections()).toBe(0)
  })

  test('a URL becomes one target, whatever it holds', async () => {
    const { url, options, asked } = await WAYS[way]!()
    for (const [what, [more, path]] of Object.entries(PATHS)) {
      const connecting = aborted(new ClientWebSocket(options)).connect(url + more)
      await connecting.catch(() => {})
      expect(asked().path, what).toBe(path)
      const text = asked().rawHeaders.join('\n')
      expect(text, what).not.toMatch(/^injected/im)
    }
  })

  test('octets of obs-text stay what they are, within their field', async () => {
    const { url, options, asked } = await WAYS[way]!()
    const value = 'a\tb \xe9\xff\x85'
    await aborted(new ClientWebSocket({ ...options, ...values(value) })).connect(`${url}/echo`)
    const { rawHeaders } = asked()
    const at = rawHeaders.findIndex((name) => name.toLowerCase() === 'x-mine')
    // Node's HTTP/2 has fields in UTF-8.
    expect([value, Buffer.from(value).toString('latin1')]).toContain(rawHeaders[at + 1])
  })
})

test.each(['tcp', 'http2', 'an http: proxy', 'a socks5: proxy'])('over %s a jar cannot add a field', async (way) => {
  const { url, options, connections } = await WAYS[way]!()
  for (const [what, more] of Object.entries(FROM_JARS)) {
    const error = await rejection(aborted(new ClientWebSocket({ ...options, ...more })).connect(url))
    expect(error, what).toMatchObject({ option: 'cookies' })
    expect(String(error)).not.toContain('Injected')
  }
  expect(connections()).toBe(0)
})

test.each(['tcp', 'http2', 'dispatcher', 'an http: proxy'])(
  'over %s userinfo becomes one field in Base64',
  async (way) => {
    const { url, options, asked } = await WAYS[way]!()
    const target = url.replace('//', '//us%0d%0aInjected%3Ayes%00:pa%0D%0Ass%FF@')
    // A colon in the name cannot be sent, line ends can.
    expect(await rejection(aborted(new ClientWebSocket(options)).connect(target))).toMatchObject({ option: 'url' })
    await aborted(new ClientWebSocket(options)).connect(`${target.replace('%3A', '')}/echo`)
    const { rawHeaders } = asked()
    const at = rawHeaders.findIndex((name) => name.toLowerCase() === 'authorization')
    const octets = Buffer.from('us\r\nInjectedyes\0:pa\r\nss\xff', 'latin1')
    expect(rawHeaders[at + 1]).toBe(`Basic ${octets.toString('base64')}`)
  },
)

test("a proxy's userinfo becomes one field in Base64, and no part of the tunnel's target", async () => {
  const user = { name: 'us\r\nHost: x', password: 'p\r\n\r\nGET /' }
  const proxy = untilFinished(await startConnectProxy({ user }))
  const encoded = `${encodeURIComponent(user.name)}:${encodeURIComponent(user.password)}`
  const { url, requests, port } = await server()
  await aborted(new ClientWebSocket({ proxy: proxy.url.replace('//', `//${encoded}@`) })).connect(`${url}/echo`)
  expect(proxy.targets).toEqual([`127.0.0.1:${port}`])
  expect(Object.keys(requests.at(-1)!.headers).filter((name) => name.startsWith('proxy'))).toEqual([])
})

test('a name, a user or a password that is longer than SOCKS can say does not run into the next field', async () => {
  const proxy = untilFinished(await startSocksProxy({ user: { name: 'u', password: 'p' } }))
  const open = untilFinished(await startSocksProxy())
  const long = 'x'.repeat(300)
  for (const [through, target] of [
    [proxy.url.replace('//', `//${long}:p@`), 'ws://a.example'],
    [proxy.url.replace('//', `//u:${long}@`), 'ws://a.example'],
    [open.url, `ws://${long}.example`],
  ] as const) {
    await rejection(aborted(new ClientWebSocket({ proxy: through, handshakeTimeout: 2000 })).connect(target))
  }
  expect([...proxy.targets, ...open.targets]).toEqual([])
})

test("the web's class refuses what would break out of its field", async () => {
  const { url, connections } = await server()
  for (const more of ['a b', 'a\r\nb', 'a,b']) expect(() => new WebSocket(url, more)).toThrow(DOMException)
  expect(() => new WebSocket(url, { headers: { 'X-Mine': 'x\r\nInjected: yes' } })).toThrow(OptionsError)
  expect(connections()).toBe(0)
})

test('a Location with line ends, raw octets or userinfo leads to one clean request', async () => {
  const { url, requests, port } = await server()
  const locations = [
    '/echo?%0d%0aInjected:%20yes',
    '/echo?\xe5\x98\x8d\xe5\x98\x8a',
    `http://us%0d%0aer:pass@127.0.0.1:${port}/echo`,
    '/echo?a\tb',
  ]
  for (const location of locations) {
    const first = await peer(async (connection) => {
      await connection.readRequest()
      const target = location.startsWith('/') ? `${url.replace('ws', 'http')}${location}` : location
      const head = `HTTP/1.1 302 Found\r\nLocation: ${target}\r\nContent-Length: 0\r\n\r\n`
      await connection.write(Buffer.from(head, 'latin1'))
    })
    await aborted(new ClientWebSocket({ redirect: 'follow' })).connect(first.url)
    const { headers, url: path } = requests.at(-1)!
    expect(Object.keys(headers).sort()).toEqual([
      'connection',
      'host',
      'sec-websocket-key',
      'sec-websocket-version',
      'upgrade',
    ])
    expect(path).toMatch(/^\/echo(\?(%0d%0aInjected:%20yes|%E5%98%8D%E5%98%8A|ab))?$/)
  }
})
