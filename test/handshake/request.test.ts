import { describe, expect, test } from 'vitest'
import { buildRequest, type HandshakeRequest, type RequestParts } from '../../src/handshake/request.ts'
import { serializeRequest } from '../../src/handshake/serialize-request.ts'
import { optionsError, text } from './support.ts'

const NOTHING: RequestParts = { headers: [], subprotocols: [] }

function build(url: string, parts: Partial<RequestParts> = {}): HandshakeRequest {
  return buildRequest(new URL(url), { ...NOTHING, ...parts })
}

function field(request: HandshakeRequest, wanted: string): string[] {
  return request.headers.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value)
}

describe('a request', () => {
  test('holds what the handshake needs, Host first', () => {
    const request = build('wss://example.com/chat')
    expect(request.headers).toEqual([
      ['Host', 'example.com'],
      ['Sec-WebSocket-Version', '13'],
      ['Sec-WebSocket-Key', request.key],
    ])
    expect(request.subprotocols).toEqual([])
  })

  test('has a fresh key of 16 bytes each time', () => {
    const keys = Array.from({ length: 50 }, () => build('ws://h/').key)
    for (const key of keys) expect(atob(key).length).toBe(16)
    expect(new Set(keys).size).toBe(50)
  })

  test('has a URL without userinfo and fragment, and leaves the one that it was given', () => {
    const url = new URL('wss://user:secret@example.com/a?b=c#d')
    const request = buildRequest(url, NOTHING)
    expect(request.url.href).toBe('wss://example.com/a?b=c')
    expect(url.href).toBe('wss://user:secret@example.com/a?b=c#d')
  })

  test('offers subprotocols in order', () => {
    const request = build('ws://h/', { subprotocols: ['chat.v2', 'chat.v1'] })
    expect(field(request, 'sec-websocket-protocol')).toEqual(['chat.v2, chat.v1'])
    expect(request.subprotocols).toEqual(['chat.v2', 'chat.v1'])
  })

  test('offers permessage-deflate if it is wanted', () => {
    const deflate = {
      clientMaxWindowBits: 15,
      serverMaxWindowBits: 9,
      clientContextTakeover: true,
      serverContextTakeover: true,
    }
    const request = build('ws://h/', { deflate })
    const offer = 'permessage-deflate; server_max_window_bits=9; client_max_window_bits'
    expect(field(request, 'sec-websocket-extensions')).toEqual([offer])
    expect(request.deflate).toEqual(deflate)
    expect(field(build('ws://h/'), 'sec-websocket-extensions')).toEqual([])
  })

  test("carries the caller's fields, repeated ones apart", () => {
    const headers = [
      ['X-A', '1'],
      ['Origin', 'https://o'],
      ['x-a', '2'],
    ] as const
    expect(build('ws://h/', { headers }).headers.slice(3)).toEqual(headers)
  })
})

describe('Host', () => {
  test.each([
    ['ws://example.com:80/', 'example.com'],
    ['wss://example.com:443/', 'example.com'],
    ['ws://example.com:443/', 'example.com:443'],
    ['wss://example.com:8443/', 'example.com:8443'],
    ['ws://[::1]:9000/', '[::1]:9000'],
    ['ws://user:secret@example.com/', 'example.com'],
  ])('comes from the URL, without a default port: %s', (url, host) => {
    expect(build(url).headers[0]).toEqual(['Host', host])
  })

  test("is replaced by the caller's", () => {
    const request = build('ws://127.0.0.1:9000/', {
      headers: [
        ['X', 'y'],
        ['hOST', 'example.com:1'],
      ],
    })
    expect(request.headers[0]).toEqual(['Host', 'example.com:1'])
    expect(field(request, 'host')).toHaveLength(1)
  })
})

