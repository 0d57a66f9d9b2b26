import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ConnectionClosedError } from '../../src/errors.ts'
import { closePayload, frame } from '../support/scripted-peer.ts'
import { finish, HIGH_WATER_MARK, isPending, sent, start } from './running.ts'

const TEXT = 1
const CLOSE = 8
const PING = 9
const PONG = 10

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  // Whatever happened, no timer is left that would go on.
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe('writing', () => {
  test('all that is sent in one turn is one write', () => {
    const running = start()
    const { stream, driver } = running
    void driver.send('a')
    void driver.send(Uint8Array.of(1))
    void driver.ping(Uint8Array.of(2), undefined)
    expect(stream.writes).toEqual([])
    stream.endTurn()
    expect(stream.writes.length).toBe(1)
    expect(stream.taken()).toEqual(Buffer.concat([sent(TEXT, 'a'), sent(2, Uint8Array.of(1)), sent(PING, '\x02')]))
    void driver.send('b')
    stream.endTurn()
    expect(stream.taken()).toEqual(sent(TEXT, 'b'))
    finish(running)
  })

  test('much is written before the turn ends', () => {
    const running = start()
    void running.driver.send(new Uint8Array(200_000))
    expect(running.stream.taken().length).toBe(200_014)
    running.stream.endTurn()
    expect(running.stream.writes).toEqual([])
    finish(running)
  })

  test('bytes are not reused while the stream has them', () => {
    const running = start()
    const { stream, driver } = running
    stream.holdsWrites = true
    void driver.send('a'.repeat(20_000))
    stream.endTurn()
    for (let i = 0; i < 100; i++) {
      void driver.send('b'.repeat(20_000))
      stream.endTurn()
    }
    expect(Buffer.concat(stream.writes[0]!)).toEqual(sent(TEXT, 'a'.repeat(20_000)))
    stream.release()
    finish(running)
  })

  test('send waits while more than the high-water mark is unsent', async () => {
    const running = start()
    const { stream, driver } = running
    stream.holdsWrites = true
    await driver.send('x'.repeat(HIGH_WATER_MARK - 100))
    const waiting = [driver.send('x'.repeat(100)), driver.send('y')]
    expect(driver.bufferedAmount).toBe(HIGH_WATER_MARK + 1 + 8 + 6 + 6)
    stream.endTurn()
    expect(driver.bufferedAmount).toBe(HIGH_WATER_MARK + 1 + 8 + 6 + 6)
    for (const each of waiting) expect(await isPending(each)).toBe(true)
    stream.release()
    expect(driver.bufferedAmount).toBe(0)
    await Promise.all(waiting)
    await driver.send('z')
    finish(running)
  })

  test('Pings of the server are answered behind what is sent already, in one write', () => {
    const running = start()
    void running.driver.send('a')
    running.receive(frame(PING, '1'), frame(PING, '2'))
    running.stream.endTurn()
    expect(running.stream.writes.length).toBe(1)
    expect(running.stream.taken()).toEqual(Buffer.concat([sent(TEXT, 'a'), sent(PONG, '1'), sent(PONG, '2')]))
    finish(running)
  })

  test('a flood of Pings to which the server does not read the answers costs no memory', () => {
    const running = start()
    const { stream, driver } = running
    stream.holdsWrites = true
    const flood = Buffer.concat(Array.from({ length: 100 }, () => frame(PING, 'x'.repeat(125))))
    for (let i = 0; i < 50; i++) {
      running.receive(flood)
      stream.endTurn()
    }
    expect(driver.bufferedAmount).toBeLessThan(70_000)
    running.receive(frame(PING, 'the last'))
    stream.release()
    stream.endTurn()
    expect(stream.taken().subarray(-sent(PONG, 'the last').length)).toEqual(sent(PONG, 'the last'))
    stream.release()
    finish(running)
  })
})

