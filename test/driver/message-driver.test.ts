import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { MessageDriver, type MessageDriverOptions } from '../../src/driver/message-driver.ts'
import { ConnectionClosedError, MessageTooBigError, OptionsError, ProtocolError } from '../../src/errors.ts'
import { MemorySocket } from './memory-socket.ts'
import { isPending } from './running.ts'

const MiB = 1024 * 1024
const HIGH_WATER_MARK = 1000

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  // Whatever ended it, nothing is left that would go on.
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

function start(options: Partial<MessageDriverOptions> = {}, socket = new MemorySocket()) {
  const defaults = { closeTimeout: 10_000, allowHalfOpen: false, maxMessageSize: MiB, highWaterMark: HIGH_WATER_MARK }
  const driver = new MessageDriver(socket, { ...defaults, ...options })
  return { driver, socket, sink: socket.sink }
}

const failure = (promise: Promise<unknown>) => promise.then(() => expect.unreachable(), (error: unknown) => error) // biome-ignore format: one row

describe('messages', () => {
  test('that came before anybody listened are kept', async () => {
    const socket = new MemorySocket()
    socket.early.push('one', 'two')
    const { driver } = start({}, socket)
    expect(await driver.inbox.receiveAll()).toEqual(['one', 'two'])
    driver.abort(undefined)
  })

  test('are sent at once; what has not left is told by the socket as long as it is open', async () => {
    const { driver, socket } = start()
    await driver.send('text')
    await driver.send(Uint8Array.of(1))
    expect(socket.sent).toEqual(['text', Uint8Array.of(1)])
    socket.bufferedAmount = 5
    expect(driver.bufferedAmount).toBe(5)
    driver.abort(undefined)
    expect(driver.bufferedAmount).toBe(0)
  })

  test('that will never leave are counted once', async () => {
    const { driver, sink } = start({ maxMessageSize: 10 })
    const writer = (driver.sendStream('binary') as WritableStream<Uint8Array>).getWriter()
    writer.closed.catch(() => {})
    await writer.write(new Uint8Array(1000))
    sink.onMessage('x'.repeat(11))
    await vi.advanceTimersByTimeAsync(1000)
    expect(driver).toMatchObject({ state: 'aborted', unsent: 1000 })
  })

  test.each([true, false])('that the server has closed before are counted once, allowHalfOpen: %s', async (half) => {
    const { driver, sink } = start({ allowHalfOpen: half })
    const writer = (driver.sendStream('binary') as WritableStream<Uint8Array>).getWriter()
    writer.closed.catch(() => {})
    await writer.write(new Uint8Array(100))
    void driver.send('four')
    sink.onClose(1000, '')
    if (half) driver.abort(undefined)
    await vi.advanceTimersByTimeAsync(1000)
    expect(driver).toMatchObject({ state: half ? 'aborted' : 'closed', unsent: 104, bufferedAmount: 0 })
  })

  test('that wait for one in pieces may be changed after the call, as its pieces may', async () => {
    const { driver, socket } = start()
    const writer = (driver.sendStream('binary') as WritableStream<Uint8Array>).getWriter()
    const given = Buffer.from('one')
    await writer.write(given)
    void driver.send(given)
    expect(driver.bufferedAmount).toBe(6)
    given.write('two')
    await writer.write(given)
    given.fill('x')
    await writer.close()
    expect(socket.sent.map((bytes) => Buffer.from(bytes).toString())).toEqual(['onetwo', 'one'])
    expect(driver.bufferedAmount).toBe(0)
    driver.abort(undefined)
  })

  test('in pieces that are given up are not sent, and count no more', async () => {
    const { driver, socket } = start()
    const writer = (driver.sendStream('binary') as WritableStream<Uint8Array>).getWriter()
    await writer.write(new Uint8Array(100))
    expect(driver.bufferedAmount).toBe(100)
    await writer.abort(new Error('enough'))
    expect(driver.bufferedAmount).toBe(0)
    await driver.send('next')
    expect(socket.sent).toEqual(['next'])
    driver.abort(undefined)
  })

  test('in pieces that are larger together than may be collected fail, and nothing of them is sent', async () => {
    const { driver, socket } = start()
    const writer = (driver.sendStream('binary') as WritableStream<Uint8Array>).getWriter()
    await writer.write(new Uint8Array(32 * MiB))
    const closed = failure(writer.closed)
    expect(await failure(writer.write(new Uint8Array(1)))).toBeInstanceOf(OptionsError)
    expect(await closed).toBeInstanceOf(OptionsError)
    expect(driver.bufferedAmount).toBe(0)
    await driver.send('next')
    expect(socket.sent).toEqual(['next'])
    driver.abort(undefined)
  })

  test('that the socket does not take any more end the connection', async () => {
    const { driver, socket } = start()
    const received = failure(driver.inbox.receive())
    socket.broken = new TypeError('after close')
    const error = await failure(driver.send('x'))
    expect(error).toBeInstanceOf(ConnectionClosedError)
    expect(error).toMatchObject({ closeStatus: 1006, cause: socket.broken })
    expect(await received).toBe(error)
    expect(socket.calls).toEqual(['terminate'])
  })

  test('above maxMessageSize, as text in UTF-8, are refused with 1009, and those of that size taken', async () => {
    const whole = ['x'.repeat(1000), `${'€'.repeat(333)}x`, new Uint8Array(1000)]
    const tooLong = ['x'.repeat(1001), `${'€'.repeat(333)}xx`, new Uint8Array(1001)]
    for (const [index, message] of whole.entries()) {
      const { driver, socket, sink } = start({ maxMessageSize: 1000 })
      sink.onMessage(message)
      sink.onMessage(tooLong[index]!)
      sink.onMessage('ignored')
      expect(await driver.inbox.receive()).toBe(message)
      const error = await failure(driver.inbox.receive())
      expect(error).toBeInstanceOf(MessageTooBigError)
      expect(error).toMatchObject({ limit: 1000 })
      expect(socket.calls).toEqual([['close', 1009, 'The message is too big.']])
      expect(driver).toMatchObject({ state: 'aborted', closeStatus: 1006 })
      const closed = driver.close(1000, '')
      sink.onClose(1009, '')
      await closed
    }
  })

  test('that nobody reads end the connection when they are more than 64 MiB', async () => {
    const { driver, socket, sink } = start({ maxMessageSize: 32 * MiB })
    for (let left = 4; left > 0; left--) sink.onMessage(new Uint8Array(16 * MiB))
    sink.onMessage('ignored')
    expect(driver).toMatchObject({ state: 'aborted', closeStatus: 1006 })
    expect(socket.calls).toEqual([['close', 1008, expect.any(String)]])
    expect((await driver.inbox.receiveAll())?.length).toBe(4)
    expect(await failure(driver.inbox.receive())).toMatchObject({ message: expect.stringContaining("'tcp'") })
    // A peer that does not answer is cut off soon.
    const closed = driver.close(1000, '')
    vi.advanceTimersByTime(500)
    await closed
    expect(socket.calls.at(-1)).toBe('terminate')
  })

  test('that are text count as the memory that they may take: two bytes for each UTF-16 unit', async () => {
    const { driver, socket, sink } = start({ maxMessageSize: 32 * MiB })
    sink.onMessage('x'.repeat(16 * MiB))
    expect(driver.state).toBe('open')
    sink.onMessage('x'.repeat(16 * MiB))
    expect(driver.state).toBe('aborted')
    expect(socket.calls).toEqual([['close', 1008, expect.any(String)]])
    sink.onLost(undefined)
  })

  test('that are read free what they have counted, and one alone is always kept', async () => {
    const { driver, sink } = start({ maxMessageSize: 32 * MiB })
    for (let left = 3; left > 0; left--) {
      sink.onMessage('x'.repeat(32 * MiB))
      expect(await driver.inbox.receive()).toHaveLength(32 * MiB)
      expect(driver.inbox.size).toBe(0)
    }
    expect(driver.state).toBe('open')
    driver.abort(undefined)
  })

  test('that are read as they come have no such limit', async () => {
    const { driver, sink } = start({ maxMessageSize: 32 * MiB })
    for (let left = 5; left > 0; left--) {
      const received = driver.inbox.receive()
      sink.onMessage(new Uint8Array(32 * MiB))
      await received
    }
    expect(driver.state).toBe('open')
    driver.abort(undefined)
  })

  test('that nobody waits for are dropped while closing, from the high-water mark on and without holes', async () => {
    const { driver, sink } = start()
    const closed = driver.close(1000, '')
    sink.onMessage('x'.repeat(HIGH_WATER_MARK))
    sink.onMessage('dropped')
    const [first] = (await driver.inbox.receiveAll())!
    expect(first).toHaveLength(HIGH_WATER_MARK)
    sink.onMessage('dropped as well')
    sink.onClose(1000, '')
    await closed
    expect(await driver.inbox.receive()).toBeUndefined()
  })
})

