import { describe, expect, test } from 'vitest'
import type { Codec } from '../../src/codec/codec.ts'
import { SLABS } from '../../src/codec/layout.ts'
import { CODECS, hex, pattern, wire } from './support.ts'

const REJECT = -1
const OFFSETS = 40
/** A block of 64 bytes and one of 16: the sequences lie in either, and across. */
const RUN = 80

// Refusing is what the oracle does most of the time; nobody looks at where.
const decoder = new TextDecoder('utf-8', { fatal: true })
function isValid(bytes: Uint8Array): boolean {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    decoder.decode(bytes)
    return true
  } catch {
    return false
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** What every character of more than a byte begins with, short of its last byte. */
const PREFIXES = new Set<string>()
for (let code = 0x80; code <= 0x10ffff; code += 0x40) {
  // A step of 0x40 changes all but the last byte; lone surrogates have no encoding.
  if (code >= 0xd800 && code < 0xe000) continue
  const bytes = Buffer.from(String.fromCodePoint(code)).toString('latin1')
  for (let length = 1; length < bytes.length; length++) PREFIXES.add(bytes.slice(0, length))
}

type Verdict = 'valid' | 'unfinished' | 'invalid'

/** What a string of bytes is, should nothing follow it. */
function judge(bytes: Uint8Array): Verdict {
  if (isValid(bytes)) return 'valid'
  for (let tail = 1; tail <= Math.min(3, bytes.length); tail++) {
    const end = Buffer.from(bytes.subarray(-tail)).toString('latin1')
    if (PREFIXES.has(end) && isValid(bytes.subarray(0, -tail))) return 'unfinished'
  }
  return 'invalid'
}

function verdict(state: number): Verdict {
  return state === 0 ? 'valid' : state === REJECT ? 'invalid' : 'unfinished'
}

/** Values on both sides of every border that RFC 3629 §4 draws. */
const BORDERS = [0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xe0, 0xf0]
const LEADS = Array.from({ length: 128 }, (_, i) => 0x80 + i)
const LONG_LEADS = [0xc1, 0xc2, 0xdf, ...LEADS.filter((lead) => lead >= 0xe0)]

const bytes = Array.from({ length: 256 }, (_, byte) => byte)
const one = bytes.map((byte) => [byte])
const two = bytes.flatMap((first) => bytes.map((second) => [first, second]))
const three = LEADS.flatMap((lead) => BORDERS.flatMap((second) => BORDERS.map((third) => [lead, second, third])))
const four = LONG_LEADS.flatMap((lead) =>
  BORDERS.flatMap((second) => BORDERS.flatMap((third) => BORDERS.map((fourth) => [lead, second, third, fourth]))),
)

/** The first places where a sequence is judged wrong, with ASCII around it and as the last bytes. */
function misjudged(codec: Codec, sequences: readonly number[][]): string[] {
  const { memory } = codec
  const wrong: string[] = []
  // With a character before the run, all of it goes through the blocks, and not only what follows its ASCII.
  for (const before of ['', '\u00e9']) {
    const start = SLABS + Buffer.byteLength(before)
    memory.set(Buffer.from(before), SLABS)
    memory.fill(0x61, start, start + RUN)
    for (const sequence of sequences) {
      const oracle = judge(Uint8Array.from(sequence))
      for (let offset = 0; offset <= OFFSETS; offset++) {
        const at = start + offset
        for (let i = 0; i < sequence.length; i++) memory[at + i] = sequence[i]!
        const last = verdict(codec.validateUtf8(SLABS, at + sequence.length - SLABS, 0))
        const within = verdict(codec.validateUtf8(SLABS, start + RUN - SLABS, 0))
        for (let i = 0; i < sequence.length; i++) memory[at + i] = 0x61
        if (last === oracle && within === (oracle === 'valid' ? 'valid' : 'invalid')) continue
        wrong.push(`${hex(Uint8Array.from(sequence))} at ${offset}: ${oracle}, but ${last} or ${within}`)
        if (wrong.length === 10) return wrong
      }
    }
  }
  return wrong
}

/** Texts of every kind of character, whole or with one thing wrong. */
const TEXTS = [
  ['ASCII', "'plain ASCII, longer than a block of sixteen bytes'"],
  ['the characters on every border', 'c280 dfbf e0a080 ed9fbf ee8080 efbfbf f0908080 f48fbfbf'],
  ['a mix', "'Gr' c3bc c39f 'e, ' e282ac ' and ' f09f9880 ', mixed with more ASCII than a block holds'"],
  ['nothing but long characters', 'e1bdb9 cebc f09f9880 f09f9880 f09f9880 f09f9880 f09f9880 f09f9880'],
  ['text with a surrogate', "'broken ' eda080 ' before the end, with enough behind it for another block'"],
  ['a character that ends too soon', "'broken ' c3 ' well before the end, and so on and so forth'"],
  ['a continuation that continues nothing', "'broken ' 80 ' well before the end, and so on and so forth'"],
  ['three bytes of four', "'broken ' f09f98 ' well before the end, and so on and so forth'"],
  ['a character beyond the last plane', "'broken ' f4908080 ' well before the end, and so on and so forth'"],
  ['a byte that nothing allows behind a character that ends too soon', 'c3 41 ff'],
  ['an overlong form', "'broken ' e08080 ' well before the end, and so on and so forth'"],
  ['text that ends within a character', "'after more ASCII than a block holds, it is open: ' f09f98"],
].map(([what, bytes]) => [what!, wire(bytes!)] as const)

describe.each(CODECS)('%s', (_, codec) => {
  const { memory } = codec

  test('judges every byte at every offset of a run of ASCII', () => {
    expect(misjudged(codec, one)).toEqual([])
  })

  test('judges every pair of bytes at every offset of a run of ASCII', () => {
    expect(misjudged(codec, two)).toEqual([])
  })

  test('judges three bytes on every border at every offset of a run of ASCII', () => {
    expect(misjudged(codec, three)).toEqual([])
  })

  test('judges four bytes on every border at every offset of a run of ASCII', () => {
    expect(misjudged(codec, four)).toEqual([])
  })

  test('accepts every character there is', () => {
    const all = Array.from({ length: 0x110000 }, (_, code) => code).filter((code) => code < 0xd800 || code > 0xdfff)
    for (let at = 0; at < all.length; at += 65_536) {
      const text = Buffer.from(
        String.fromCodePoint(...all.slice(at, at + 32_768), ...all.slice(at + 32_768, at + 65_536)),
      )
      memory.set(text, SLABS)
      expect(codec.validateUtf8(SLABS, text.length, 0)).toBe(0)
    }
  })

  test.each(TEXTS)('carries its state over any two cuts: %s', (_, text) => {
    memory.set(text, SLABS)
    const oracle = judge(text)
    for (let first = 0; first <= text.length; first++) {
      const state = codec.validateUtf8(SLABS, first, 0)
      expect(verdict(state)).toBe(judge(text.subarray(0, first)))
      for (let second = first; second <= text.length; second++) {
        const middle = codec.validateUtf8(SLABS + first, second - first, state)
        const last = codec.validateUtf8(SLABS + second, text.length - second, middle)
        if (verdict(last) !== oracle) throw new Error(`Cut at ${first} and ${second}: ${verdict(last)}, not ${oracle}`)
      }
    }
  })

  test.each(TEXTS)('fails at the first bad byte and not before: %s', (_, text) => {
    memory.set(text, SLABS)
    let state = 0
    for (let at = 0; at < text.length; at++) {
      state = codec.validateUtf8(SLABS + at, 1, state)
      expect(verdict(state)).toBe(judge(text.subarray(0, at + 1)))
    }
  })

  test('never goes back once it has rejected', () => {
    memory.set(pattern(256), SLABS)
    for (let byte = 0; byte < 256; byte++) expect(codec.validateUtf8(SLABS + byte, 1, REJECT)).toBe(REJECT)
    expect(codec.validateUtf8(SLABS, 256, REJECT)).toBe(REJECT)
    expect(codec.validateUtf8(SLABS, 0, REJECT)).toBe(REJECT)
  })

  test('reads no further than its length, at the end of the memory', () => {
    memory.fill(0x61, memory.length - RUN)
    for (let length = 0; length <= RUN; length++) {
      expect(codec.validateUtf8(memory.length - length, length, 0)).toBe(0)
    }
  })

  test('keeps its state when there is nothing to validate', () => {
    memory.set(wire('f09f98'), SLABS)
    for (let length = 0; length <= 3; length++) {
      const state = codec.validateUtf8(SLABS, length, 0)
      expect(codec.validateUtf8(SLABS, 0, state)).toBe(state)
    }
  })
})

test('the core and the twin have the same states', () => {
  const states = CODECS.map(([, codec]) =>
    three.map((sequence) => {
      codec.memory.set(sequence, SLABS)
      return [1, 2, 3].map((length) => codec.validateUtf8(SLABS, length, 0)).join()
    }),
  )
  expect(states[0]!.filter((state, i) => state !== states[1]![i])).toEqual([])
})
