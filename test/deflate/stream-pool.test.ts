import { expect, test } from 'vitest'
import { type StreamHolder, StreamPool } from '../../src/deflate/stream-pool.ts'
import type { RawStream } from '../../src/deflate/zlib.ts'

class Holder implements StreamHolder {
  isBusy = false
  hasStream = true

  letGo(): void {
    this.hasStream = false
  }
}

function holders(count: number): Holder[] {
  return Array.from({ length: count }, () => new Holder())
}

function fakeStream() {
  const calls: string[] = []
  const stream = { reset: () => calls.push('reset'), close: () => calls.push('close') } as unknown as RawStream
  return { stream, calls }
}

test('of more than its limit, the one that was used the longest time ago gives its stream up', () => {
  const pool = new StreamPool(3)
  const all = holders(5)
  for (const holder of all.slice(0, 3)) pool.touch(holder)
  pool.touch(all[0]!)
  pool.touch(all[3]!)
  pool.touch(all[4]!)
  expect(all.map(({ hasStream }) => hasStream)).toEqual([true, false, false, true, true])
})

test('one that is in the middle of a message keeps its stream, however old it is', () => {
  const pool = new StreamPool(2)
  const all = holders(4)
  all[0]!.isBusy = true
  for (const holder of all) pool.touch(holder)
  expect(all.map(({ hasStream }) => hasStream)).toEqual([true, false, false, true])
})

test('while all are busy there are more than the limit, and they give up as soon as they are not', () => {
  const pool = new StreamPool(1)
  const all = holders(3)
  for (const holder of all) {
    holder.isBusy = true
    pool.touch(holder)
  }
  expect(all.every(({ hasStream }) => hasStream)).toBe(true)
  all[1]!.isBusy = false
  pool.rest()
  expect(all.map(({ hasStream }) => hasStream)).toEqual([true, false, true])
  for (const holder of all) holder.isBusy = false
  pool.rest()
  expect(all.map(({ hasStream }) => hasStream)).toEqual([false, false, true])
})

test('a new one has all give up that are too many', () => {
  const pool = new StreamPool(2)
  const all = holders(6)
  for (const holder of all.slice(0, 5)) {
    holder.isBusy = true
    pool.touch(holder)
  }
  for (const holder of all) holder.isBusy = false
  pool.touch(all[5]!)
  expect(all.map(({ hasStream }) => hasStream)).toEqual([false, false, false, false, true, true])
})

test('one that has been removed is not asked to give up what it has not', () => {
  const pool = new StreamPool(2)
  const all = holders(3)
  pool.touch(all[0]!)
  pool.touch(all[1]!)
  pool.remove(all[0]!)
  pool.touch(all[2]!)
  expect(all.every(({ hasStream }) => hasStream)).toBe(true)
})

test('without a limit nobody gives up anything', () => {
  const pool = new StreamPool(Infinity)
  const all = holders(1000)
  for (const holder of all) pool.touch(holder)
  expect(all.every(({ hasStream }) => hasStream)).toBe(true)
})

test('a spare stream is reset, and goes to whoever wants one of its window', () => {
  const pool = new StreamPool(10)
  const { stream, calls } = fakeStream()
  pool.giveSpare(15, stream)
  expect(calls).toEqual(['reset'])
  expect(pool.takeSpare(14)).toBeUndefined()
  expect(pool.takeSpare(15)).toBe(stream)
  expect(pool.takeSpare(15)).toBeUndefined()
})

test('four streams of a window are kept; a fifth is closed', () => {
  const pool = new StreamPool(10)
  const streams = Array.from({ length: 5 }, fakeStream)
  for (const { stream } of streams) pool.giveSpare(9, stream)
  expect(streams.map(({ calls }) => calls)).toEqual([['reset'], ['reset'], ['reset'], ['reset'], ['close']])
  const other = fakeStream()
  pool.giveSpare(10, other.stream)
  expect(other.calls).toEqual(['reset'])
})
