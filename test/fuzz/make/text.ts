import type { Draw } from '../draw.ts'

const encoder = new TextEncoder()
/** The first and the last character of each length, and of what surrogates leave out (RFC 3629 §3). */
const CHARACTERS = [
  'a',
  '\0',
  '\x7f',
  '\x80',
  '\u07ff',
  '\u0800',
  '\ud7ff',
  '\ue000',
  '\ufeff',
  '\uffff',
  '\u{10000}',
  '\u{10ffff}',
  '€',
  'ß',
  '\u{1f600}',
]
/** What is not UTF-8: bytes out of order, too long forms, surrogates, above U+10FFFF, characters that are cut off. */
const BAD = [
  '80',
  'bf',
  'c0',
  'c1bf',
  'f5',
  'ff',
  'e09f80',
  'eda080',
  'f08f8080',
  'f4908080',
  'c3',
  'e282',
  'f09f98',
  'c328',
  'e28228',
].map((digits) => Buffer.from(digits, 'hex'))

/** Text that is valid. */
export function makeText(draw: Draw, most: number): string {
  const length = draw.length(most)
  const kinds = 1 + draw.below(CHARACTERS.length)
  let text = ''
  // Long runs of one kind are what fast paths are made for.
  while (text.length < length)
    text += draw.pick(CHARACTERS.slice(0, kinds)).repeat(1 + (draw.oneIn(8) ? draw.below(70) : 0))
  return text
}

/** Text as bytes, which may be a little or altogether invalid. */
export function makeTextBytes(draw: Draw, most: number): Uint8Array {
  const kind = draw.below(8)
  if (kind === 7) return draw.bytes(draw.length(most))
  const bytes = encoder.encode(makeText(draw, most))
  if (kind < 5) return bytes
  const at = draw.below(bytes.length + 1)
  return Buffer.concat([bytes.subarray(0, at), draw.pick(BAD), bytes.subarray(at)])
}
