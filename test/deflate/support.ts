/** Compressed messages as node:zlib makes and reads them, for the tests of what does it by itself. */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { rawStreams } from '../../src/deflate/zlib.ts'
import { concat, randomIntegers } from '../codec/support.ts'

export const STREAMS = rawStreams()!

/** What every window may be, in bits. */
export const WINDOWS = [9, 10, 11, 12, 13, 14, 15] as const

/** What a message is sent without (RFC 7692 §7.2.1). */
export const TAIL = Uint8Array.of(0, 0, 0xff, 0xff)

/** Text that compresses as usual text does, and that differs from seed to seed. */
export function prose(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const random = randomIntegers(seed)
  const words = Array.from({ length: 200 }, () => random(2 ** 30).toString(36))
  let text = ''
  while (text.length < length) text += `${words[random(words.length)]} `
  return new TextEncoder().encode(text.slice(0, length))
}

/** Bytes that do not compress. */
export function noise(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const random = randomIntegers(seed)
  return Uint8Array.from({ length }, () => random(256))
}

export interface ByZlib {
  readonly windowBits?: number
  /** What has been sent before, as far as the window reaches. */
  readonly before?: Uint8Array
}

/** A message as a server sends it: flushed, and without its last four bytes. */
export function compressed(message: Uint8Array | string, { windowBits = 15, before }: ByZlib = {}): Uint8Array {
  const options = { windowBits, finishFlush: constants.Z_SYNC_FLUSH, ...dictionary(before, windowBits) }
  return deflateRawSync(message, options).subarray(0, -TAIL.length)
}

/** A part of a message in blocks of which the last one says that it is the last (RFC 7692 §7.2.3.4). */
export function lastBlock(part: Uint8Array | string, { windowBits = 15, before }: ByZlib = {}): Uint8Array {
  return deflateRawSync(part, { windowBits, ...dictionary(before, windowBits) })
}

function dictionary(before: Uint8Array | undefined, windowBits: number) {
  return before === undefined || before.length === 0 ? {} : { dictionary: before.subarray(-(2 ** windowBits)) }
}

/** A block that is not compressed (RFC 1951 §3.2.4). */
export function stored(content: Uint8Array, isLast = false): Uint8Array {
  const { length } = content
  return concat(Uint8Array.of(Number(isLast), length, length >> 8, ~length, ~length >> 8), content)
}

/** Messages that may refer to those before them, inflated as one stream. */
export function inflated(messages: readonly Uint8Array[], windowBits = 15): Buffer {
  const stream = concat(...messages.flatMap((message) => [message, TAIL]))
  return inflateRawSync(stream, { windowBits, finishFlush: constants.Z_SYNC_FLUSH })
}
