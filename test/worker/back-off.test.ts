import { expect, test } from 'vitest'
import { backOff } from '../../worker/back-off.ts'

test('it doubles from failure to failure, up to a minute', () => {
  const waits = [1, 2, 3, 7, 8, 1000, 5000].map((failures) => backOff(failures, 0, 0))
  expect(waits).toEqual([500, 1000, 2000, 32_000, 60_000, 60_000, 60_000])
})

test('chance takes up to half of it away', () => {
  expect([0, 0.5, 1].map((chance) => backOff(2, 0, chance))).toEqual([1000, 750, 500])
  const waits = Array.from({ length: 100 }, () => backOff(1))
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(250)
  expect(Math.max(...waits)).toBeLessThanOrEqual(500)
  expect(new Set(waits).size).toBeGreaterThan(50)
})

test('it comes on top of what the server asks for', () => {
  expect(backOff(1, 3000, 0)).toBe(3500)
})

test('a server that asks for more than an hour is asked again after one', () => {
  expect(backOff(1, 30 * 86_400_000, 0)).toBe(3_600_500)
})
