import { describe, expect, test } from 'vitest'
import { httpUrl, parseTarget, printable, webSocketUrl } from '../../src/handshake/target-url.ts'
import { optionsError } from './support.ts'

describe('a target', () => {
  test.each([
    ['ws://example.com', 'ws://example.com/'],
    ['wss://example.com/a?b=c', 'wss://example.com/a?b=c'],
    ['http://example.com/a', 'ws://example.com/a'],
    ['https://example.com/a', 'wss://example.com/a'],
    ['HTTPS://EXAMPLE.com:443/a', 'wss://example.com/a'],
    ['https://example.com:80/', 'wss://example.com:80/'],
    ['ws://[::1]:80/', 'ws://[::1]/'],
    ['wss://user:pass@example.com/%23', 'wss://user:pass@example.com/%23'],
    ['  ws://example.com/  ', 'ws://example.com/'],
  ])('may be %s', (input, href) => {
    expect(parseTarget(input).href).toBe(href)
  })

  test('may be a URL, which stays as it is', () => {
    const url = new URL('https://example.com/a')
    expect(parseTarget(url).href).toBe('wss://example.com/a')
    expect(url.href).toBe('https://example.com/a')
    const already = new URL('ws://example.com/')
    expect(parseTarget(already)).not.toBe(already)
  })

  test.each([
    ['no URL', 'not a url', 'absolute'],
    ['an empty string', '', 'absolute'],
    ['a relative URL', '/chat', 'absolute'],
    ['no host', 'wss://', 'absolute'],
    ['a port that does not exist', 'ws://h:65536/', 'absolute'],
    ['undefined', undefined, 'absolute'],
    ['an object', {}, 'absolute'],
    ['another scheme', 'ftp://h/', 'has to begin with'],
    ['a host in place of a scheme', 'localhost:8080/', 'has to begin with'],
    ['a file', 'file:///etc', 'has to begin with'],
    ['a fragment', 'ws://h/#a', 'fragment'],
    ['an empty fragment', 'ws://h/#', 'fragment'],
    ['a fragment with http', 'http://h/?a#b', 'fragment'],
  ])('may not be or have %s', (_, input, message) => {
    expect(optionsError('url', () => parseTarget(input as string)).message).toContain(message)
  })

  test.each([
    'ws://user:secret@h:x/',
    'ftp://user:secret@h/',
    'wss://user:secret@h/#a',
    'secret:secret@h',
    '//user:secret@h/',
  ])('is refused without showing userinfo: %s', (input) => {
    expect(optionsError('url', () => parseTarget(input)).message).not.toContain('secret')
  })
})

test('a printable URL has no userinfo, query or fragment', () => {
  expect(printable(new URL('wss://user:secret@example.com:444/a?token=secret#b'))).toBe('wss://example.com:444/a')
})

test.each([
  ['ws://user:secret@example.com:81/a?b#c', 'http://example.com:81/a?b'],
  ['wss://example.com:443/', 'https://example.com/'],
])('the http(s) form of %s is %s', (url, expected) => {
  expect(httpUrl(new URL(url))).toBe(expected)
})

test('a URL is changed to its ws(s) form, and left alone when it has none', () => {
  const url = new URL('http://example.com/')
  expect(webSocketUrl(url)).toBe(url)
  expect(url.href).toBe('ws://example.com/')
  const other = new URL('ftp://example.com/')
  expect(webSocketUrl(other)).toBeUndefined()
  expect(other.href).toBe('ftp://example.com/')
})
