import { describe, expect, test } from 'vitest'
import { linesOf } from '../../src/cli/lines.ts'
import { messageText } from '../../src/cli/message-text.ts'
import { failureReport } from '../../src/cli/report.ts'
import { harmless, type Style, styleFor } from '../../src/cli/style.ts'
import { HandshakeError, type HandshakeErrorDetails } from '../../src/errors.ts'
import { HttpHeaders } from '../../src/http-headers.ts'
import { collected } from './collected.ts'

const plain: Style = (_, text) => text

describe('a message', () => {
  test('of text is a line, in a pipe exactly as it came', () => {
    expect(messageText('a\x1b[2Jb\r\nc', false)).toBe('a\x1b[2Jb\r\nc\n')
  })

  test('of text cannot command a terminal', () => {
    expect(messageText('a\x1b[2Jb\x9bc\td', true)).toBe('a\\x1b[2Jb\\x9bc\td\n')
  })

  test('of bytes is its size and its bytes in hexadecimal', () => {
    expect(messageText(Uint8Array.of(0, 1, 255), false)).toBe('<3 bytes> 0001ff\n')
    expect(messageText(Uint8Array.of(7), false)).toBe('<1 byte> 07\n')
    expect(messageText(new Uint8Array(0), false)).toBe('<0 bytes>\n')
  })

  test('of bytes is whole in a pipe, and cut off in a terminal', () => {
    const bytes = new Uint8Array(33)
    expect(messageText(bytes, false)).toBe(`<33 bytes> ${'00'.repeat(33)}\n`)
    expect(messageText(bytes, true)).toBe(`<33 bytes> ${'00'.repeat(32)}…\n`)
  })

  test('of bytes in the middle of a buffer shows only its own', () => {
    expect(messageText(Uint8Array.of(1, 2, 3, 4).subarray(1, 3), false)).toBe('<2 bytes> 0203\n')
  })
})

