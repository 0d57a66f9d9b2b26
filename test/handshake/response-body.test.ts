import { describe, expect, test } from 'vitest'
import { BODY_LIMIT } from '../../src/handshake/refusal.ts'
import { ResponseBodyReader } from '../../src/handshake/response-body.ts'
import type { HeaderField } from '../../src/http-headers.ts'
import { head, oneByOne, randomIntegers, split, text, wire } from './support.ts'

const CHUNKED: HeaderField = ['Transfer-Encoding', 'chunked']

interface Outcome {
  body: string
  truncated: boolean
}

function reader(fields: HeaderField[], chunks: Iterable<Uint8Array>, status = 403): ResponseBodyReader {
  const result = new ResponseBodyReader(head(status, ...fields))
  for (const chunk of chunks) result.push(chunk)
  return result
}

function outcome({ body, truncated }: ResponseBodyReader): Outcome {
  return { body: text(body), truncated }
}

/** Reads a body that is complete without the end of the connection: whole, byte by byte, and with bytes after it. */
function delimited(bytes: string, ...fields: HeaderField[]): Outcome {
  const ways = [
    reader(fields, [wire(bytes)]),
    reader(fields, oneByOne(wire(bytes))),
    reader(fields, [wire(`${bytes}HTTP/1.1 200 OK\r\n\r\n`)]),
  ]
  const [whole, ...others] = ways.map((way) => {
    expect(way.done).toBe(true)
    return outcome(way)
  })
  for (const other of others) expect(other).toEqual(whole)
  return whole!
}

/** Reads a body up to the end of the connection, whole and byte by byte. */
function untilEnd(bytes: string, ...fields: HeaderField[]): Outcome {
  const [whole, single] = [[wire(bytes)], oneByOne(wire(bytes))].map((chunks) => {
    const way = reader(fields, chunks)
    expect(way.done).toBe(false)
    expect(way.truncated).toBe(true)
    way.end()
    expect(way.done).toBe(true)
    return outcome(way)
  })
  expect(single).toEqual(whole)
  return whole!
}

describe('a response without a body', () => {
  test.each([204, 304])('is done at once: %i', (status) => {
    const result = reader([['Content-Length', '5']], [], status)
    expect(result.done).toBe(true)
    result.push(wire('ignored'))
    result.end()
    expect(outcome(result)).toEqual({ body: '', truncated: false })
  })

  test('is done at once with a length of 0', () => {
    expect(delimited('', ['Content-Length', '0'])).toEqual({ body: '', truncated: false })
  })
})

describe('a body with a length', () => {
  test.each([
    ['5', ['5']],
    ['5, repeated in one field', ['5, 5']],
    ['5, repeated in two fields', ['5', '5']],
  ])('ends after it: %s', (_, lengths) => {
    const fields = lengths.map((length): HeaderField => ['content-length', length])
    expect(delimited('hello', ...fields)).toEqual({ body: 'hello', truncated: false })
  })

  test('is truncated when the connection ends before', () => {
    expect(untilEnd('hell', ['Content-Length', '5'])).toEqual({ body: 'hell', truncated: true })
  })

  test.each([
    ['conflicting', ['5', '6']],
    ['conflicting in one field', ['5, 6']],
    ['negative', ['-5']],
    ['signed', ['+5']],
    ['hexadecimal', ['0x5']],
    ['fractional', ['5.0']],
    ['empty', ['']],
    ['behind a no-break space', ['\xa05']],
  ])('is read to the end of the connection when the length is %s', (_, lengths) => {
    const fields = lengths.map((length): HeaderField => ['Content-Length', length])
    expect(untilEnd('hello you', ...fields)).toEqual({ body: 'hello you', truncated: false })
  })

  test('may have a length that no number holds', () => {
    expect(untilEnd('hello', ['Content-Length', '9'.repeat(400)])).toEqual({ body: 'hello', truncated: true })
  })
})

