import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { PingLedger } from '../../src/driver/ping-ledger.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const bytes = (...values: number[]) => Uint8Array.from(values)

test('the answer tells the time since the Ping', async () => {
  const ledger = new PingLedger()
  const answered = ledger.add(bytes(1), undefined)
  vi.advanceTimersByTime(25)
  ledger.answer(bytes(1))
  expect(await answered).toBe(25)
})

test('a Pong answers all Pings up to the one that it echoes', async () => {
  const ledger = new PingLedger()
  const first = ledger.add(bytes(1), undefined)
  vi.advanceTimersByTime(10)
  const second = ledger.add(bytes(2), undefined)
  const third = ledger.add(bytes(3), undefined)
  const isAnswered = vi.fn()
  void third.then(isAnswered)
  vi.advanceTimersByTime(5)
  ledger.answer(bytes(2))
  expect(await Promise.all([first, second])).toEqual([15, 5])
  expect(isAnswered).not.toHaveBeenCalled()
  ledger.answer(bytes(3))
  await third
})

test('a Pong that answers no Ping is ignored', async () => {
  const ledger = new PingLedger()
  const isAnswered = vi.fn()
  void ledger.add(bytes(1), undefined).then(isAnswered)
  for (const payload of [bytes(), bytes(2), bytes(1, 1)]) ledger.answer(payload)
  await Promise.resolve()
  expect(isAnswered).not.toHaveBeenCalled()
})

test('of several Pings with one payload each needs a Pong', async () => {
  const ledger = new PingLedger()
  const first = ledger.add(bytes(1), undefined)
  const second = ledger.add(bytes(1), undefined)
  ledger.answer(bytes(1))
  await first
  ledger.fail('over')
  await expect(second).rejects.toBe('over')
})

test('a Ping that is given up is not answered, and does not stand in the way of others', async () => {
  const ledger = new PingLedger()
  const controller = new AbortController()
  const given = ledger.add(bytes(1), controller.signal)
  const other = ledger.add(bytes(2), undefined)
  controller.abort('reason')
  await expect(given).rejects.toBe('reason')
  ledger.answer(bytes(2))
  await other
})

test('an answered Ping lets its signal go', async () => {
  const ledger = new PingLedger()
  const controller = new AbortController()
  const removed = vi.spyOn(controller.signal, 'removeEventListener')
  const answered = ledger.add(bytes(1), controller.signal)
  ledger.answer(bytes(1))
  await answered
  expect(removed).toHaveBeenCalledTimes(1)
})

test('thousands of Pings with one signal are all given up together', async () => {
  const ledger = new PingLedger()
  const controller = new AbortController()
  const given = Array.from({ length: 20_000 }, (_, i) => ledger.add(bytes(i >> 8, i & 255), controller.signal))
  const kept = ledger.add(bytes(1), undefined)
  controller.abort('reason')
  const outcomes = await Promise.allSettled(given)
  expect(outcomes.filter((outcome) => outcome.status === 'rejected' && outcome.reason === 'reason')).toHaveLength(
    20_000,
  )
  ledger.answer(bytes(1))
  await kept
})

test('when no Pong will come any more, all Pings fail, and nobody has to look', async () => {
  const ledger = new PingLedger()
  const looked = ledger.add(bytes(1), undefined)
  void ledger.add(bytes(2), undefined)
  ledger.fail('over')
  await expect(looked).rejects.toBe('over')
})
