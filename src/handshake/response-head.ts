import { HandshakeError } from '../errors.ts'
import { type HeaderField, HttpHeaders } from '../http-headers.ts'
import { isFieldText, isToken, latin1, quoted, trimWhiteSpace } from './syntax.ts'

/** The head of the final response to a handshake. */
export interface ResponseHead {
  readonly status: number
  /** The reason phrase; empty where there is none. */
  readonly statusText: string
  readonly headers: HttpHeaders
  readonly httpVersion: '1.1' | '2'
}

/** Bytes up to the end of the final head, interim responses included. */
export const HEAD_LIMIT = 65_536
/** Fields of one head. */
export const FIELD_LIMIT = 256

const CR = 0x0d
const LF = 0x0a
const NUL = 0x00
const START = 'HTTP/'

/**
 * RFC 9112 §4. The space after the status may be missing when there is no reason phrase, as many servers have it. A
 * status above 599 belongs to no class, and is a refusal like one of 5xx (RFC 9110 §15).
 */
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: (.*))?$/

interface StatusLine {
  readonly status: number
  readonly statusText: string
}

/**
 * Reads the head of a response to a handshake from the bytes of an HTTP/1.1 connection, however they are split.
 *
 * It is as strict as RFC 9112 allows: what two parsers could read differently is an error. Interim responses (1xx but
 * 101) are skipped. A refusal over HTTP/1.0 is taken and reported as 1.1; HTTP/1.0 has no interim responses and no
 * upgrade. After a head or an error a reader is used up.
 */
export class ResponseHeadReader {
  #rest = new Uint8Array(0)
  #size = 0
  /**
   * What has come of the current line, without the CR. It is only appended to: to look into it would flatten it each
   * time.
   */
  #line = ''
  #afterCr = false
  #statusLine: StatusLine | undefined
  #fields: HeaderField[] = []

  /** The bytes that came after the head: a copy. */
  get rest(): Uint8Array {
    return this.#rest
  }

  /** Takes bytes; gives the head once it is complete. Fails with INVALID_RESPONSE for what is not a valid head. */
  push(bytes: Uint8Array): ResponseHead | undefined {
    for (let at = 0; at < bytes.length; at++) {
      if (this.#statusLine === undefined) this.#checkStart(bytes, at)
      const line = this.#takeByte(bytes[at]!)
      const head = line === undefined ? undefined : this.#takeLine(line)
      if (head !== undefined) {
        this.#rest = bytes.slice(at + 1)
        return head
      }
    }
    return undefined
  }

  /** Fails at the first byte that no response begins with: a peer that speaks something else may wait for us. */
  #checkStart(bytes: Uint8Array, at: number): void {
    const length = this.#line.length
    if (length >= START.length || bytes[at] === START.charCodeAt(length)) return
    const found = this.#line + latin1(bytes.subarray(at, at + 64))
    // 0x15 is the content type of a TLS alert (RFC 8446 §5.1).
    const hint = found.startsWith('\x15') ? ' (this looks like TLS: use wss:)' : ''
    fail(`The answer is not HTTP: it begins with ${quoted(found)}${hint}`)
  }

  /** Gives the line that this byte completes, without its CRLF. */
  #takeByte(byte: number): string | undefined {
    if (++this.#size > HEAD_LIMIT) fail(`The head of the response is larger than ${HEAD_LIMIT} bytes`)
    // RFC 9112 §2.2 lets a recipient take a bare LF for a line end, and has it refuse or replace a bare CR.
    if (byte === LF && !this.#afterCr) this.#failLine('a line that ends in LF without CR')
    if (byte !== LF && this.#afterCr) this.#failLine('a CR that no LF follows')
    if (byte === NUL) this.#failLine('a NUL')
    this.#afterCr = byte === CR
    if (byte !== LF) {
      if (byte !== CR) this.#line += String.fromCharCode(byte)
      return undefined
    }
    const line = this.#line
    this.#line = ''
    return line
  }

  #takeLine(line: string): ResponseHead | undefined {
    if (this.#statusLine === undefined) {
      this.#statusLine = parseStatusLine(line)
    } else if (line !== '') {
      if (this.#fields.length === FIELD_LIMIT) fail(`The response has more than ${FIELD_LIMIT} header fields`)
      this.#fields.push(parseField(line))
    } else {
      return this.#finish(this.#statusLine)
    }
    return undefined
  }

  #finish({ status, statusText }: StatusLine): ResponseHead | undefined {
    if (status >= 200 || status === 101) {
      return { status, statusText, headers: new HttpHeaders(this.#fields), httpVersion: '1.1' }
    }
    this.#statusLine = undefined
    this.#fields = []
    return undefined
  }

  #failLine(found: string): never {
    fail(`The head of the response has ${found}, after ${quoted(beforeValue(this.#line))}`)
  }
}

function parseStatusLine(line: string): StatusLine {
  const match = isFieldText(line) ? STATUS_LINE.exec(line) : null
  if (match === null) fail(`The response does not begin with a status line of HTTP/1.1, but with ${quoted(line)}`)
  const [, minorVersion = '', status = '', statusText = ''] = match
  // RFC 9110 §15.2: HTTP/1.0 defines no 1xx.
  if (minorVersion === '0' && status.startsWith('1'))
    fail(`The server answered ${status} over HTTP/1.0, which has no 1xx`)
  return { status: Number(status), statusText }
}

/** RFC 9112 §5. */
function parseField(line: string): HeaderField {
  if (/^[ \t]/.test(line)) fail('The response has a header field that is folded over two lines')
  const colon = line.indexOf(':')
  if (colon < 0) fail(`The response has a header field without a colon: ${quoted(line)}`)
  const name = line.slice(0, colon)
  if (name === '') fail('The response has a header field without a name')
  // RFC 9112 §5.1: such a space has been used to smuggle fields past a proxy.
  if (/[ \t]$/.test(name)) fail(`The response has white space between a header's name and its colon: ${quoted(name)}`)
  if (!isToken(name)) fail(`The response has a header field with an invalid name: ${quoted(name)}`)
  const value = line.slice(colon + 1)
  if (!isFieldText(value)) fail(`The response has a control character in the value of ${quoted(name)}`)
  return [name, trimWhiteSpace(value)]
}

/** The part of a line that an error may show: values can be secret. */
function beforeValue(line: string): string {
  const colon = line.indexOf(':')
  return colon < 0 ? line : line.slice(0, colon + 1)
}

function fail(message: string): never {
  throw new HandshakeError('INVALID_RESPONSE', message)
}