describe('reading', () => {
  const message = frame(TEXT, 'x'.repeat(HIGH_WATER_MARK / 2))

  test('stops at the high-water mark, and goes on when it is read below', async () => {
    const running = start()
    const { stream, driver } = running
    running.receive(message)
    expect(stream.calls).toEqual([])
    running.receive(message)
    expect(stream.calls).toEqual(['pause'])
    // What had been read already still comes.
    running.receive(message)
    await driver.inbox.receive()
    expect(stream.calls).toEqual(['pause'])
    await driver.inbox.receive()
    expect(stream.calls).toEqual(['pause', 'resume'])
    finish(running)
  })

  test('does not stop while somebody waits for a message, however large', async () => {
    const running = start()
    const received = running.driver.inbox.receive()
    const large = frame(TEXT, 'x'.repeat(5 * HIGH_WATER_MARK))
    running.receive(large.subarray(0, 4 * HIGH_WATER_MARK))
    expect(running.stream.calls).toEqual([])
    running.receive(large.subarray(4 * HIGH_WATER_MARK))
    expect(await received).toHaveLength(5 * HIGH_WATER_MARK)
    finish(running)
  })

  test('stops for a large message that nobody waits for, until somebody does', async () => {
    const running = start()
    const large = frame(TEXT, 'x'.repeat(5 * HIGH_WATER_MARK))
    running.receive(large.subarray(0, 2 * HIGH_WATER_MARK))
    expect(running.stream.calls).toEqual(['pause'])
    const received = running.driver.inbox.receive()
    expect(running.stream.calls).toEqual(['pause', 'resume'])
    running.receive(large.subarray(2 * HIGH_WATER_MARK))
    expect(await received).toHaveLength(5 * HIGH_WATER_MARK)
    finish(running)
  })

  test('goes on when the socket is being closed, and keeps no more than there was room for', async () => {
    const running = start()
    const { stream, driver } = running
    running.receive(message, message)
    const closed = driver.close(1000, '')
    expect(stream.calls).toEqual(['pause', 'resume'])
    for (let i = 0; i < 100; i++) running.receive(message)
    expect(driver.inbox.size).toBeLessThan(2 * HIGH_WATER_MARK)
    running.receive(frame(CLOSE, closePayload(1000)))
    finish(running)
    await closed
    expect((await driver.inbox.receiveAll())?.length).toBe(2)
    expect(await driver.inbox.receive()).toBeUndefined()
  })

  test('while the socket is being closed gives no message as a stream behind one that was dropped', async () => {
    const running = start()
    const { driver } = running
    void driver.close(1000, '')
    running.receive(message, message, frame(TEXT, 'dropped'))
    expect((await driver.inbox.receiveAll())?.length).toBe(2)
    const stream = driver.inbox.receiveStream()
    running.receive(frame(TEXT, 'a', { fin: false }), frame(0, 'b'), frame(CLOSE, closePayload(1000)))
    expect(await stream).toBeUndefined()
    finish(running)
  })

  test('while the socket is being closed gives a prefix of what came, without holes', async () => {
    const running = start()
    const { driver } = running
    void driver.close(1000, '')
    let next = 0
    const receiveMore = () => running.receive(frame(TEXT, `${next++}`.padEnd(HIGH_WATER_MARK / 3, '.')))
    for (let i = 0; i < 10; i++) receiveMore()
    const received = [await driver.inbox.receive()]
    // Now there would be room again.
    for (let i = 0; i < 10; i++) receiveMore()
    const rest = (await driver.inbox.receiveAll())!
    const waiting = driver.inbox.receive()
    for (let i = 0; i < 10; i++) receiveMore()
    running.receive(frame(CLOSE, closePayload(1000)))
    const numbers = [...received, ...rest].map((message) => Number.parseInt(String(message), 10))
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => index))
    expect(numbers.length).toBeLessThan(10)
    expect(await waiting).toBeUndefined()
    finish(running)
  })
})

