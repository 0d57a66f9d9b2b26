import { describe, expect, test } from 'vitest'
import { BufferedBytes } from '../../src/web/buffered-bytes.ts'
import { countedLength, utf8Length } from '../../src/web/utf8-length.ts'

test('the length of a string in UTF-8 is that of its encoding', () => {
  const texts = [
    '',
    'ascii',
    'é',
    '€',
    '😀',
    '\ud800',
    '\udc00',
    '\ud800x',
    '\udc00\ud800',
    'aé€😀\ud83d',
    '\u007f\u0080\u07ff\u0800',
  ]
  for (const text of texts) {
    const { length } = new TextEncoder().encode(text)
    expect([utf8Length(text), countedLength(text)], JSON.stringify(text)).toEqual([length, length])
  }
})

describe('buffered bytes', () => {
  test('are those of messages, whatever they take on the wire', () => {
    const bytes = new BufferedBytes()
    bytes.took(10, 0, 16)
    bytes.took(1000, 16, 50)
    expect(bytes.amount(50)).toBe(1010)
    expect(bytes.amount(60)).toBe(1010)
    expect(bytes.amount(25)).toBe(505)
    expect(bytes.amount(0)).toBe(0)
  })

  test('begin again when nothing was left', () => {
    const bytes = new BufferedBytes()
    bytes.took(10, 0, 16)
    bytes.took(20, 0, 26)
    expect(bytes.amount(26)).toBe(20)
  })

  test('count what is held until it is released', () => {
    const bytes = new BufferedBytes()
    bytes.hold(5)
    expect(bytes.amount(0)).toBe(5)
    bytes.took(1, 0, 7)
    expect(bytes.amount(7)).toBe(6)
    bytes.release(5)
    expect(bytes.amount(7)).toBe(1)
  })
})