describe('Authorization', () => {
  const credentials = { username: 'Aladdin', password: 'open sesame' }
  const sent = (url: string, parts: Partial<RequestParts> = {}): string[] => field(build(url, parts), 'authorization')

  test('is not sent without credentials', () => {
    expect(sent('ws://h/')).toEqual([])
  })

  test('is made of credentials as RFC 7617 has it in its example', () => {
    expect(sent('ws://h/', { credentials })).toEqual(['Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='])
  })

  test('is in UTF-8, as RFC 7617 has it in its other example', () => {
    expect(sent('ws://h/', { credentials: { username: 'test', password: '123£' } })).toEqual(['Basic dGVzdDoxMjPCow=='])
    expect(sent('ws://test:123£@h/')).toEqual(['Basic dGVzdDoxMjPCow=='])
  })

  test.each([
    ['Aladdin:open%20sesame', 'Aladdin:open sesame'],
    ['user', 'user:'],
    [':password', ':password'],
    ['a%40b:c%3Ad%2fe', 'a@b:c:d/e'],
    ['100%:%zz%2', '100%:%zz%2'],
  ])('is made of userinfo, decoded: %s', (userinfo, decoded) => {
    expect(sent(`ws://${userinfo}@h/`)).toEqual([`Basic ${btoa(decoded)}`])
  })

  test('takes credentials before userinfo', () => {
    expect(sent('ws://other:one@h/', { credentials })).toEqual(['Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='])
  })

  test("takes the caller's own before everything", () => {
    const headers = [['authorization', 'Bearer x']] as const
    expect(sent('ws://other:one@h/', { credentials, headers })).toEqual(['Bearer x'])
  })

  test("is refused for a user's name with a colon, without showing it", () => {
    const named = { username: 'a:secret', password: 'secret' }
    expect(optionsError('credentials', () => build('ws://h/', { credentials: named })).message).not.toContain('secret')
    expect(optionsError('url', () => build('ws://a%3Asecret:secret@h/')).message).not.toContain('secret')
  })
})

describe('Cookie', () => {
  const sent = (parts: Partial<RequestParts>): string[] => field(build('ws://h/', parts), 'cookie')

  test.each([
    ["the caller's", [['Cookie', 'a=1']], undefined, ['a=1']],
    ["the jar's", [], 'b=2', ['b=2']],
    ["the caller's and the jar's", [['cookie', 'a=1']], 'b=2; c=3', ['a=1; b=2; c=3']],
    [
      "several of the caller's",
      [
        ['cookie', 'a=1'],
        ['Cookie', 'b=2'],
      ],
      undefined,
      ['a=1; b=2'],
    ],
    ['nothing', [], undefined, []],
    ['nothing that an empty jar adds', [['cookie', 'a=1']], '', ['a=1']],
    ['nothing from an empty jar', [], '', []],
  ] as const)('holds %s in one field', (_, headers, cookie, expected) => {
    expect(sent({ headers, cookie })).toEqual(expected)
  })

  test.each(['a=1\r\nX: y', 'a=1\n', 'a=\0', 'a=\u560a'])('is refused when the jar gives %j', (cookie) => {
    expect(optionsError('cookies', () => sent({ cookie })).message).not.toContain('a=')
  })
})

describe('the bytes of a request', () => {
  test('are those of RFC 6455 §1.2', () => {
    const request: HandshakeRequest = {
      url: new URL('ws://server.example.com/chat'),
      key: 'dGhlIHNhbXBsZSBub25jZQ==',
      headers: [
        ['Host', 'server.example.com'],
        ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
        ['Origin', 'http://example.com'],
        ['Sec-WebSocket-Protocol', 'chat, superchat'],
        ['Sec-WebSocket-Version', '13'],
      ],
      subprotocols: ['chat', 'superchat'],
    }
    expect(text(serializeRequest(request))).toBe(
      'GET /chat HTTP/1.1\r\n' +
        'Host: server.example.com\r\n' +
        'Connection: Upgrade\r\n' +
        'Upgrade: websocket\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
        'Origin: http://example.com\r\n' +
        'Sec-WebSocket-Protocol: chat, superchat\r\n' +
        'Sec-WebSocket-Version: 13\r\n' +
        '\r\n',
    )
  })

  test.each([
    ['ws://h', '/'],
    ['ws://h?a=b', '/?a=b'],
    ['ws://h/a/../b%20c?d=%23&e=ü', '/b%20c?d=%23&e=%C3%BC'],
    ['ws://h/a b\r\n?c d', '/a%20b?c%20d'],
    ['ws://user:secret@h:1/a#b', '/a'],
  ])('have a target of path and query: %j', (url, target) => {
    expect(text(serializeRequest(build(url)))).toMatch(`GET ${target} HTTP/1.1\r\nHost: `)
  })

  test('carry values in latin1', () => {
    const bytes = serializeRequest(build('ws://h/', { headers: [['X', 'gr\xfc\x80\xff']] }))
    expect(text(bytes)).toContain('\r\nX: gr\xfc\x80\xff\r\n')
  })
})
