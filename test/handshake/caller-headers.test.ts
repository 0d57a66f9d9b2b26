import { describe, expect, test } from 'vitest'
import { checkHeaders } from '../../src/handshake/caller-headers.ts'
import type { HeadersInit } from '../../src/options.ts'
import { optionsError } from './support.ts'

const refuse = (headers: unknown): string => optionsError('headers', () => checkHeaders(headers as HeadersInit)).message

describe('header fields are taken', () => {
  test.each<[string, HeadersInit, string[][]]>([
    [
      'from a record',
      { 'X-A': '1', b: '2' },
      [
        ['X-A', '1'],
        ['b', '2'],
      ],
    ],
    [
      'from a record with lists',
      { a: ['1', '2'], b: [], c: undefined },
      [
        ['a', '1'],
        ['a', '2'],
      ],
    ],
    [
      'from pairs',
      [
        ['A', '1'],
        ['a', '2'],
      ],
      [
        ['A', '1'],
        ['a', '2'],
      ],
    ],
    ['from a Map', new Map([['A', '1']]), [['A', '1']]],
    [
      'from a Headers',
      new Headers([
        ['B', '1'],
        ['A', '2'],
      ]),
      [
        ['a', '2'],
        ['b', '1'],
      ],
    ],
    ['from nothing', {}, []],
  ])('%s', (_, headers, pairs) => {
    expect(checkHeaders(headers)).toEqual(pairs)
  })

  test.each([
    [' \tv\t ', 'v'],
    ['a \t b', 'a \t b'],
    ['', ''],
    ['   ', ''],
    ['gr\xfc\x80\xff', 'gr\xfc\x80\xff'],
    ['\xa0v\xa0', '\xa0v\xa0'],
  ])('without the white space around a value: %j', (value, expected) => {
    expect(checkHeaders({ x: value })).toEqual([['x', expected]])
  })

  test.each(['Authorization', 'Cookie', 'Origin', 'User-Agent', 'sec-fetch-mode', 'X-Sec-WebSocket-Key'])(
    'with the name %s',
    (name) => {
      expect(checkHeaders({ [name]: 'v' })).toEqual([[name, 'v']])
    },
  )

  test.each(['example.com', 'example.com:8080', 'a_b.example', '127.0.0.1:1', '[::1]', '[2001:db8::1]:443', ' h '])(
    'with Host %j',
    (host) => {
      expect(checkHeaders({ Host: host })).toEqual([['Host', host.trim()]])
    },
  )
})

describe('header fields are refused', () => {
  test.each([
    ['undefined', undefined],
    ['null', null],
    ['a string', 'X: y'],
    ['a number', 5],
    ['pairs that are not pairs', [['a']]],
    ['triples', [['a', 'b', 'c']]],
    ['a list of lines', ['X: y']],
    ['a name that is not a string', [[1, 'b']]],
    ['a value that is not a string', { a: 1 }],
    ['a value that is null', { a: null }],
    ['a value that is not a string in a list', { a: ['1', null] }],
  ])('as %s', (_, headers) => {
    refuse(headers)
  })

  test.each(['', ' a', 'a b', 'a:', 'a\r\nb', 'a\0', 'é', 'a(b)', 'a"b', 'a,b', '\u{1f600}'])(
    'with the name %j',
    (name) => {
      expect(
        refuse([
          ['x', 'y'],
          [name, 'v'],
        ]),
      ).toContain('the name of number 2 is')
    },
  )

  test.each(['\r', '\n', '\r\nX: y', '\0', '\x01', '\x1f', '\x7f', '\u0100', '\u560a', '\u{1f600}'])(
    'with %j in the value',
    (bad) => {
      expect(refuse({ 'X-Token': `secret${bad}secret` })).toContain('the value of "X-Token"')
      refuse({ 'X-Token': `secret${bad}` })
      refuse({ 'X-Token': `${bad}secret` })
    },
  )

  test.each([
    ['Connection', 'hawser writes it itself'],
    ['UPGRADE', 'hawser writes it itself'],
    ['Sec-WebSocket-Key', 'hawser writes it itself'],
    ['sec-websocket-version', 'hawser writes it itself'],
    ['sec-websocket-accept', 'hawser writes it itself'],
    ['sec-websocket-extensions', 'hawser writes it itself'],
    ['sec-websocket-anything', 'hawser writes it itself'],
    ['Sec-WebSocket-Protocol', 'the option subprotocols'],
    ['Content-Length', 'no body'],
    ['Transfer-Encoding', 'no body'],
    ['Trailer', 'no body'],
    ['Expect', 'no body'],
    ['TE', 'leave it out'],
    ['Keep-Alive', 'leave it out'],
    ['Proxy-Connection', 'leave it out'],
    ['HTTP2-Settings', 'leave it out'],
    ['Proxy-Authorization', 'the option proxy'],
  ])('with the name %s, and say what to do', (name, advice) => {
    const message = refuse({ [name]: 'secret' })
    expect(message).toContain(`"${name}"`)
    expect(message).toContain(advice)
    expect(message).not.toContain('secret')
  })

  test.each([':authority', ':protocol', ':'])('with the pseudo-header %s', (name) => {
    expect(refuse({ [name]: 'v' })).toContain('pseudo-header')
  })

  test.each([
    '',
    'a b',
    'http://example.com',
    'example.com/path',
    'user@example.com',
    'example.com:',
    'example.com:x',
    'example.com:65536',
    'a,b:1:2',
    '[::1',
    '::1',
    '[::g]',
    'exa%00mple.com',
    'h\xe9',
    'h?q',
    'h#f',
    'h\\p',
  ])('with Host %j', (host) => {
    expect(refuse({ host })).toContain('the value of "Host"')
  })

  test('with two Hosts', () => {
    expect(
      refuse([
        ['host', 'a'],
        ['Host', 'b'],
      ]),
    ).toContain('once')
  })

  test('without showing a value, or a line that stands in place of a name', () => {
    for (const headers of [
      { 'X-A': 'secret\n' },
      { Host: 'secret secret' },
      { Upgrade: 'secret' },
      [['Authorization: Bearer secret', '']],
      [['Authorization', 'Bearer secret', '']],
      [
        ['host', 'secret1'],
        ['host', 'secret2'],
      ],
      ['Authorization: Bearer secret'],
    ]) {
      expect(refuse(headers)).not.toContain('secret')
    }
  })
})
