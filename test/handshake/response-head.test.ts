import { describe, expect, test } from 'vitest'
import { FIELD_LIMIT, HEAD_LIMIT, ResponseHeadReader } from '../../src/handshake/response-head.ts'
import { handshakeError, invalidHead, parseHead, randomIntegers, readHead, split, wire } from './support.ts'

// RFC 6455 §1.2.
const SWITCHING =
  'HTTP/1.1 101 Switching Protocols\r\n' +
  'Upgrade: websocket\r\n' +
  'Connection: Upgrade\r\n' +
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n' +
  'Sec-WebSocket-Protocol: chat\r\n' +
  '\r\n'

/** A head of exactly so many bytes. */
function headOf(size: number): string {
  const frame = 'HTTP/1.1 101 OK\r\nX: \r\n\r\n'
  return frame.replace('X: ', `X: ${'v'.repeat(size - frame.length)}`)
}

describe('a valid head', () => {
  test('gives status, reason phrase and all fields in order', () => {
    const head = parseHead(SWITCHING)
    expect(head.status).toBe(101)
    expect(head.statusText).toBe('Switching Protocols')
    expect(head.httpVersion).toBe('1.1')
    expect([...head.headers]).toEqual([
      ['Upgrade', 'websocket'],
      ['Connection', 'Upgrade'],
      ['Sec-WebSocket-Accept', 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='],
      ['Sec-WebSocket-Protocol', 'chat'],
    ])
  })

  test('keeps repeated fields apart', () => {
    const head = parseHead('HTTP/1.1 401 No\r\nSet-Cookie: a=1\r\nX: y\r\nset-cookie: b=2\r\n\r\n')
    expect(head.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(head.headers.size).toBe(3)
  })

  test.each([
    ['with a reason phrase', 'HTTP/1.1 404 Not Found\r\n\r\n', 404, 'Not Found'],
    ['with an empty reason phrase', 'HTTP/1.1 404 \r\n\r\n', 404, ''],
    ['without the space before the reason phrase', 'HTTP/1.1 404\r\n\r\n', 404, ''],
    ['with a reason phrase of obs-text', 'HTTP/1.1 404 gr\xfc\xdfe\x80\r\n\r\n', 404, 'gr\xfc\xdfe\x80'],
    ['at the upper end of the classes', 'HTTP/1.1 599 X\r\n\r\n', 599, 'X'],
    ['above all classes', 'HTTP/1.1 999 Go away\r\n\r\n', 999, 'Go away'],
    ['over HTTP/1.0', 'HTTP/1.0 403 Forbidden\r\n\r\n', 403, 'Forbidden'],
  ])('has a status line %s', (_, response, status, statusText) => {
    expect(parseHead(response)).toMatchObject({ status, statusText, httpVersion: '1.1' })
  })

  test.each([
    ['without white space', 'X:v', 'v'],
    ['with white space around', 'X: \t v \t', 'v'],
    ['with white space inside', 'X: a  b\tc', 'a  b\tc'],
    ['that is empty', 'X:', ''],
    ['of nothing but white space', 'X:  \t ', ''],
    ['with colons', 'X: a:b', 'a:b'],
    ['of latin1, not windows-1252', 'X: \x80\x9f\xa4\xff', '\x80\x9f\xa4\xff'],
  ])('has a value %s', (_, line, value) => {
    expect([...parseHead(`HTTP/1.1 200 OK\r\n${line}\r\n\r\n`).headers]).toEqual([['X', value]])
  })

  test('may have a name of any token characters', () => {
    const name = "!#$%&'*+-.^_`|~09azAZ"
    expect(parseHead(`HTTP/1.1 200 OK\r\n${name}: v\r\n\r\n`).headers.get(name)).toBe('v')
  })

  test('is preceded by any number of interim responses, whose fields are dropped', () => {
    const interim =
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nX: y\r\n\r\nHTTP/1.1 102\r\n\r\n'
    const head = parseHead(interim + SWITCHING)
    expect(head).toEqual(parseHead(SWITCHING))
  })

  test('is not complete before its last byte', () => {
    const bytes = wire(SWITCHING)
    const reader = new ResponseHeadReader()
    expect(reader.push(bytes.subarray(0, -1))).toBeUndefined()
    expect(reader.push(new Uint8Array(0))).toBeUndefined()
    expect(reader.push(bytes.subarray(-1))?.status).toBe(101)
  })

  test('leaves a copy of the bytes after it', () => {
    const bytes = wire(`${SWITCHING}\x81\x00`)
    const reader = new ResponseHeadReader()
    reader.push(bytes)
    bytes.fill(0xff)
    expect(reader.rest).toEqual(Uint8Array.of(0x81, 0x00))
  })
})

describe('an answer that is not HTTP', () => {
  test.each([
    ['a greeting of SSH', 'S', 'SSH-2.0-OpenSSH_9.2\r\n', '"SSH-2.0-OpenSSH_9.2\\x0D\\x0A"'],
    [
      'an alert of TLS',
      '\x15',
      '\x15\x03\x01\x00\x02\x02\x46',
      '"\\x15\\x03\\x01\\x00\\x02\\x02F" (this looks like TLS: use wss:)',
    ],
    ['the SETTINGS of HTTP/2', '\0', '\0\0\x06\x04\0\0\0\0\0', '"\\x00\\x00\\x06\\x04\\x00\\x00\\x00\\x00\\x00"'],
    ['an empty line', '\r', '\r\nHTTP/1.1 200 OK\r\n\r\n', '"\\x0D\\x0AHTTP/1.1 200 OK'],
    ['HTTP in small letters', 'h', 'http/1.1 200 OK\r\n\r\n', '"http/1.1 200 OK'],
    ['something that begins like HTTP', 'HTTX', 'HTTX/1.1', '"HTTX/1.1"'],
    ['quotes and backslashes', '"', '"\\', '"\\"\\\\"'],
  ])('fails at its first wrong byte: %s', (_, prefix, response, shown) => {
    expect(invalidHead(response).message).toContain(shown)
    expect(readHead([wire(prefix.slice(0, -1))]).head).toBeUndefined()
    invalidHead(prefix)
  })

  test('fails at once after an interim response too', () => {
    invalidHead('HTTP/1.1 100 Continue\r\n\r\nx')
  })

  test('is shown only in part', () => {
    expect(invalidHead('x'.repeat(100_000)).message.length).toBeLessThan(150)
  })
})

describe('an invalid head', () => {
  test.each([
    ['another major version', 'HTTP/2 200 OK\r\n'],
    ['another minor version', 'HTTP/1.2 200 OK\r\n'],
    ['a version of many digits', 'HTTP/1.10 200 OK\r\n'],
    ['no status', 'HTTP/1.1\r\n'],
    ['an empty status', 'HTTP/1.1  OK\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n'],
    ['a status below 100', 'HTTP/1.1 099 OK\r\n'],
    ['a status with letters', 'HTTP/1.1 2x0 OK\r\n'],
    ['two spaces before the status', 'HTTP/1.1  200 OK\r\n'],
    ['a tab before the status', 'HTTP/1.1\t200 OK\r\n'],
    ['no space before the reason phrase', 'HTTP/1.1 200OK\r\n'],
    ['a control character in the reason phrase', 'HTTP/1.1 200 O\x1bK\r\n'],
    ['a DEL in the reason phrase', 'HTTP/1.1 200 O\x7fK\r\n'],
    ['a 101 over HTTP/1.0', 'HTTP/1.0 101 Switching Protocols\r\n'],
    ['an interim response over HTTP/1.0', 'HTTP/1.0 100 Continue\r\n'],
  ])('has a status line with %s', (_, line) => {
    invalidHead(line)
  })

  test.each([
    ['a bare LF', 'X: y\n', 'LF without CR'],
    ['a bare LF after a whole line', 'X: y\r\n\n', 'LF without CR'],
    ['a bare CR', 'X: y\rz', 'a CR that no LF follows'],
    ['two CRs', 'X: y\r\r\n', 'a CR that no LF follows'],
    ['a NUL in a value', 'X: \0', 'a NUL'],
    ['a NUL in a name', 'X\0', 'a NUL'],
    ['a folded line', 'X: y\r\n z: a\r\n', 'folded'],
    ['a line folded with a tab', 'X: y\r\n\tz\r\n', 'folded'],
    ['white space before the first field', ' X: y\r\n', 'folded'],
    ['no colon', 'just words\r\n', 'without a colon: "just words"'],
    ['no name', ': y\r\n', 'without a name'],
    ['a space before the colon', 'X : y\r\n', 'between a header\'s name and its colon: "X "'],
    ['a tab before the colon', 'X\t: y\r\n', "between a header's name and its colon"],
    ['a space in the name', 'X Y: y\r\n', 'invalid name: "X Y"'],
    ['obs-text in the name', 'X\xe9: y\r\n', 'invalid name: "X\\xE9"'],
    ['a control character in the value', 'X: a\x01b\r\n', 'in the value of "X"'],
    ['a DEL in the value', 'X: a\x7fb\r\n', 'in the value of "X"'],
  ])('has %s', (_, lines, message) => {
    expect(invalidHead(`HTTP/1.1 101 OK\r\n${lines}`).message).toContain(message)
  })

  test.each(['X: secret\n', 'X: secret\r!', 'X: secret\0', 'X: secret\x01\r\n'])(
    'does not show a value: %j',
    (line) => {
      expect(invalidHead(`HTTP/1.1 101 OK\r\n${line}`).message).not.toContain('secret')
    },
  )

  test('fails on a bare LF in an interim response', () => {
    invalidHead('HTTP/1.1 100 Continue\r\n\n')
  })
})

describe('the limits on a head', () => {
  test('allow 64 KiB, and what comes after does not count', () => {
    expect(headOf(HEAD_LIMIT).length).toBe(65_536)
    expect(parseHead(headOf(HEAD_LIMIT)).status).toBe(101)
    expect(readHead([wire(headOf(HEAD_LIMIT) + 'x'.repeat(100_000))]).rest.length).toBe(100_000)
  })

  test('refuse a byte more', () => {
    expect(invalidHead(headOf(HEAD_LIMIT + 1)).message).toContain('65536')
  })

  test('refuse a status line without end', () => {
    invalidHead(`HTTP/1.1 200 ${'x'.repeat(HEAD_LIMIT)}`)
  })

  test('count interim responses', () => {
    const interim = 'HTTP/1.1 100 Continue\r\n\r\n'
    invalidHead(interim.repeat(HEAD_LIMIT / interim.length + 1))
    invalidHead(interim + headOf(HEAD_LIMIT))
  })

  test('allow 256 fields and no more', () => {
    const fields = 'X: y\r\n'.repeat(FIELD_LIMIT)
    expect(parseHead(`HTTP/1.1 200 OK\r\n${fields}\r\n`).headers.size).toBe(256)
    expect(invalidHead(`HTTP/1.1 200 OK\r\n${fields}Z: y\r\n\r\n`).message).toContain('256')
  })

  test('count the fields of each response alone', () => {
    const fields = 'X: y\r\n'.repeat(FIELD_LIMIT)
    parseHead(`HTTP/1.1 103 Hints\r\n${fields}\r\nHTTP/1.1 200 OK\r\n${fields}\r\n`)
  })
})

describe('any split of the bytes', () => {
  const random = randomIntegers(6455)
  const names = ['X', 'Set-Cookie', 'sec-websocket-accept', "a!#$%&'*"]
  const values = ['', 'v', ' v ', 'a, b', '\x80\xff', '\t"quoted"\t']
  const breaks = ['\n', '\r', '\0', ' ', ':', '\r\n', 'x', '\x01']
  const pick = (list: readonly string[]): string => list[random(list.length)]!
  const response = (status: string): string =>
    `HTTP/1.1 ${status}\r\n${Array.from({ length: random(6) }, () => `${pick(names)}:${pick(values)}\r\n`).join('')}\r\n`

  /** What a reader makes of chunks: a head and the rest, or the code of its error. */
  function outcome(chunks: readonly Uint8Array[]): unknown {
    try {
      const { head, rest } = readHead(chunks)
      return { ...head, headers: head?.headers.toJSON(), rest }
    } catch (error) {
      return (error as { code: string }).code
    }
  }

  test('gives the same head and the same rest', () => {
    for (let round = 0; round < 300; round++) {
      const interim = Array.from({ length: random(3) }, () => response('103 Early Hints')).join('')
      const bytes = wire(`${interim}${response(pick(['101 OK', '403', '200 ']))}rest\r\n`)
      const whole = outcome([bytes])
      expect(whole).toMatchObject({ rest: 'rest\r\n' })
      expect(outcome(split(bytes, random))).toEqual(whole)
    }
  })

  test('gives the same verdict on damaged bytes', () => {
    for (let round = 0; round < 600; round++) {
      const intact = response('101 Switching Protocols')
      const at = random(intact.length)
      const bytes = wire(intact.slice(0, at) + pick(breaks) + intact.slice(at + random(2)))
      expect(outcome(split(bytes, random))).toEqual(outcome([bytes]))
    }
  })

  test('gives nothing but heads and INVALID_RESPONSE for any bytes', () => {
    for (let round = 0; round < 300; round++) {
      const noise = Uint8Array.from({ length: random(60) }, () => random(256))
      const bytes = new Uint8Array([...wire('HTTP/1.1 200 OK\r\n'), ...noise])
      try {
        readHead(split(bytes, random))
      } catch (error) {
        handshakeError('INVALID_RESPONSE', () => {
          throw error
        })
      }
    }
  })
})
