import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { nextTurn } from '../../src/driver/next-turn.ts'
import { ConnectionClosedError, ProtocolError, TimeoutError } from '../../src/errors.ts'
import { closePayload, frame } from '../support/scripted-peer.ts'
import { finish, HIGH_WATER_MARK, isPending, type Running, sent, start } from './running.ts'

const CONTINUATION = 0
const TEXT = 1
const CLOSE = 8

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  // Whatever happened, no timer is left that would go on.
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

/** So many milliseconds, and the turn of those who wait for others to have theirs. */
async function pass(milliseconds: number): Promise<void> {
  vi.advanceTimersByTime(milliseconds)
  await new Promise<void>(nextTurn)
}

describe('the closing handshake', () => {
  const answer = frame(CLOSE, closePayload(1000))

  test('is over when the server ends the connection', async () => {
    const running = start()
    const { stream, driver } = running
    const closed = driver.close(4000, 'bye')
    expect(stream.taken()).toEqual(sent(CLOSE, closePayload(4000, 'bye')))
    running.receive(answer)
    expect(driver.state).toBe('closed')
    stream.sink.onEnd()
    expect(stream.calls).toEqual(['end'])
    expect(await isPending(closed)).toBe(true)
    finish(running)
    await closed
  })

  test('is ended by us when the server does not end it', () => {
    const running = start()
    void running.driver.close(1000, '')
    running.receive(answer)
    vi.advanceTimersByTime(249)
    expect(running.stream.calls).toEqual([])
    vi.advanceTimersByTime(1)
    expect(running.stream.calls).toEqual(['end'])
    vi.advanceTimersByTime(500)
    expect(running.stream.calls).toEqual(['end', 'destroy'])
    finish(running)
    expect(running.driver.state).toBe('closed')
  })

  test('that came about by giving up a message is not waited for again by a close after its end', async () => {
    const running = start({ allowHalfOpen: true })
    const writer = (running.driver.sendStream('text', true) as WritableStream<string>).getWriter()
    writer.closed.catch(() => {})
    await writer.write('half')
    running.receive(frame(CLOSE, closePayload(1000)))
    await writer.abort(new Error('given up'))
    expect(running.driver.state).toBe('closed')
    finish(running)
    await running.driver.close(1000, '')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('waits longer for a server that has not taken all that was sent', async () => {
    const running = start({ closeTimeout: 3000 })
    running.stream.holdsWrites = true
    void running.driver.send('still on its way')
    void running.driver.close(1000, '')
    running.receive(answer)
    vi.advanceTimersByTime(2999)
    expect(running.stream.calls).toEqual(['end'])
    await pass(1)
    expect(running.stream.calls).toEqual(['end', 'destroy'])
    finish(running)
  })

  test('that the server does not answer is cut off', async () => {
    const running = start({ closeTimeout: 3000 })
    const received = running.driver.inbox.receive().catch((error: unknown) => error)
    void running.driver.close(1000, '')
    await pass(3000)
    expect(running.stream.calls).toEqual(['destroy'])
    expect(running.driver.state).toBe('aborted')
    const error = (await received) as ConnectionClosedError
    expect(error).toBeInstanceOf(ConnectionClosedError)
    expect(error.cause).toBeInstanceOf(TimeoutError)
    expect(error.cause).toMatchObject({ code: 'CLOSE_TIMEOUT', timeout: 3000 })
    finish(running)
  })

  test('is not cut off when this process was busy until the time was up, and the answer waits to be read', async () => {
    const running = start({ closeTimeout: 3000 })
    const closed = running.driver.close(1000, '')
    vi.advanceTimersByTime(3000)
    running.receive(answer)
    finish(running)
    await closed
    await pass(0)
    expect(running.driver).toMatchObject({ state: 'closed', closeStatus: 1000 })
  })

  test('that the server begins is answered at once, and has a time limit as well', async () => {
    const running = start({ closeTimeout: 600 })
    running.receive(frame(CLOSE, closePayload(1001, 'away')))
    expect(running.stream.taken()).toEqual(sent(CLOSE, closePayload(1001)))
    expect(running.driver).toMatchObject({ state: 'closed', closeStatus: 1001, closeReason: 'away' })
    await pass(600)
    expect(running.stream.calls).toEqual(['end', 'destroy'])
    finish(running)
  })

  test('takes as long as it likes without a time limit', () => {
    const running = start({ closeTimeout: Infinity })
    void running.driver.close(1000, '')
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(1_000_000)
    expect(running.stream.calls).toEqual([])
    finish(running)
  })

  test('with allowHalfOpen, an end of the server before our Close frame tells what its own frame said', async () => {
    const running = start({ allowHalfOpen: true })
    running.stream.holdsWrites = true
    running.receive(frame(CLOSE, closePayload(4000, 'go on')))
    const waiting = running.driver.send('x'.repeat(HIGH_WATER_MARK)).catch((error: unknown) => error)
    running.stream.sink.onEnd()
    expect(await waiting).toMatchObject({ closeStatus: 4000, reason: 'go on', wasClean: false })
    expect(running.driver).toMatchObject({ state: 'aborted', closeStatus: 4000 })
    finish(running)
  })
})

describe('failing', () => {
  /** Everything that can wait, and what it fails with. */
  async function waitingOn({ stream, driver }: Running) {
    stream.holdsWrites = true
    const calls = [driver.inbox.receive(), driver.send('x'.repeat(HIGH_WATER_MARK)), driver.ping(undefined, undefined)]
    stream.endTurn()
    stream.taken()
    return Promise.all(calls.map((call) => call.catch((error: unknown) => error)))
  }

  test('a broken rule is told to the server, then to all who wait, and the connection is cut', async () => {
    const running = start()
    const errors = waitingOn(running)
    running.receive(frame(CONTINUATION, 'of nothing'))
    for (const error of await errors) expect(error).toBeInstanceOf(ProtocolError)
    const close = running.stream.taken()
    expect(close.subarray(0, 2)).toEqual(Buffer.of(0x88, 0x80 | (close.length - 6)))
    expect(close.readUInt16BE(6)).toBe(1002)
    expect(running.stream.calls).toEqual(['end'])
    expect(running.driver).toMatchObject({ state: 'aborted', closeStatus: 1006 })
    running.receive(frame(TEXT, 'ignored'))
    vi.advanceTimersByTime(500)
    expect(running.stream.calls).toEqual(['end', 'destroy'])
    finish(running)
  })

  test('messages before the broken rule are received', async () => {
    const running = start()
    running.receive(frame(TEXT, 'good'), frame(3, 'bad'), frame(TEXT, 'not read'))
    expect(await running.driver.inbox.receive()).toBe('good')
    await expect(running.driver.inbox.receive()).rejects.toBeInstanceOf(ProtocolError)
    running.stream.sink.onEnd()
    expect(running.stream.calls).toEqual(['end', 'destroy'])
    finish(running)
  })

  test('a lost connection is told with what the stream says of it', async () => {
    const running = start()
    const errors = waitingOn(running)
    const cause = new Error('ECONNRESET')
    running.stream.sink.onClosed(cause)
    for (const error of await errors) {
      expect(error).toBeInstanceOf(ConnectionClosedError)
      expect(error).toMatchObject({ code: 'CONNECTION_CLOSED', closeStatus: 1006, wasClean: false, cause })
    }
  })

  test('a send that waits does not wait for what is unread when the connection is lost', async () => {
    const running = start()
    const { stream, driver } = running
    running.receive(frame(TEXT, 'x'.repeat(HIGH_WATER_MARK)))
    const errors = waitingOn(running)
    // The receive has taken the message, and reading has stopped again.
    running.receive(frame(TEXT, 'x'.repeat(HIGH_WATER_MARK)))
    expect(stream.calls).toEqual(['pause', 'resume', 'pause'])
    stream.release(false)
    // A stream that is over tells even a sink that has paused.
    running.receive(frame(TEXT, 'what the stream still held'))
    stream.sink.onClosed(undefined)
    const [received, ...others] = await errors
    expect(received).toHaveLength(HIGH_WATER_MARK)
    for (const error of others) expect(error).toBeInstanceOf(ConnectionClosedError)
    expect(driver.state).toBe('aborted')
    expect(await driver.inbox.receiveAll()).toHaveLength(2)
  })

  test('nothing that was sent is written after an abort', () => {
    const running = start()
    void running.driver.send('too late')
    running.driver.abort(new Error('enough'))
    running.stream.endTurn()
    expect(running.stream.writes).toEqual([])
    expect(running.stream.calls).toEqual(['destroy'])
    finish(running)
    running.driver.abort(new Error('again'))
    expect(running.stream.calls).toEqual(['destroy'])
  })
})