describe('keeping alive', () => {
  test('an unsolicited Pong is sent when nothing has to be answered', () => {
    const running = start({ keepAliveInterval: 1000 })
    vi.advanceTimersByTime(2100)
    running.stream.endTurn()
    expect(running.stream.taken()).toEqual(Buffer.concat([sent(PONG), sent(PONG)]))
    finish(running)
  })

  test('a half-open connection gets no Pong any more, and lives on', () => {
    const running = start({ keepAliveInterval: 1000, keepAliveTimeout: 300, allowHalfOpen: true })
    running.receive(frame(CLOSE, closePayload(1000)))
    vi.advanceTimersByTime(5000)
    running.stream.endTurn()
    expect(running.stream.taken().subarray(0, 6)).toEqual(sent(PONG))
    expect(running.stream.calls).toEqual([])
    finish(running)
  })

  test('a peer that takes nothing is gone from a half-open connection as well', () => {
    const running = start({ keepAliveInterval: 1000, keepAliveTimeout: 300, allowHalfOpen: true })
    running.receive(frame(CLOSE, closePayload(1000)))
    running.stream.holdsWrites = true
    void running.driver.send('x')
    running.stream.endTurn()
    vi.advanceTimersByTime(1310)
    expect(running.stream.calls).toEqual(['destroy'])
    finish(running)
  })

  test('a Ping is sent, and the connection is cut when nothing comes', async () => {
    const running = start({ keepAliveInterval: 1000, keepAliveTimeout: 300 })
    const received = running.driver.inbox.receive().catch((error: unknown) => error)
    vi.advanceTimersByTime(1001)
    running.stream.endTurn()
    expect(running.stream.taken().subarray(0, 2)).toEqual(Buffer.of(0x89, 0x88))
    vi.advanceTimersByTime(310)
    expect(running.stream.calls).toEqual(['destroy'])
    const error = (await received) as ConnectionClosedError
    expect(error.cause).toMatchObject({ code: 'KEEP_ALIVE_TIMEOUT', timeout: 300 })
    finish(running)
  })

  test('a Ping that waits behind what is sent is waited for as long as that makes progress', () => {
    const running = start({ keepAliveInterval: 1000, keepAliveTimeout: 300 })
    const { stream, driver } = running
    stream.holdsWrites = true
    for (let i = 0; i < 5; i++) {
      void driver.send('x')
      stream.endTurn()
    }
    vi.advanceTimersByTime(1001)
    for (let i = 0; i < 5; i++) {
      vi.advanceTimersByTime(290)
      stream.release(true, 1)
    }
    expect(stream.calls).toEqual([])
    vi.advanceTimersByTime(290)
    // The Ping leaves.
    stream.release(true, 1)
    vi.advanceTimersByTime(290)
    expect(stream.calls).toEqual([])
    vi.advanceTimersByTime(20)
    expect(stream.calls).toEqual(['destroy'])
    finish(running)
  })

  test('a peer that takes nothing of what is sent is gone', () => {
    const running = start({ keepAliveInterval: 1000, keepAliveTimeout: 300 })
    running.stream.holdsWrites = true
    void running.driver.send('x')
    running.stream.endTurn()
    vi.advanceTimersByTime(1310)
    expect(running.stream.calls).toEqual(['destroy'])
    finish(running)
  })

  test('any frame that comes is an answer', () => {
    const running = start({ keepAliveInterval: 1000, keepAliveTimeout: 300 })
    vi.advanceTimersByTime(1100)
    running.receive(frame(TEXT, 'here'))
    vi.advanceTimersByTime(900)
    expect(running.stream.calls).toEqual([])
    finish(running)
  })

  test('a time when we did not read is no silence of the server', async () => {
    const running = start({ keepAliveInterval: 1000, keepAliveTimeout: 300 })
    running.receive(frame(TEXT, 'x'.repeat(HIGH_WATER_MARK)))
    expect(running.stream.calls).toEqual(['pause'])
    vi.advanceTimersByTime(1000 + 299)
    await running.driver.inbox.receive()
    // Reading goes on, but what waits in the socket has not been read yet.
    vi.advanceTimersByTime(10)
    expect(running.stream.calls).toEqual(['pause', 'resume'])
    finish(running)
  })
})
