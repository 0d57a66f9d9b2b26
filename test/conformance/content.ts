/** What messages hold, as data: small enough for a table, and built alike by the client and by the server. */

/** The content of a message. One that is told by its length is made of a pattern that repeats with no power of two. */
export type Content =
  | { readonly text: string }
  | { readonly hex: string }
  /** Text of so many bytes, of characters of one to four bytes. */
  | { readonly textOf: number }
  | { readonly bytesOf: number }
  /** Text of so many bytes that compresses as prose does. */
  | { readonly wordsOf: number }
  /** Bytes that do not compress. */
  | { readonly noiseOf: number }

const CHARACTERS = 'aé€😀z'
const WORDS = 'the quick brown fox jumps over a lazy dog while seven wise owls watch from their old oak tree'.split(' ')
/** Content up to this many bytes is shown, longer is told by its digest. */
const SHOWN = 24

const encoder = new TextEncoder()

export function isText(content: Content): boolean {
  return 'text' in content || 'textOf' in content || 'wordsOf' in content
}

export function bytesOf(content: Content): Uint8Array<ArrayBuffer> {
  if ('text' in content) return encoder.encode(content.text)
  if ('hex' in content) return fromHex(content.hex)
  if ('textOf' in content) return characters(content.textOf)
  if ('bytesOf' in content) return filled(content.bytesOf, (i) => i * 7 + (i >> 8) * 13)
  if ('wordsOf' in content) return words(content.wordsOf)
  return noise(content.noiseOf)
}

/** As the user of a client has it. */
export function messageOf(content: Content): string | Uint8Array<ArrayBuffer> {
  const bytes = bytesOf(content)
  return isText(content) ? new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes) : bytes
}

/** A line that tells messages apart: type, length, and the content or its digest. */
export async function describe(message: string | Uint8Array): Promise<string> {
  const type = typeof message === 'string' ? 'text' : 'binary'
  const bytes = typeof message === 'string' ? encoder.encode(message) : Uint8Array.from(message)
  if (bytes.length <= SHOWN) return `${type} [${toHex(bytes)}]`
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return `${type} of ${bytes.length} bytes (${toHex(digest.subarray(0, 6))})`
}

export function fromHex(digits: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(digits.replaceAll(' ', '').match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** As `Uint8Array.from` would do it, many times faster. */
function filled(length: number, byteAt: (index: number) => number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = byteAt(i)
  return bytes
}

/** What is left behind the last whole character is filled up. */
function characters(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length).fill(0x78)
  const pattern = encoder.encode(CHARACTERS)
  const whole = length - (length % pattern.length)
  for (let i = 0; i < whole; i++) bytes[i] = pattern[i % pattern.length]!
  return bytes
}

function words(length: number): Uint8Array<ArrayBuffer> {
  const next = random(length)
  let text = ''
  while (text.length < length) text += `${WORDS[next() % WORDS.length]} `
  return encoder.encode(text.slice(0, length))
}

function noise(length: number): Uint8Array<ArrayBuffer> {
  const next = random(length)
  return filled(length, () => next() >>> 24)
}

/** Pseudo-random numbers of 32 bits (mulberry32), the same for the same seed. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), state | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return (value ^ (value >>> 14)) >>> 0
  }
}
