import { afterEach, beforeEach, expect, test, vi } from 'vitest'

let randomWord: () => number

/** One that has drawn nothing yet. */
beforeEach(async () => {
  vi.resetModules()
  randomWord = (await import('../src/random-words.ts')).randomWord
})

afterEach(() => {
  vi.restoreAllMocks()
})

test('nothing is drawn before the first word is asked for', () => {
  const draw = vi.spyOn(crypto, 'getRandomValues')
  randomWord()
  expect(draw).toHaveBeenCalledOnce()
})

test('words are what crypto.getRandomValues gave, in batches, each used once', () => {
  const drawn: number[] = []
  const random = crypto.getRandomValues.bind(crypto)
  const draw = vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => {
    random(array)
    drawn.push(...(array as Int32Array))
    return array
  })
  const words = Array.from({ length: 3000 }, () => randomWord())
  expect(draw.mock.calls.length).toBeLessThanOrEqual(3)
  const left = [...drawn]
  for (const word of words) {
    const at = left.indexOf(word)
    expect(at).not.toBe(-1)
    left.splice(at, 1)
  }
})

test('a used word is wiped', () => {
  let batch: Int32Array | undefined
  vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => {
    batch = (array as Int32Array).fill(7)
    return array
  })
  expect([randomWord(), randomWord()]).toEqual([7, 7])
  expect(batch?.filter((word) => word !== 7)).toEqual(Int32Array.of(0, 0))
})

test('words are octets of all values', () => {
  const octets = new Set<number>()
  for (let i = 0; i < 5000; i++) {
    const word = randomWord()
    for (let shift = 0; shift < 32; shift += 8) octets.add((word >>> shift) & 0xff)
  }
  expect(octets.size).toBe(256)
})
