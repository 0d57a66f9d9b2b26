import { expect, test } from 'vitest'
import { Arena } from '../../src/codec/arena.ts'
import { BLOCK_BYTES, SLABS } from '../../src/codec/layout.ts'

test('an arena hands out slabs one behind the other until there are no more', () => {
  const arena = new Arena(3)
  expect([arena.acquire(), arena.acquire(), arena.acquire()]).toEqual([
    SLABS,
    SLABS + BLOCK_BYTES,
    SLABS + 2 * BLOCK_BYTES,
  ])
  expect(arena.acquire()).toBeUndefined()
})

test('an arena gives out first what was returned last, before any slab that was never used', () => {
  const arena = new Arena(3)
  const first = arena.acquire()!
  const second = arena.acquire()!
  arena.release(first)
  arena.release(second)
  expect([arena.acquire(), arena.acquire(), arena.acquire()]).toEqual([second, first, SLABS + 2 * BLOCK_BYTES])
})

test('an arena that was exhausted goes on with what is returned', () => {
  const arena = new Arena(1)
  const slab = arena.acquire()!
  expect(arena.acquire()).toBeUndefined()
  arena.release(slab)
  expect(arena.acquire()).toBe(slab)
})

test('an arena knows how many slabs are free', () => {
  const arena = new Arena(2)
  expect(arena.free).toBe(2)
  const slab = arena.acquire()!
  expect(arena.free).toBe(1)
  arena.acquire()
  expect(arena.free).toBe(0)
  arena.release(slab)
  expect(arena.free).toBe(1)
})
