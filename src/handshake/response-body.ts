/** The body of a refusal: enough of it to tell why. */
import type { HttpHeaders } from '../http-headers.ts'
import { BODY_LIMIT } from './refusal.ts'
import type { ResponseHead } from './response-head.ts'
import { latin1, listElements } from './syntax.ts'

/** Characters of a line that introduces a chunk, its extensions included. */
const CHUNK_LINE_LIMIT = 4096
/** RFC 9112 §7.1, extensions ignored. */
const CHUNK_LINE = /^([0-9a-f]+)[ \t]*(?:;[^\r\n]*)?\r\n$/i
const CRLF = '\r\n'
const LF = 0x0a

/**
 * Reads the body that follows a head on an HTTP/1.1 connection (RFC 9112 §6.3), however its bytes are split.
 *
 * It never fails: from what makes no sense on, the body is cut off. Bytes after its end are ignored, since no second
 * response is read from that connection.
 */
export class ResponseBodyReader {
  #kept = new Uint8Array(0)
  #length = 0
  /** Bytes that are still to come of the body, or of the current chunk. */
  #remaining: number
  readonly #chunked: boolean
  /** What has come of a chunk's line. */
  #line = ''
  /** Whether the next line is the one that ends a chunk's data. */
  #afterData = false
  #done = false
  #complete = false

  constructor(head: ResponseHead) {
    const framing = framingOf(head)
    this.#chunked = framing === 'chunked'
    this.#remaining = framing === 'chunked' ? 0 : framing
    if (framing === 0) this.#stop(true)
  }

  /** True when nothing more is needed: the body is complete, cut off by a mistake, or larger than BODY_LIMIT. */
  get done(): boolean {
    return this.#done
  }

  /**
   * What has come of the body, at most BODY_LIMIT bytes: a copy. Transfer codings other than chunked are left in place.
   */
  get body(): Uint8Array {
    return this.#kept.slice(0, this.#length)
  }

  /** True unless `body` is known to be all of it. */
  get truncated(): boolean {
    return !this.#complete
  }

  push(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.length && !this.#done) {
      const rest = bytes.subarray(at)
      at += this.#remaining > 0 ? this.#takeData(rest) : this.#takeLine(rest)
    }
  }

  /** The peer has ended its direction. */
  end(): void {
    if (!this.#done) this.#stop(this.#remaining === Infinity)
  }

  #takeData(bytes: Uint8Array): number {
    const part = bytes.subarray(0, Math.min(this.#remaining, BODY_LIMIT - this.#length))
    this.#keep(part)
    this.#remaining -= part.length
    if (this.#remaining > 0) this.#checkLimit(part.length < bytes.length)
    else if (this.#chunked) this.#afterData = true
    else this.#stop(true)
    return part.length
  }

  /**
   * Stops at the limit once it is certain that there is more: where only the end of the connection tells, not before it
   * comes.
   */
  #checkLimit(moreHasCome: boolean): void {
    if (this.#length === BODY_LIMIT && (moreHasCome || Number.isFinite(this.#remaining))) this.#stop(false)
  }

  #takeLine(bytes: Uint8Array): number {
    const window = bytes.subarray(0, CHUNK_LINE_LIMIT)
    const end = window.indexOf(LF) + 1
    const part = end === 0 ? window : window.subarray(0, end)
    this.#line += latin1(part)
    if (this.#line.length > CHUNK_LINE_LIMIT) {
      this.#stop(false)
    } else if (end > 0) {
      const line = this.#line
      this.#line = ''
      this.#finishLine(line)
    }
    return part.length
  }

  #finishLine(line: string): void {
    if (this.#afterData) {
      this.#afterData = false
      if (line !== CRLF) this.#stop(false)
      return
    }
    const size = Number.parseInt(CHUNK_LINE.exec(line)?.[1] ?? '', 16)
    if (Number.isNaN(size)) this.#stop(false)
    // RFC 9112 §8: with the zero-sized chunk the body is complete; what follows is trailers.
    else if (size === 0) this.#stop(true)
    else this.#startChunk(size)
  }

  #startChunk(size: number): void {
    // A size too large for a number must not look like a body that the end of the connection delimits.
    this.#remaining = Math.min(size, Number.MAX_SAFE_INTEGER)
    this.#checkLimit(false)
  }

  #keep(part: Uint8Array): void {
    const length = this.#length + part.length
    if (length > this.#kept.length) {
      const grown = new Uint8Array(Math.min(Math.max(length, 2 * this.#kept.length), BODY_LIMIT))
      grown.set(this.#kept)
      this.#kept = grown
    }
    this.#kept.set(part, this.#length)
    this.#length = length
  }

  #stop(complete: boolean): void {
    this.#done = true
    this.#complete = complete
  }
}

/**
 * How the end of a body is found (RFC 9112 §6.3): by chunks, after so many bytes, or, Infinity, with the connection.
 */
function framingOf({ status, headers }: ResponseHead): 'chunked' | number {
  if (status === 204 || status === 304) return 0
  const codings = listElements(headers.getAll('transfer-encoding'))
  if (codings.length > 0) return codings.at(-1)?.toLowerCase() === 'chunked' ? 'chunked' : Infinity
  return contentLength(headers) ?? Infinity
}

/** RFC 9110 §8.6: the same length may be repeated; everything else is invalid. */
function contentLength(headers: HttpHeaders): number | undefined {
  const [length, ...others] = new Set(listElements(headers.getAll('content-length')))
  if (length === undefined || others.length > 0 || !/^[0-9]+$/.test(length)) return undefined
  return Math.min(Number(length), Number.MAX_SAFE_INTEGER)
}
