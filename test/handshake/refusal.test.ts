import { describe, expect, test } from 'vitest'
import { parseHttpDate } from '../../src/handshake/http-date.ts'
import { isRetriable, retryAfter } from '../../src/handshake/refusal.ts'
import { HttpHeaders } from '../../src/http-headers.ts'

// RFC 9110 §5.6.7.
const EXAMPLE = Date.UTC(1994, 10, 6, 8, 49, 37)
const NOW = Date.UTC(2026, 0, 1)

const waitFor = (now: number, ...values: string[]): number | undefined =>
  retryAfter(new HttpHeaders(values.map((value) => ['Retry-After', value] as const)), now)

test('only 429, 502, 503, 504 and what Cloudflare says of servers that it could not reach may be tried again', () => {
  const statuses = Array.from({ length: 900 }, (_, index) => index + 100)
  expect(statuses.filter(isRetriable)).toEqual([429, 502, 503, 504, 520, 521, 522, 523, 524, 530])
})

describe('Retry-After', () => {
  test.each([
    ['120', 120_000],
    ['0', 0],
    [' 007 ', 7000],
    ['2147483', 2_147_483_000],
  ])('in seconds: %j', (value, milliseconds) => {
    expect(waitFor(NOW, value)).toBe(milliseconds)
  })

  test.each(['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])(
    'as a date: %s',
    (value) => {
      expect(waitFor(EXAMPLE - 1500, value)).toBe(1500)
      expect(waitFor(EXAMPLE, value)).toBe(0)
      expect(waitFor(NOW, value)).toBe(0)
    },
  )

  test.each([
    '',
    '-1',
    '+1',
    '1.5',
    '1e3',
    '0x10',
    'soon',
    '5, 6',
    '31536001',
    '9'.repeat(400),
    'Fri, 01 Jan 2100 00:00:00 GMT',
    '2026-01-02T00:00:00Z',
  ])('means nothing when it is %j', (value) => {
    expect(waitFor(NOW, value)).toBeUndefined()
  })

  test.each(['2147484', '31536000'])('is what a timer can wait when it is longer: %j', (value) => {
    expect(waitFor(NOW, value)).toBe(2 ** 31 - 1)
  })

  test('means nothing when it is missing or repeated', () => {
    expect(waitFor(NOW)).toBeUndefined()
    expect(waitFor(NOW, '1', '1')).toBeUndefined()
  })
})

describe('an HTTP-date', () => {
  test.each([
    ['Thu, 29 Feb 2024 23:59:59 GMT', Date.UTC(2024, 1, 29, 23, 59, 59)],
    ['Sat, 31 Dec 2016 23:59:60 GMT', Date.UTC(2017, 0, 1)],
    ['Thu Dec 31 00:00:00 2026', Date.UTC(2026, 11, 31)],
    ['Tuesday, 01-Jan-30 00:00:00 GMT', Date.UTC(2030, 0, 1)],
    ['Wednesday, 01-Jan-76 00:00:00 GMT', Date.UTC(2076, 0, 1)],
    ['Saturday, 01-Jan-77 00:00:00 GMT', Date.UTC(1977, 0, 1)],
  ])('is understood: %s', (value, time) => {
    expect(parseHttpDate(value, NOW)).toBe(time)
  })

  test.each([
    'Sun, 30 Feb 2025 00:00:00 GMT',
    'Sun, 29 Feb 2025 00:00:00 GMT',
    'Sun, 00 Nov 1994 08:49:37 GMT',
    'Sun, 06 Foo 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Nov 1994 08:60:37 GMT',
    'Sun, 06 Nov 1994 08:49:61 GMT',
    'Sun, 06 Nov 1994 08:49:37 CET',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sunday, 06 Nov 1994 08:49:37 GMT',
    'Sun, 06-Nov-94 08:49:37 GMT',
    'Sun Nov 6 08:49:37 1994',
    'Sun Nov  6 08:49:37 1994 GMT',
    'xSun, 06 Nov 1994 08:49:37 GMT',
  ])('is not: %s', (value) => {
    expect(parseHttpDate(value, NOW)).toBeUndefined()
  })
})
