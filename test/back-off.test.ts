import { describe, expect, test } from 'vitest'
import { BackOff, type BackOffOptions } from '../src/back-off.ts'
import { OptionsError } from '../src/errors.ts'

function delays(count: number, options: BackOffOptions = {}, random = 1): number[] {
  const backOff = new BackOff(options, () => random)
  return Array.from({ length: count }, () => backOff.next())
}

describe('the back-off', () => {
  test('doubles from one second to half a minute', () => {
    expect(delays(8)).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  })

  test('takes any part of the greatest delay, none included', () => {
    expect(delays(3, {}, 0.25)).toEqual([250, 500, 1000])
    expect(delays(3, {}, 0)).toEqual([0, 0, 0])
  })

  test('grows as it is told to', () => {
    expect(delays(4, { initialDelay: 10, factor: 3, maxDelay: 100 })).toEqual([10, 30, 90, 100])
    expect(delays(3, { factor: 1 })).toEqual([1000, 1000, 1000])
    expect(delays(2, { initialDelay: 50, maxDelay: 20 })).toEqual([20, 20])
    expect(delays(2, { initialDelay: 0 })).toEqual([0, 0])
  })

  test('never overflows', () => {
    expect(delays(3, { factor: Number.MAX_VALUE })).toEqual([1000, 30_000, 30_000])
  })

  test('adds its delay to one that was asked for, up to what a timer can wait for', () => {
    expect(new BackOff({}, () => 0.5).next(7000)).toBe(7500)
    const longest = 2 ** 31 - 1
    expect(new BackOff({ initialDelay: longest, maxDelay: longest }, () => 1).next(7000)).toBe(longest)
  })

  test('waits no more than an hour longer, however much was asked for', () => {
    const hour = 60 * 60 * 1000
    const backOff = new BackOff({}, () => 0.5)
    expect([hour, 365 * 24 * hour].map((asked) => backOff.next(asked))).toEqual([hour + 500, hour + 1000])
  })

  test('begins again after a reset', () => {
    const backOff = new BackOff({}, () => 1)
    backOff.next()
    backOff.next()
    backOff.reset()
    expect(backOff.next()).toBe(1000)
  })

  test.each([
    [{ initialDelay: -1 }, /backOff\.initialDelay must be a number from 0/],
    [{ initialDelay: Infinity }, /backOff\.initialDelay/],
    [{ maxDelay: Number.NaN }, /backOff\.maxDelay/],
    [{ maxDelay: 2 ** 31 }, /backOff\.maxDelay/],
    [{ factor: 0.5 }, /backOff\.factor must be a number of at least 1/],
    [{ factor: '2' as unknown as number }, /backOff\.factor/],
    [{ factor: null as unknown as number }, /backOff\.factor/],
    [{ jitter: 1 } as BackOffOptions, /no option backOff\.jitter/],
    [null as unknown as BackOffOptions, /backOff must be an object/],
  ])('refuses %j', (options, message) => {
    expect(() => new BackOff(options)).toThrow(OptionsError)
    expect(() => new BackOff(options)).toThrow(message)
  })
})
