import { describe, expect, test } from 'vitest'
import { History } from '../../src/deflate/history.ts'
import { randomIntegers } from '../codec/support.ts'
import { noise, WINDOWS } from './support.ts'

/** Everything that was added, of which the end counts. */
class NaiveHistory {
  readonly #size: number
  #all: number[] = []

  constructor(windowBits: number) {
    this.#size = 2 ** windowBits
  }

  add(bytes: Uint8Array, from: number, to: number): void {
    this.#all = [...this.#all, ...bytes.subarray(from, to)].slice(-this.#size)
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#all)
  }

  clear(): void {
    this.#all = []
  }
}

describe.each(WINDOWS)('a history of %i bits', (windowBits) => {
  const size = 2 ** windowBits
  const source = noise(3 * size + 7)

  test.each([
    ['nothing', []],
    ['one byte less than it holds', [size - 1]],
    ['exactly what it holds', [size]],
    ['one byte more', [size + 1]],
    ['twice and three times as much', [2 * size, 3 * size]],
    ['up to its border, byte by byte', [size - 2, 1, 1, 1, 1]],
    ['over its border', [size - 1, 2, size - 1, 2]],
    ['what fills it again and again', [size, size, size]],
    ['nothing, now and then', [0, 10, 0, size - 10, 0, 1, 0]],
    ['its first 1,024 bytes and more', [1023, 1, 1, 1024]],
  ])('keeps the end of %s', (_, lengths) => {
    const history = new History(windowBits)
    const naive = new NaiveHistory(windowBits)
    for (const [index, length] of lengths.entries()) {
      for (const each of [history, naive]) each.add(source, index, index + length)
      expect(Buffer.compare(history.bytes(), naive.bytes())).toBe(0)
    }
  })

  test('keeps the same as a naive one, whatever is added and cleared', () => {
    const random = randomIntegers(windowBits)
    const history = new History(windowBits)
    const naive = new NaiveHistory(windowBits)
    for (let step = 0; step < 60; step++) {
      if (random(15) === 0) for (const each of [history, naive]) each.clear()
      const from = random(7)
      const length = [random(5), random(size / 8), size - random(3), size + random(3), random(3 * size)][random(5)]!
      for (const each of [history, naive]) each.add(source, from, Math.min(from + length, source.length))
      if (Buffer.compare(history.bytes(), naive.bytes()) !== 0) throw new Error(`They differ after step ${step}`)
    }
  })
})

test('what it gives is a copy', () => {
  const history = new History(9)
  const bytes = Uint8Array.of(1, 2, 3)
  history.add(bytes, 0, 3)
  bytes.fill(9)
  const given = history.bytes()
  given.fill(8)
  expect(history.bytes()).toEqual(Uint8Array.of(1, 2, 3))
})