describe('a chunked body', () => {
  test.each([
    ['of nothing', '0\r\n\r\n', ''],
    ['of one chunk', '5\r\nhello\r\n0\r\n\r\n', 'hello'],
    ['of several chunks', '5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n', 'hello world'],
    [
      'with hexadecimal sizes in either case',
      'a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n',
      '01234567890123456789a',
    ],
    ['with leading zeros', '0005\r\nhello\r\n000\r\n\r\n', 'hello'],
    ['with extensions', '5;a;b=c;d="e;f"\r\nhello\r\n0;x\r\n\r\n', 'hello'],
    ['with white space before an extension', '5 \t; a = b\r\nhello\r\n0\r\n\r\n', 'hello'],
    ['with line ends in its data', '4\r\n\r\n\r\n\r\n0\r\n\r\n', '\r\n\r\n'],
    ['with trailers, which are dropped', '2\r\nhi\r\n0\r\nX: y\r\nZ: a\r\n\r\n', 'hi'],
  ])('%s is put together', (_, bytes, body) => {
    expect(delimited(bytes, CHUNKED)).toEqual({ body, truncated: false })
  })

  test('is complete with its last chunk, whatever becomes of the trailers', () => {
    expect(delimited('2\r\nhi\r\n0\r\n', CHUNKED)).toEqual({ body: 'hi', truncated: false })
  })

  test('has precedence over a length', () => {
    expect(delimited('2\r\nhi\r\n0\r\n\r\n', ['Content-Length', '3'], CHUNKED)).toEqual({
      body: 'hi',
      truncated: false,
    })
  })

  test('is recognised in any case, as the last of several codings', () => {
    expect(delimited('2\r\nhi\r\n0\r\n\r\n', ['Transfer-Encoding', 'gzip, Chunked'])).toEqual({
      body: 'hi',
      truncated: false,
    })
  })

  test('is read to the end of the connection when chunked is not the last coding', () => {
    expect(untilEnd('raw', ['Transfer-Encoding', 'chunked, gzip'])).toEqual({ body: 'raw', truncated: false })
  })

  test.each([
    ['no size', '5\r\nhello\r\nxyz\r\n'],
    ['an empty size', '5\r\nhello\r\n\r\n'],
    ['a signed size', '5\r\nhello\r\n-1\r\n'],
    ['a size with a prefix', '5\r\nhello\r\n0x1\r\n'],
    ['a size that ends in a bare LF', '5\r\nhello\r\n1\n'],
    ['a CR inside the size line', '5\r\nhello\r\n1;\r;\r\n'],
    ['no line end after the data', '5\r\nhello!!\r\n'],
    ['a bare LF after the data', '5\r\nhello\n'],
  ])('is cut off at a chunk with %s', (_, bytes) => {
    expect(delimited(bytes, CHUNKED)).toEqual({ body: 'hello', truncated: true })
  })

  test('is cut off at an extension without end', () => {
    expect(delimited(`5\r\nhello\r\n1;${'x'.repeat(5000)}`, CHUNKED)).toEqual({ body: 'hello', truncated: true })
  })

  test.each(['', '5', '5\r\nhel', '5\r\nhello', '5\r\nhello\r\n', '5\r\nhello\r\n0', '5\r\nhello\r\n0\r'])(
    'is truncated when the connection ends after %j',
    (bytes) => {
      expect(untilEnd(bytes, CHUNKED).truncated).toBe(true)
    },
  )

  test('may have a chunk size that no number holds', () => {
    expect(untilEnd(`${'f'.repeat(400)}\r\nhello`, CHUNKED)).toEqual({ body: 'hello', truncated: true })
  })
})

describe('a body that the end of the connection delimits', () => {
  test('is complete then', () => {
    expect(untilEnd('hello')).toEqual({ body: 'hello', truncated: false })
    expect(untilEnd('')).toEqual({ body: '', truncated: false })
  })
})

describe('the limit on a body', () => {
  const full = 'x'.repeat(BODY_LIMIT)

  test('allows 64 KiB', () => {
    expect(BODY_LIMIT).toBe(65_536)
    expect(delimited(full, ['Content-Length', '65536'])).toEqual({ body: full, truncated: false })
    expect(untilEnd(full)).toEqual({ body: full, truncated: false })
    expect(delimited(`10000\r\n${full}\r\n0\r\n\r\n`, CHUNKED)).toEqual({ body: full, truncated: false })
  })

  test('cuts off a longer body, without waiting for more of it where its length is known', () => {
    expect(delimited(full, ['Content-Length', '65537'])).toEqual({ body: full, truncated: true })
    expect(delimited(`10001\r\n${full}`, CHUNKED)).toEqual({ body: full, truncated: true })
    expect(delimited(`10000\r\n${full}\r\n1\r\n`, CHUNKED)).toEqual({ body: full, truncated: true })
    expect(delimited(`${full}x`)).toEqual({ body: full, truncated: true })
  })

  test('holds for the smallest chunks, byte by byte', () => {
    const result = reader([CHUNKED], oneByOne(wire('1\r\nx\r\n'.repeat(BODY_LIMIT))))
    expect(result.done).toBe(false)
    result.push(wire('1\r\n'))
    expect(result.done).toBe(true)
    expect(result.body.length).toBe(BODY_LIMIT)
  })
})

test('the bytes that were pushed may be reused', () => {
  const bytes = wire('hello')
  const result = reader([['Content-Length', '10']], [bytes])
  bytes.fill(0)
  expect(text(result.body)).toBe('hello')
})

test('any split of any chunked body gives the same', () => {
  const random = randomIntegers(9112)
  const pieces = ['5\r\nhello\r\n', '1;a=b\r\n!\r\n', '0\r\n\r\n', '2\r\nab', '\r\n', 'zz\r\n', '\n']
  for (let round = 0; round < 300; round++) {
    const bytes = wire(
      Array.from({ length: random(8) }, () => pieces[random(random(2) === 0 ? 2 : pieces.length)]).join(''),
    )
    const whole = reader([CHUNKED], [bytes])
    const parts = reader([CHUNKED], split(bytes, random))
    expect(parts.done).toBe(whole.done)
    expect(outcome(parts)).toEqual(outcome(whole))
  }
})
