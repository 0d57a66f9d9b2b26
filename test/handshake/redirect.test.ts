import { describe, expect, test } from 'vitest'
import { isRedirect, MAX_REDIRECTS, redirectTarget, sameOrigin, withoutSecrets } from '../../src/handshake/redirect.ts'
import { handshakeError, head } from './support.ts'

const follow = (from: string, ...locations: string[]): URL =>
  redirectTarget(new URL(from), head(302, ...locations.map((location) => ['Location', location] as const)))

test('five redirects are followed at most', () => {
  expect(MAX_REDIRECTS).toBe(5)
})

test('a redirect is 301, 302, 303, 307 or 308', () => {
  const statuses = Array.from({ length: 500 }, (_, index) => index + 100)
  expect(statuses.filter(isRedirect)).toEqual([301, 302, 303, 307, 308])
})

describe('a redirect leads', () => {
  test.each([
    ['ws://a/b/c?d', '/e', 'ws://a/e'],
    ['ws://a/b/c?d', 'e?f', 'ws://a/b/e?f'],
    ['ws://a/b/c?d', '?f', 'ws://a/b/c?f'],
    ['ws://a/b/c?d', '', 'ws://a/b/c?d'],
    ['ws://a/', '//b/c', 'ws://b/c'],
    ['wss://a:1/', '//b/c', 'wss://b/c'],
    ['ws://a/', 'ws://b:81/c', 'ws://b:81/c'],
    ['ws://a/', 'wss://b/c', 'wss://b/c'],
    ['ws://a/', 'http://b/c', 'ws://b/c'],
    ['ws://a/', 'https://b/c', 'wss://b/c'],
    ['wss://a/', 'HTTPS://b:443/c', 'wss://b/c'],
    ['ws://a/', '/b#c', 'ws://a/b'],
    ['ws://user:secret@a/', '/b', 'ws://a/b'],
    ['ws://a/', 'ws://user:secret@b/', 'ws://b/'],
    ['ws://a/', '/caf\xc3\xa9', 'ws://a/caf%C3%A9'],
    ['ws://a/', 'ws://b\xc3\xbccher/', 'ws://xn--bcher-kva/'],
  ])('from %s by %j to %s', (from, location, target) => {
    expect(follow(from, location).href).toBe(target)
  })
})

describe('a redirect is refused', () => {
  test.each([
    ['without a Location', 'ws://a/', [], 'without a Location'],
    ['with two Locations', 'ws://a/', ['/b', '/b'], 'more than one'],
    ['with a Location that is not a URL', 'ws://a/', ['http://[bad'], 'not a URL'],
    ['without a host', 'ws://a/', ['ws://'], 'not a URL'],
    ['to a file', 'ws://a/', ['file:///etc/passwd'], 'another scheme: "file:"'],
    ['to a script', 'ws://a/', ['javascript:alert(1)'], 'another scheme'],
    ['to data', 'ws://a/', ['data:,x'], 'another scheme'],
    ['from wss to ws', 'wss://a/', ['ws://a/'], 'from wss: to ws:'],
    ['from wss to http', 'wss://a/', ['http://a/'], 'from wss: to ws:'],
  ])('%s', (_, from, locations, message) => {
    expect(handshakeError('REDIRECT_REFUSED', () => follow(from, ...locations)).message).toContain(message)
  })

  test('with the status, and without userinfo or query of either URL', () => {
    const { message } = handshakeError('REDIRECT_REFUSED', () =>
      follow('wss://u:secret@a/b?secret', 'ws://secret@c/?secret'),
    )
    expect(message).toContain('wss://a/b redirects (302)')
    expect(message).not.toContain('secret')
  })
})

test.each([
  ['ws://a/', 'ws://a:80/b?c', true],
  ['wss://A/', 'wss://a:443/', true],
  ['ws://a/', 'wss://a/', false],
  ['ws://a/', 'ws://a:81/', false],
  ['ws://a/', 'ws://b.a/', false],
])('%s and %s are the same origin: %s', (a, b, expected) => {
  expect(sameOrigin(new URL(a), new URL(b))).toBe(expected)
})

test('what is meant for one origin does not go to another', () => {
  const headers = [
    ['Authorization', 'Bearer x'],
    ['X-A', '1'],
    ['COOKIE', 'a=b'],
    ['cookie', 'c=d'],
    ['host', 'a'],
    ['User-Agent', 'u'],
  ] as const
  expect(withoutSecrets(headers)).toEqual([
    ['X-A', '1'],
    ['User-Agent', 'u'],
  ])
})
