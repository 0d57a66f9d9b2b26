import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Farewell } from '../../src/cli/farewell.ts'
import type { State } from '../../src/index.ts'

class FakeSocket {
  state: State = 'open'
  readonly calls: string[] = []

  async closeOutput(): Promise<void> {
    this.calls.push('closeOutput')
    this.state = 'close-sent'
  }

  abort(reason: unknown): void {
    this.calls.push(`abort: ${(reason as Error).message}`)
  }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('closes our direction after the silence, and gives up on a server that does not close', () => {
  const socket = new FakeSocket()
  new Farewell(socket).begin(500)
  vi.advanceTimersByTime(499)
  expect(socket.calls).toEqual([])
  vi.advanceTimersByTime(1)
  expect(socket.calls).toEqual(['closeOutput'])
  vi.advanceTimersByTime(10_000)
  expect(socket.calls).toEqual(['closeOutput', 'abort: The server did not close within 10 s.'])
})

test('every message begins the silence anew, and printing it is no silence', () => {
  const socket = new FakeSocket()
  const farewell = new Farewell(socket)
  farewell.begin(500)
  vi.advanceTimersByTime(400)
  farewell.busy()
  vi.advanceTimersByTime(60_000)
  farewell.reading()
  vi.advanceTimersByTime(499)
  expect(socket.calls).toEqual([])
  vi.advanceTimersByTime(1)
  expect(socket.calls).toEqual(['closeOutput'])
})

test('messages after our Close frame keep a server from being given up', () => {
  const socket = new FakeSocket()
  const farewell = new Farewell(socket)
  farewell.begin(0)
  for (let i = 0; i < 4; i++) {
    vi.advanceTimersByTime(9000)
    farewell.busy()
    farewell.reading()
  }
  expect(socket.calls).toEqual(['closeOutput'])
})

test('an infinite wait leaves the end to the server', () => {
  const socket = new FakeSocket()
  new Farewell(socket).begin(Infinity)
  expect(vi.getTimerCount()).toBe(0)
})

test('does nothing when somebody else has closed, or after it was stopped', () => {
  const closing = new FakeSocket()
  new Farewell(closing).begin(500)
  closing.state = 'close-sent'
  const stopped = new FakeSocket()
  const farewell = new Farewell(stopped)
  farewell.stop()
  farewell.begin(500)
  vi.runAllTimers()
  expect([...closing.calls, ...stopped.calls]).toEqual([])
})
