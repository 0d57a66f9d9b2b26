import { afterEach, expect, test, vi } from 'vitest'
import { MaskingKeys } from '../../src/protocol/masking-keys.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

test('nothing is drawn before the first key is asked for', () => {
  const draw = vi.spyOn(crypto, 'getRandomValues')
  const keys = new MaskingKeys()
  expect(draw).not.toHaveBeenCalled()
  keys.next()
  expect(draw).toHaveBeenCalledOnce()
})

test('keys are what crypto.getRandomValues gave, in batches, each used once', () => {
  const drawn: number[] = []
  const random = crypto.getRandomValues.bind(crypto)
  const draw = vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => {
    random(array)
    drawn.push(...(array as Int32Array))
    return array
  })
  const { next } = new MaskingKeys()
  const keys = Array.from({ length: 3000 }, () => next())
  expect(draw.mock.calls.length).toBeLessThanOrEqual(3)
  const left = [...drawn]
  for (const key of keys) {
    const at = left.indexOf(key)
    expect(at).not.toBe(-1)
    left.splice(at, 1)
  }
})

test('a used key is wiped', () => {
  let batch: Int32Array | undefined
  vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => {
    batch = (array as Int32Array).fill(7)
    return array
  })
  const keys = new MaskingKeys()
  expect([keys.next(), keys.next()]).toEqual([7, 7])
  expect(batch?.filter((key) => key !== 7)).toEqual(Int32Array.of(0, 0))
})

test('keys are octets of all values', () => {
  const { next } = new MaskingKeys()
  const octets = new Set<number>()
  for (let i = 0; i < 5000; i++) {
    const key = next()
    for (let shift = 0; shift < 32; shift += 8) octets.add((key >>> shift) & 0xff)
  }
  expect(octets.size).toBe(256)
})
