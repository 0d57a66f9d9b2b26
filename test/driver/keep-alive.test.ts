import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { KeepAlive } from '../../src/driver/keep-alive.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const INTERVAL = 1000
const TIMEOUT = 300

function start(interval = INTERVAL, timeout = TIMEOUT) {
  const actions = {
    probe: vi.fn((_onSent: () => void) => true),
    isPaused: vi.fn(() => false),
    isSending: vi.fn(() => false),
    expired: vi.fn(),
  }
  return { ...actions, keepAlive: new KeepAlive(interval, timeout, actions) }
}

test('it probes when nothing was heard for the interval', () => {
  const { probe } = start()
  vi.advanceTimersByTime(INTERVAL - 1)
  expect(probe).not.toHaveBeenCalled()
  vi.advanceTimersByTime(2)
  expect(probe).toHaveBeenCalledTimes(1)
})

test('whatever is heard puts the probe off', () => {
  const { probe, keepAlive } = start()
  for (let i = 0; i < 10; i++) {
    vi.advanceTimersByTime(INTERVAL / 2)
    keepAlive.heard()
  }
  expect(probe).not.toHaveBeenCalled()
  vi.advanceTimersByTime(INTERVAL + 1)
  expect(probe).toHaveBeenCalledTimes(1)
})

test('it expires when nothing is heard within the timeout of a probe', () => {
  const { expired } = start()
  vi.advanceTimersByTime(INTERVAL + TIMEOUT - 2)
  expect(expired).not.toHaveBeenCalled()
  vi.advanceTimersByTime(10)
  expect(expired).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(10 * INTERVAL)
  expect(expired).toHaveBeenCalledTimes(1)
})

test('whatever is heard after the probe is an answer, and the next interval begins with it', () => {
  const { expired, probe, keepAlive } = start()
  vi.advanceTimersByTime(INTERVAL + TIMEOUT / 2)
  keepAlive.heard()
  vi.advanceTimersByTime(INTERVAL - 1)
  expect(expired).not.toHaveBeenCalled()
  expect(probe).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(2)
  expect(probe).toHaveBeenCalledTimes(2)
})

describe('while a probe waits behind other bytes', () => {
  test('their leaving is as good as an answer', () => {
    const { expired, keepAlive } = start()
    vi.advanceTimersByTime(INTERVAL)
    for (let i = 0; i < 10; i++) {
      vi.advanceTimersByTime(TIMEOUT - 10)
      keepAlive.progressed()
    }
    expect(expired).not.toHaveBeenCalled()
    vi.advanceTimersByTime(TIMEOUT + 10)
    expect(expired).toHaveBeenCalledTimes(1)
  })

  test('it expires when none of them leaves', () => {
    const { expired, keepAlive } = start()
    vi.advanceTimersByTime(INTERVAL / 2)
    keepAlive.progressed()
    vi.advanceTimersByTime(INTERVAL / 2 + TIMEOUT + 10)
    expect(expired).toHaveBeenCalledTimes(1)
  })

  test('the answer is waited for from the time when the probe leaves, and what leaves after it does not count', () => {
    const { expired, probe, keepAlive } = start()
    vi.advanceTimersByTime(INTERVAL + TIMEOUT / 2)
    keepAlive.progressed()
    probe.mock.calls[0]![0]()
    vi.advanceTimersByTime(TIMEOUT - 2)
    keepAlive.progressed()
    expect(expired).not.toHaveBeenCalled()
    vi.advanceTimersByTime(20)
    expect(expired).toHaveBeenCalledTimes(1)
  })
})

test('while bytes wait for room, their leaving is as good as an answer after the probe has left, too', () => {
  const { expired, probe, keepAlive, isSending } = start()
  isSending.mockReturnValue(true)
  vi.advanceTimersByTime(INTERVAL + 1)
  probe.mock.calls[0]![0]()
  for (let i = 0; i < 10; i++) {
    vi.advanceTimersByTime(TIMEOUT - 10)
    keepAlive.progressed()
  }
  expect(expired).not.toHaveBeenCalled()
  vi.advanceTimersByTime(TIMEOUT + 10)
  expect(expired).toHaveBeenCalledTimes(1)
})

test('while we do not read, silence says nothing', () => {
  const { expired, isPaused, probe } = start()
  isPaused.mockReturnValue(true)
  vi.advanceTimersByTime(10 * (INTERVAL + TIMEOUT))
  expect(expired).not.toHaveBeenCalled()
  expect(probe.mock.calls.length).toBeGreaterThan(1)
  isPaused.mockReturnValue(false)
  vi.advanceTimersByTime(INTERVAL + TIMEOUT)
  expect(expired).toHaveBeenCalledTimes(1)
})

test('probes that ask for no answer are sent time and again', () => {
  const { expired, probe } = start(INTERVAL, Infinity)
  probe.mockReturnValue(false)
  vi.advanceTimersByTime(5 * INTERVAL + 10)
  expect(probe).toHaveBeenCalledTimes(5)
  expect(expired).not.toHaveBeenCalled()
})

test('when no probe may be sent any more, nothing expires', () => {
  const { expired, probe } = start()
  probe.mockReturnValue(false)
  vi.advanceTimersByTime(10 * INTERVAL)
  expect(expired).not.toHaveBeenCalled()
})

describe('it keeps no timer', () => {
  test('without an interval', () => {
    start(Infinity, TIMEOUT)
    expect(vi.getTimerCount()).toBe(0)
  })

  test.each([0, INTERVAL + 1])('once it is stopped, after %i ms', (time) => {
    const { keepAlive, expired } = start()
    vi.advanceTimersByTime(time)
    keepAlive.stop()
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(10 * INTERVAL)
    expect(expired).not.toHaveBeenCalled()
  })

  test('after it has expired', () => {
    start()
    vi.advanceTimersByTime(INTERVAL + TIMEOUT + 10)
    expect(vi.getTimerCount()).toBe(0)
  })
})

test('its timers do not keep a process alive', () => {
  vi.useRealTimers()
  const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const { keepAlive } = start(50, 50)
  expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length).toBe(before)
  keepAlive.stop()
})

test('after a time when this process was busy, what waits to be read is heard first', () => {
  const { expired, keepAlive } = start()
  // The timers that are due come before the reads.
  vi.advanceTimersByTime(INTERVAL + TIMEOUT)
  keepAlive.heard()
  vi.advanceTimersByTime(INTERVAL - 1)
  expect(expired).not.toHaveBeenCalled()
})

test('so it is when the process was busy for so long that the timer itself was late', () => {
  const { expired, keepAlive } = start()
  vi.advanceTimersByTime(INTERVAL)
  const now = performance.now.bind(performance)
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 10 * TIMEOUT)
  vi.advanceTimersByTime(TIMEOUT)
  keepAlive.heard()
  vi.advanceTimersByTime(INTERVAL - 1)
  expect(expired).not.toHaveBeenCalled()
  vi.advanceTimersByTime(2 * INTERVAL)
  expect(expired).toHaveBeenCalledTimes(1)
  clock.mockRestore()
})
