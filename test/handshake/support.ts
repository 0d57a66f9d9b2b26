import { expect } from 'vitest'
import { HandshakeError, type HandshakeErrorCode, OptionsError } from '../../src/errors.ts'
import { type ResponseHead, ResponseHeadReader } from '../../src/handshake/response-head.ts'
import { type HeaderField, HttpHeaders } from '../../src/http-headers.ts'

/** Text whose characters are the bytes on the wire. */
export function wire(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

export function text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}

export function head(status: number, ...fields: HeaderField[]): ResponseHead {
  return { status, statusText: '', headers: new HttpHeaders(fields), httpVersion: '1.1' }
}

export function thrownBy(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  throw new Error('Nothing was thrown')
}

/** Expects a HandshakeError with this code, as the pure layer makes it: without a response. */
export function handshakeError(code: HandshakeErrorCode, action: () => unknown): HandshakeError {
  const error = thrownBy(action)
  if (!(error instanceof HandshakeError)) throw error
  expect(error.code).toBe(code)
  expect(error.response).toBeUndefined()
  return error
}

/** Expects an OptionsError about this option. */
export function optionsError(option: string, action: () => unknown): OptionsError {
  const error = thrownBy(action)
  if (!(error instanceof OptionsError)) throw error
  expect(error.option).toBe(option)
  expect(error.cause).toBeUndefined()
  return error
}

/** Bytes that come after a head: a text frame, and what would be an error in a head. */
const TRAILING = '\x81\x02hi\0\n\r\r'

/** Feeds chunks to a new reader until it gives a head. */
export function readHead(chunks: Iterable<Uint8Array>): { head: ResponseHead | undefined; rest: string } {
  const reader = new ResponseHeadReader()
  let rest = ''
  let result: ResponseHead | undefined
  for (const chunk of chunks) {
    if (result !== undefined) rest += text(chunk)
    else result = reader.push(chunk)
  }
  return { head: result, rest: text(reader.rest) + rest }
}

export function oneByOne(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte))
}

/** Reads a whole head at once, byte by byte, and with bytes after it, and expects the same each time. */
export function parseHead(response: string): ResponseHead {
  const whole = readHead([wire(response)])
  const single = readHead(oneByOne(wire(response)))
  const trailing = readHead([wire(response + TRAILING)])
  expect(whole.rest).toBe('')
  expect(single).toEqual(whole)
  expect(trailing.head).toEqual(whole.head)
  expect(trailing.rest).toBe(TRAILING)
  if (whole.head === undefined) throw new Error('The head is not complete')
  return whole.head
}

/** Expects the same error whole, byte by byte, and with bytes after it; gives the first one. */
export function invalidHead(response: string): HandshakeError {
  const error = handshakeError('INVALID_RESPONSE', () => readHead([wire(response)]))
  handshakeError('INVALID_RESPONSE', () => readHead(oneByOne(wire(response))))
  handshakeError('INVALID_RESPONSE', () => readHead([wire(response + TRAILING)]))
  return error
}

/** A small generator of pseudo-random integers below a bound (mulberry32), the same for the same seed. */
export function randomIntegers(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), state | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return ((value ^ (value >>> 14)) >>> 0) % bound
  }
}

/** Cuts bytes into chunks at random places, empty chunks among them. */
export function split(bytes: Uint8Array, random: (bound: number) => number): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = random(random(2) === 0 ? 3 : 40)
    chunks.push(bytes.subarray(at, at + length))
    at += length
  }
  return chunks
}
