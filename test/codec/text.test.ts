import { describe, expect, test } from 'vitest'
import { memoryText, memoryView, standardText } from '../../src/codec/text.ts'
import { hex } from './support.ts'

const TEXTS: readonly (readonly [what: string, text: string, utf8: string])[] = [
  ['nothing', '', ''],
  ['ASCII', 'Hello\0\x7f', '48656c6c6f007f'],
  ['two bytes a character', 'é\x80\u07ff', 'c3a9c280dfbf'],
  ['three bytes a character', '€\u0800\uffff', 'e282ace0a080efbfbf'],
  ['four bytes a character', '\u{1f600}\u{10ffff}', 'f09f9880f48fbfbf'],
  ['a byte order mark first', '\ufeffa', 'efbbbf61'],
  ['nothing but a byte order mark', '\ufeff', 'efbbbf'],
  ['two byte order marks', '\ufeff\ufeff', 'efbbbfefbbbf'],
]

const LONE_SURROGATES: readonly (readonly [what: string, text: string, utf8: string])[] = [
  ['a lone high surrogate', 'a\ud83d', '61efbfbd'],
  ['a lone low surrogate', '\ude00a', 'efbfbd61'],
  ['surrogates the wrong way round', '\ude00\ud83d', 'efbfbdefbfbd'],
  ['a high surrogate before a pair', '\ud83d\ud83d\ude00', 'efbfbdf09f9880'],
]

describe.each([
  ['the text of this runtime', memoryText],
  ['the text of every runtime', standardText()],
])('%s', (_, text) => {
  test.each([...TEXTS, ...LONE_SURROGATES])('writes and encodes %s', (_, string, utf8) => {
    const memory = memoryView(new ArrayBuffer(64))
    memory.fill(0xa5)
    const length = text.write(string, memory, 5, string.length * 3)
    expect(hex(memory.subarray(5, 5 + length))).toBe(utf8)
    expect([memory[4], memory[5 + length]]).toEqual([0xa5, 0xa5])
    expect(hex(text.encode(string))).toBe(utf8)
  })

  test.each(TEXTS)('reads %s', (_, string, utf8) => {
    const memory = memoryView(new ArrayBuffer(64))
    memory.set(Buffer.from(utf8, 'hex'), 7)
    expect(text.fromUtf8(memory, 7, 7 + utf8.length / 2)).toBe(string)
  })

  test('reads ASCII, all of it', () => {
    const memory = memoryView(new ArrayBuffer(130))
    for (let i = 0; i < 128; i++) memory[i + 1] = i
    const ascii = String.fromCharCode(...Array.from({ length: 128 }, (_, i) => i))
    expect(text.fromAscii(memory, 1, 129)).toBe(ascii)
  })

  test('says whether ASCII stays where it is among other bytes', () => {
    const memory = memoryView(new ArrayBuffer(6))
    memory.set(Buffer.from('81c3a962ff63', 'hex'))
    const read = text.fromAscii(memory, 0, 6)
    expect(read.length === 6 && read[3] === 'b' && read[5] === 'c').toBe(text.isBytewise)
  })

  test('writes what exactly fits, to the end of memory', () => {
    const memory = memoryView(new ArrayBuffer(6))
    expect(text.write('€€', memory, 0, 6)).toBe(6)
    expect(hex(memory)).toBe('e282ace282ac')
  })
})

test('what is needed only briefly is encoded in the same place, as long as it is not very long', () => {
  const texts = [
    '',
    'Hello',
    'é€\u{1f600}',
    '\ud83d',
    'é'.repeat(100_000),
    'x'.repeat(1 << 20),
    '€'.repeat((1 << 20) + 1),
  ]
  for (const text of texts) {
    for (const { encodeBriefly } of [memoryText, standardText()]) {
      expect(Buffer.compare(encodeBriefly(text), new TextEncoder().encode(text))).toBe(0)
    }
  }
  const { buffer } = memoryText.encodeBriefly('€'.repeat(1 << 20))
  expect(memoryText.encodeBriefly('next').buffer).toBe(buffer)
})
