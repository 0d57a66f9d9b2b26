import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { HostMemory } from '../../src/transport/host-memory.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

test('a host is remembered for a while', () => {
  const memory = new HostMemory(1000, 10)
  expect(memory.has('a')).toBe(false)
  memory.remember('a')
  vi.advanceTimersByTime(999)
  expect(memory.has('a')).toBe(true)
  expect(memory.has('b')).toBe(false)
  vi.advanceTimersByTime(1)
  expect(memory.has('a')).toBe(false)
})

test('what is remembered again is remembered for longer', () => {
  const memory = new HostMemory(1000, 10)
  memory.remember('a')
  vi.advanceTimersByTime(600)
  memory.remember('a')
  vi.advanceTimersByTime(600)
  expect(memory.has('a')).toBe(true)
})

test('of too many hosts the oldest is forgotten', () => {
  const memory = new HostMemory(1000, 2)
  for (const host of ['a', 'b', 'a', 'c']) memory.remember(host)
  expect(['a', 'b', 'c'].filter((host) => memory.has(host))).toEqual(['a', 'c'])
})

test('a host can be forgotten, and all of them', () => {
  const memory = new HostMemory(1000, 10)
  for (const host of ['a', 'b', 'c']) memory.remember(host)
  memory.forget('b')
  expect(['a', 'b', 'c'].filter((host) => memory.has(host))).toEqual(['a', 'c'])
  memory.clear()
  expect(['a', 'b', 'c'].filter((host) => memory.has(host))).toEqual([])
})