test('a Ping is refused, and nothing happens', async () => {
  const { driver, socket } = start()
  const error = await failure(driver.ping())
  expect(error).toBeInstanceOf(OptionsError)
  expect(error).toMatchObject({ option: 'transport', message: expect.stringContaining("'tcp'") })
  expect(driver.state).toBe('open')
  driver.abort(undefined)
  expect(socket.calls).toEqual(['terminate'])
})

describe('closing', () => {
  test('from our side waits for the Close frame of the peer', async () => {
    const { driver, socket, sink } = start()
    const closed = driver.close(4001, 'bye')
    expect(driver.state).toBe('close-sent')
    expect(await isPending(closed)).toBe(true)
    sink.onMessage('late')
    sink.onClose(4002, 'me too')
    await closed
    expect(driver).toMatchObject({ state: 'closed', closeStatus: 4002, closeReason: 'me too' })
    expect(await driver.inbox.receiveAll()).toEqual(['late'])
    expect(await driver.inbox.receive()).toBeUndefined()
    await driver.close(4003, 'again')
    expect(socket.calls).toEqual([['close', 4001, 'bye']])
  })

  test.each([
    [4001, 4001],
    [1005, undefined],
  ])('from the peer with %s is answered with %s', async (code, answer) => {
    const { driver, socket, sink } = start()
    const received = driver.inbox.receive()
    sink.onClose(code, 'away')
    expect(await received).toBeUndefined()
    expect(driver).toMatchObject({ state: 'closed', closeStatus: code, closeReason: 'away' })
    expect(socket.calls).toEqual([['close', answer, '']])
    await driver.close(1000, '')
  })

  test('may be left half open, to go on sending', async () => {
    const { driver, socket, sink } = start({ allowHalfOpen: true })
    sink.onClose(4001, '')
    expect(driver.state).toBe('close-received')
    await driver.send('last words')
    await driver.closeOutput(4002, 'mine')
    await driver.close(1000, '')
    expect(driver.state).toBe('closed')
    expect(socket.calls).toEqual([['close', 4002, 'mine']])
  })

  test('of our direction waits for a message in pieces, and fails with the connection', async () => {
    const { driver, socket } = start()
    const writer = driver.sendStream('text').getWriter()
    const closed = driver.closeOutput(4002, 'mine')
    expect(await isPending(closed)).toBe(true)
    expect(socket.calls).toEqual([])
    await writer.close()
    await closed
    expect(socket.calls).toEqual([['close', 4002, 'mine']])
    driver.abort(undefined)

    const lost = start()
    lost.driver
      .sendStream('text')
      .getWriter()
      .closed.catch(() => {})
    const unsent = failure(lost.driver.closeOutput(4002, 'mine'))
    lost.sink.onLost(undefined)
    expect(await unsent).toBeInstanceOf(ConnectionClosedError)
  })

  test('half open, the connection may still be lost', async () => {
    const { driver, sink } = start({ allowHalfOpen: true })
    sink.onClose(4001, '')
    sink.onLost(undefined)
    expect(driver).toMatchObject({ state: 'aborted', closeStatus: 4001 })
    expect(await driver.inbox.receive()).toBeUndefined()
  })

  test('takes no longer than closeTimeout', async () => {
    const { driver, socket } = start({ closeTimeout: 50 })
    const received = failure(driver.inbox.receive())
    const closed = driver.close(1000, '')
    vi.advanceTimersByTime(49)
    expect(await isPending(closed)).toBe(true)
    vi.advanceTimersByTime(1)
    await closed
    expect(await received).toMatchObject({ closeStatus: 1006, cause: { code: 'CLOSE_TIMEOUT', timeout: 50 } })
    expect(driver.state).toBe('aborted')
    expect(socket.calls).toEqual([['close', 1000, ''], 'terminate'])
  })

  test.each([1004, 1006, 1015, 2999, 5000])(
    'with a code that may not be sent, %i, is a ProtocolError',
    async (code) => {
      const { driver, socket, sink } = start()
      sink.onClose(code, '')
      const error = await failure(driver.inbox.receive())
      expect(error).toBeInstanceOf(ProtocolError)
      expect(error).toMatchObject({ violation: 'invalid-close-code', closeCode: 1002 })
      expect(socket.calls).toEqual([['close', 1002, expect.any(String)]])
      expect(driver).toMatchObject({ state: 'aborted', closeStatus: 1006 })
      sink.onLost(undefined)
    },
  )
})