describe('lines', () => {
  async function linesFrom(...chunks: (string | Uint8Array)[]): Promise<string[]> {
    async function* stream() {
      for (const chunk of chunks) yield Buffer.from(chunk)
    }
    return await collected(linesOf(stream()))
  }

  test('end with LF or CRLF, and the last one may end with neither', async () => {
    expect(await linesFrom('a\nb\r\n\nc')).toEqual(['a', 'b', '', 'c'])
    expect(await linesFrom('a\n')).toEqual(['a'])
    expect(await linesFrom()).toEqual([])
  })

  test('are the same however the bytes are split', async () => {
    const bytes = Buffer.from('grün\r\n世界\n👋')
    expect(await linesFrom(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(['grün', '世界', '👋'])
  })

  test('keep a CR that is not at their end', async () => {
    expect(await linesFrom('a\rb\r', '\nc\r')).toEqual(['a\rb', 'c'])
  })
})

describe('colours', () => {
  test('are for terminals', () => {
    expect(styleFor({ isTTY: true }, {})('red', 'x')).toBe('\x1b[31mx\x1b[39m')
    expect(styleFor({}, { FORCE_COLOR: '1' })('red', 'x')).toBe('x')
  })

  test('are off when NO_COLOR is set, unless it is empty', () => {
    expect(styleFor({ isTTY: true }, { NO_COLOR: '1' })('red', 'x')).toBe('x')
    expect(styleFor({ isTTY: true }, { NO_COLOR: '' })('red', 'x')).toBe('\x1b[31mx\x1b[39m')
  })
})

test('harmless text keeps line ends and tabs, and shows all other control characters', () => {
  expect(harmless('a\tb\r\nc\rd\0\x7f\x85ä')).toBe('a\tb\nc\\x0dd\\x00\\x7f\\x85ä')
})

describe('the report of a failure', () => {
  function refusal(status: number, { body = '', ...details }: HandshakeErrorDetails & { body?: string } = {}) {
    const headers = new HttpHeaders([['x-title', '\x9b2J']])
    const bytes = Buffer.from(body)
    const response = {
      status,
      statusText: 'No',
      headers,
      httpVersion: '1.1',
      body: bytes,
      bodyTruncated: false,
    } as const
    return new HandshakeError('UPGRADE_REFUSED', 'It refused', { response, ...details })
  }

  test('says what happened, what the server answered, and whether to retry', () => {
    const report = failureReport(refusal(503, { body: 'busy\n', retriable: true, retryAfter: 1500 }), plain)
    expect(report).toBe(
      'hawser: It refused\n\nHTTP/1.1 503 No\nx-title: \\x9b2J\n\nbusy\n\nCode:  UPGRADE_REFUSED\nRetry: worth it, after 1.5 s\n',
    )
  })

  test('cuts a long body off, and leaves out one that is not text', () => {
    const long = failureReport(refusal(403, { body: 'x'.repeat(5000) }), plain)
    expect(long).toContain(`\n${'x'.repeat(2000)}\n(cut off here; --json prints up to 64 KiB)\n`)
    expect(failureReport(refusal(403, { body: 'GIF\0' }), plain)).toContain('\n(4 bytes that are not text)\n')
  })

  test('lists the redirects on the way', () => {
    const attempts = [
      { url: 'ws://a/', transport: 'tcp', httpVersion: '1.1', status: 302 },
      { url: 'ws://b/', transport: 'tcp', httpVersion: '1.1', status: 0, error: 'CONNECTION_LOST' },
    ] as const
    const report = failureReport(new HandshakeError('CONNECTION_LOST', 'Lost', { attempts }), plain)
    expect(report).toContain(
      '\nTried: ws://a/ over HTTP/1.1: 302\n       ws://b/ over HTTP/1.1: CONNECTION_LOST\nRetry: ',
    )
  })

  test.each([
    ['HTTP2_UNAVAILABLE', 'the server does not speak it'],
    ['EXTENDED_CONNECT_UNSUPPORTED', 'the server does not allow extended CONNECT'],
    ['STREAM_RESET', 'the server reset the stream'],
  ] as const)('says why it was not HTTP/2: %s', (code, why) => {
    const attempts = [
      { url: 'wss://a/', transport: 'http2', httpVersion: '2', status: 0, error: code },
      { url: 'wss://a/', transport: 'tcp', httpVersion: '1.1', status: 403, error: 'UPGRADE_REFUSED' },
    ] as const
    const report = failureReport(refusal(403, { attempts }), plain)
    expect(report).toContain(`\nTried: wss://a/ over HTTP/2: ${why}\n       wss://a/ over HTTP/1.1: 403\nRetry: `)
  })

  test('does not list a single attempt', () => {
    const attempts = [{ url: 'ws://a/', transport: 'tcp', httpVersion: '1.1', status: 403 }] as const
    expect(failureReport(refusal(403, { attempts }), plain)).not.toContain('Tried')
  })

  test.each([
    [refusal(401), '-H "Authorization: …"'],
    [refusal(403), 'Origin'],
    [refusal(404), 'path'],
    [new HandshakeError('TLS_FAILED', '', { cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } }), '--ca FILE'],
    [new HandshakeError('HANDSHAKE_TIMEOUT', ''), '--timeout'],
    [new HandshakeError('HTTP2_UNAVAILABLE', ''), '--http1.1'],
    [new HandshakeError('EXTENDED_CONNECT_UNSUPPORTED', ''), 'without --exact'],
    [new HandshakeError('STREAM_RESET', ''), '--http1.1'],
    [new HandshakeError('PROXY_REFUSED', ''), '--proxy'],
  ])('gives a hint for %o', (error, hint) => {
    expect(/^Hint: {2}(.*)$/m.exec(failureReport(error, plain))?.[1]).toContain(hint)
  })

  test('gives no hint where the message says it all', () => {
    expect(failureReport(new HandshakeError('CONNECTION_REFUSED', 'x'), plain)).not.toContain('Hint')
    const expired = new HandshakeError('TLS_FAILED', 'x', { cause: { code: 'CERT_HAS_EXPIRED' } })
    expect(failureReport(expired, plain)).not.toContain('Hint')
  })
})