describe('the end', () => {
  test('of a lost connection fails what waits, after what had come', async () => {
    const { driver, sink } = start()
    sink.onMessage('before')
    const cause = new Error('Network connection lost.')
    sink.onLost(cause)
    expect(await driver.inbox.receive()).toBe('before')
    const error = await failure(driver.inbox.receive())
    expect(error).toBeInstanceOf(ConnectionClosedError)
    expect(error).toMatchObject({ code: 'CONNECTION_CLOSED', closeStatus: 1006, wasClean: false, cause })
    await driver.close(1000, '')
    expect(driver.state).toBe('aborted')
  })

  test('by what the runtime found broken is that error', async () => {
    const { driver, sink } = start()
    const error = new MessageTooBigError('too big', 32 * MiB)
    sink.onLost(error)
    expect(await failure(driver.inbox.receive())).toBe(error)
  })

  test('after our Close frame, without that of the peer, is no closing', async () => {
    const { driver, sink } = start()
    const closed = driver.close(1000, '')
    sink.onLost(undefined)
    await closed
    expect(driver).toMatchObject({ state: 'aborted', closeStatus: 1006 })
  })

  test('by an abort comes once, with its reason', async () => {
    const { driver, socket } = start()
    const received = failure(driver.inbox.receive())
    const reason = new Error('enough')
    driver.abort(reason)
    driver.abort(new Error('too late'))
    expect(await received).toBe(reason)
    await driver.close(1000, '')
    expect(socket.calls).toEqual(['terminate'])
  })

  test('after both Close frames changes nothing', async () => {
    const { driver, socket, sink } = start()
    sink.onClose(1000, '')
    driver.abort(new Error('too late'))
    expect(driver.state).toBe('closed')
    expect(socket.calls).toEqual([['close', 1000, '']])
  })
})
