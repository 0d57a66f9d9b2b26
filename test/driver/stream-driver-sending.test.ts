import { setImmediate } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { ConnectionClosedError, OptionsError } from '../../src/errors.ts'
import { inflated, noise, prose } from '../deflate/support.ts'
import { parseFrames } from '../protocol/support.ts'
import { closePayload, frame } from '../support/scripted-peer.ts'
import { rejection } from '../support/servers.ts'
import { finish, HIGH_WATER_MARK, isPending, type Running, start } from './running.ts'

const CLOSE = 8
const PING = 9

let running: Running

/** It is over after each test, and no timer is left. */
afterEach(() => finish(running))

function begin(...parameters: Parameters<typeof start>): Running {
  running = start(...parameters)
  return running
}

/** What was sent since the last call, in short: first byte in hexadecimal, and payload. */
function sent(): string[] {
  running.stream.endTurn()
  return parseFrames(running.stream.taken()).map(
    ({ firstByte, payload }) => `${firstByte.toString(16)} ${payload.toString('latin1')}`,
  )
}

/** Gives streams their turns. */
async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await setImmediate()
}

function textWriter(compress = true): WritableStreamDefaultWriter<string> {
  return (running.driver.sendStream('text', compress) as WritableStream<string>).getWriter()
}

describe('a message in fragments', () => {
  test('leaves as it is written, and other messages wait for its end', async () => {
    const { driver } = begin()
    await driver.send('before')
    const writer = textWriter()
    void driver.send('after')
    void driver.send('and after that')
    expect(driver.bufferedAmount).toBe('before'.length + 6 + 'after'.length + 'and after that'.length)
    await writer.write('one')
    expect(sent()).toEqual(['81 before', '1 one'])
    await writer.write('two')
    expect(sent()).toEqual(['0 two'])
    await writer.close()
    expect(sent()).toEqual(['80 ', '81 after', '81 and after that'])
    await driver.send('at once again')
    expect(sent()).toEqual(['81 at once again'])
    expect(driver.bufferedAmount).toBe(0)
  })

  test('lets Pings, Pongs and keep-alive go between', async () => {
    const { driver, receive } = begin()
    const writer = textWriter()
    await writer.write('one')
    void driver.ping(Buffer.from('p'), undefined)
    receive(frame(PING, 'q'))
    await writer.write('two')
    await writer.close()
    expect(sent()).toEqual(['1 one', '89 p', '8a q', '0 two', '80 '])
  })

  test('waits for its turn behind others, and each for its own end', async () => {
    begin()
    const [first, second] = [textWriter(), textWriter()]
    const written = second.write('second')
    await first.write('first')
    expect(await isPending(written)).toBe(true)
    await first.close()
    await written
    await second.close()
    expect(sent()).toEqual(['1 first', '80 ', '1 second', '80 '])
  })

  test('waits while more than the high-water mark is unsent', async () => {
    const { stream } = begin()
    stream.holdsWrites = true
    const writer = textWriter()
    const written = writer.write('x'.repeat(HIGH_WATER_MARK))
    await settle()
    stream.endTurn()
    expect(await isPending(written)).toBe(true)
    expect(writer.desiredSize).toBe(0)
    stream.release()
    await written
    expect(writer.desiredSize).toBe(1)
    stream.holdsWrites = false
    await writer.close()
  })

  test('does not wait for room that those behind it have taken', async () => {
    const { driver } = begin()
    const writer = textWriter()
    const waiting = driver.send('x'.repeat(2 * HIGH_WATER_MARK))
    await writer.write('one')
    await writer.write('two')
    expect(await isPending(waiting)).toBe(true)
    await writer.close()
    expect(sent()).toHaveLength(4)
    await waiting
  })

  test('those behind it may be changed after the call', async () => {
    const { driver } = begin()
    const writer = textWriter()
    const given = Buffer.from('given')
    void driver.send(given)
    void driver.send(new Uint8Array(given))
    given.fill('x')
    await writer.close()
    expect(sent()).toEqual(['81 ', '82 given', '82 given'])
  })

  test('those behind it count with the bytes that they will take', async () => {
    const { driver } = begin()
    const writer = textWriter()
    await writer.write('one')
    const before = driver.bufferedAmount
    void driver.send('\u20ac'.repeat(100))
    expect(driver.bufferedAmount - before).toBe(300)
    await writer.close()
  })

  test('that is large leaves in fragments, and others have their turn between', async () => {
    const { stream } = begin({}, 0)
    stream.holdsWrites = true
    const content = prose(1_000_000)
    const writer = (running.driver.sendStream('binary', true) as WritableStream<Uint8Array>).getWriter()
    const written = writer.write(content)
    const taken: Buffer[] = []
    const flush = () => {
      stream.endTurn()
      taken.push(stream.taken())
      stream.release()
    }
    for (; writer.desiredSize !== 1 || taken.length === 0; flush()) await setImmediate()
    await written
    await writer.close()
    flush()
    const frames = parseFrames(Buffer.concat(taken))
    expect(frames.map(({ firstByte }) => firstByte)).toEqual([0x42, 0, 0, 0, 0x80])
    expect(inflated([Buffer.concat(frames.map(({ payload }) => payload))]).compare(content)).toBe(0)
    expect(taken.length).toBeGreaterThanOrEqual(4)
  })

  test('is compressed unless it is not to be', async () => {
    begin({}, 1000)
    for (const compress of [true, false]) {
      const writer = textWriter(compress)
      await writer.write('Hello')
      await writer.close()
    }
    running.stream.endTurn()
    const frames = parseFrames(running.stream.taken())
    expect(frames.map(({ firstByte }) => firstByte)).toEqual([0x41, 0x80, 1, 0x80])
    expect(inflated([Buffer.concat(frames.slice(0, 2).map(({ payload }) => payload))]).toString()).toBe('Hello')
  })
})

describe('a message that is given up', () => {
  test('before its first piece sends nothing, and the next one follows', async () => {
    const { driver } = begin()
    const waiting = textWriter()
    const writer = textWriter()
    void driver.send('next')
    await writer.abort('changed my mind')
    await waiting.abort('as well')
    await settle()
    expect(sent()).toEqual(['81 next'])
    expect(driver.state).toBe('open')
  })

  test('after an empty piece has sent nothing either', async () => {
    const { driver } = begin()
    const writer = textWriter()
    await writer.write('')
    await writer.write('\ud83d')
    await writer.abort('changed my mind')
    expect(sent()).toEqual([])
    expect(driver.state).toBe('open')
  })

  test('half-way fails the connection, and tells the server and all who wait', async () => {
    const { stream, driver } = begin()
    const writer = textWriter()
    await writer.write('one')
    const received = rejection(driver.inbox.receive())
    const other = textWriter()
    const otherClosed = rejection(other.closed)
    await writer.abort(new Error('no more data'))
    const frames = sent()
    expect(frames[0]).toBe('1 one')
    expect(frames[1]?.slice(0, 5)).toBe('88 \x03\xf3')
    expect(frames).toHaveLength(2)
    expect(driver).toMatchObject({ state: 'aborted', closeStatus: 1006 })
    expect(stream.calls).toEqual(['end'])
    for (const error of [await received, await otherClosed]) {
      expect(error).toBeInstanceOf(ConnectionClosedError)
      expect(error).toMatchObject({ cause: { message: 'no more data' }, wasClean: false })
    }
    stream.sink.onEnd()
    expect(stream.calls).toEqual(['end', 'destroy'])
  })

  test('half-way does not wait for a server that does not read', async () => {
    const { stream, driver } = begin()
    stream.holdsWrites = true
    const writer = textWriter()
    const written = rejection(writer.write('x'.repeat(HIGH_WATER_MARK)))
    await settle()
    await writer.abort('enough')
    expect(driver.state).toBe('aborted')
    expect(await written).toBeInstanceOf(ConnectionClosedError)
    expect(await rejection(writer.closed)).toBe('enough')
  })

  test('over a piece of the wrong kind fails the connection too, but not before the first', async () => {
    const { driver } = begin()
    const first = textWriter()
    expect(await rejection(first.write(Buffer.from('a') as never))).toBeInstanceOf(OptionsError)
    expect(driver.state).toBe('open')
    const second = textWriter()
    await second.write('a')
    expect(await rejection(second.write(5 as never))).toBeInstanceOf(OptionsError)
    expect(driver.state).toBe('aborted')
    expect(sent().map((line) => line.slice(0, 2))).toEqual(['1 ', '88'])
  })
})

describe('a long message that is compressed', () => {
  test('keeps its place among others', async () => {
    const { driver, stream } = begin({ highWaterMark: 10_000_000 }, 100)
    const long = [prose(700_000, 1), prose(400_000, 2)]
    const messages = ['a', long[0]!, 'b', Buffer.from(long[1]!).toString(), long[0]!.subarray(0, 500), 'c']
    for (const message of messages) void driver.send(message)
    void driver.send(long[0]!, false)
    expect(driver.bufferedAmount).toBeGreaterThan(1_800_000)
    stream.holdsWrites = true
    for (let i = 0; i < 30; i++) {
      await setImmediate()
      stream.endTurn()
    }
    const frames = parseFrames(stream.taken())
    expect(frames.map(({ firstByte }) => firstByte)).toEqual([0x81, 0xc2, 0x81, 0xc1, 0xc2, 0x81, 0x82])
    const small = frames.filter(({ firstByte }) => firstByte & 0x40).map(({ payload }) => payload)
    expect(inflated(small).compare(Buffer.concat([...long, long[0]!.subarray(0, 500)]))).toBe(0)
    expect(frames.at(-1)!.payload.compare(long[0]!)).toBe(0)
  })

  test('may be changed after the call', async () => {
    const { driver, stream } = begin({}, 0)
    const content = noise(600_000)
    // A slice of a Buffer is no copy.
    const payloads: Buffer[] = []
    for (const given of [new Uint8Array(content), Buffer.from(content)]) {
      const waiting = driver.send(given)
      given.fill(0)
      await waiting
      payloads.push(parseFrames(stream.taken())[0]!.payload)
    }
    expect(inflated(payloads).compare(Buffer.concat([content, content]))).toBe(0)
  })

  test('lets others have their turn, and tells when there is room again', async () => {
    const { driver } = begin({}, 0)
    let isDone = false
    let turns = 0
    const counting = (async () => {
      for (; !isDone; turns++) await setImmediate()
    })()
    // The stream lets go at once, from within the write.
    await driver.send(prose(2_000_000))
    isDone = true
    await counting
    expect(turns).toBeGreaterThan(5)
    expect(driver.bufferedAmount).toBe(0)
  })

  test('is given up when the connection is lost, and nothing is done for it any more', async () => {
    const { driver, stream } = begin({}, 0)
    const waiting = rejection(driver.send(prose(2_000_000)))
    await setImmediate()
    stream.sink.onClosed(new Error('ECONNRESET'))
    expect(await waiting).toBeInstanceOf(ConnectionClosedError)
    await settle()
    expect(stream.writes).toEqual([])
    expect(driver.bufferedAmount).toBe(0)
  })
})

describe('close and closeOutput', () => {
  test.each(['close', 'closeOutput'] as const)('%s waits for a message that is under way', async (call) => {
    const { driver } = begin()
    const writer = textWriter()
    await writer.write('one')
    void driver.send('queued')
    const closing = driver[call](4000, 'bye')
    expect(driver.canSend).toBe(false)
    expect(driver.state).toBe('open')
    expect(sent()).toEqual(['1 one'])
    await writer.write('two')
    await writer.close()
    expect(sent()).toEqual(['0 two', '80 ', '81 queued', '88 \x0f\xa0bye'])
    expect(driver.state).toBe('close-sent')
    if (call === 'closeOutput') await closing
    running.receive(frame(CLOSE, closePayload(4000)))
    expect(driver.state).toBe('closed')
    finish(running)
    await closing
  })

  test.each(['close', 'closeOutput'] as const)('%s comes behind a long message', async (call) => {
    const { driver, stream } = begin({ closeTimeout: Infinity }, 0)
    void driver.send(prose(1_000_000))
    void driver[call](1000, '')
    while (driver.state === 'open') await setImmediate()
    stream.endTurn()
    expect(parseFrames(stream.taken()).map(({ firstByte }) => firstByte)).toEqual([0xc2, 0x88])
  })

  test('close gives up a message that is not ended in time', async () => {
    const { driver, stream } = begin({ closeTimeout: 20 })
    const writer = textWriter()
    await writer.write('one')
    void driver.close(1000, '')
    const error = await rejection(writer.closed)
    expect(error).toBeInstanceOf(ConnectionClosedError)
    const message = 'A message or sendStream did not end within 20 ms.'
    expect((error as ConnectionClosedError).cause).toMatchObject({ code: 'CLOSE_TIMEOUT', message })
    expect(stream.calls).toEqual(['destroy'])
  })

  test('a message that is given up after close was called still fails the connection', async () => {
    const { driver } = begin()
    const writer = textWriter()
    await writer.write('one')
    void driver.close(1000, '')
    await writer.abort('no more')
    expect(sent().map((line) => line.slice(0, 5))).toEqual(['1 one', '88 \x03\xf3'])
    expect(driver.state).toBe('aborted')
  })
})

describe('when the peer ends it', () => {
  test('with a Close frame, that is answered at once, and what was not sent fails', async () => {
    const { driver } = begin()
    const writer = textWriter()
    await writer.write('one')
    void driver.send('never')
    const closed = rejection(writer.closed)
    running.receive(frame(CLOSE, closePayload(1001, 'away')))
    expect(await closed).toMatchObject({ closeStatus: 1001, reason: 'away', wasClean: true })
    expect(sent()).toEqual(['1 one', '88 \x03\xe9'])
    expect(driver).toMatchObject({ bufferedAmount: 0, unsent: 'never'.length })
    finish(running)
    expect(driver).toMatchObject({ state: 'closed', unsent: 'never'.length })
  })

  test('with a Close frame, a send fails that waits for room behind what is not complete', async () => {
    const { driver } = begin()
    await textWriter().write('one')
    const waiting = rejection(driver.send('x'.repeat(2 * HIGH_WATER_MARK)))
    running.receive(frame(CLOSE, closePayload(1001)))
    expect(await waiting).toMatchObject({ closeStatus: 1001 })
  })

  test('with a Close frame, and allowHalfOpen, the message may be ended', async () => {
    const { driver } = begin({ allowHalfOpen: true })
    const writer = textWriter()
    await writer.write('one')
    running.receive(frame(CLOSE, closePayload(1000)))
    expect(driver.state).toBe('close-received')
    await writer.write('two')
    await writer.close()
    void driver.close(1000, '')
    expect(sent()).toEqual(['1 one', '0 two', '80 ', '88 \x03\xe8'])
  })

  test('by closing while a piece waits for room, its writer is not told that it was sent', async () => {
    const { stream } = begin({ highWaterMark: 1 })
    stream.holdsWrites = true
    const writer = textWriter()
    writer.closed.catch(() => {})
    const written = writer.write('one')
    await settle()
    stream.endTurn()
    running.receive(frame(CLOSE, closePayload(1000)))
    expect(await rejection(written)).toBeInstanceOf(ConnectionClosedError)
    stream.release()
  })

  test('by closing while its last piece waits for room, nothing follows our Close frame', async () => {
    const { stream } = begin({ highWaterMark: 1 })
    stream.holdsWrites = true
    const writer = textWriter()
    // Half a character is sent when the message ends.
    await writer.write('\ud83d')
    const closed = writer.close()
    await settle()
    stream.endTurn()
    running.receive(frame(CLOSE, closePayload(1000)))
    stream.holdsWrites = false
    stream.release()
    expect(await rejection(closed)).toBeInstanceOf(ConnectionClosedError)
    await settle()
    expect(sent()).toEqual(['1 \xef\xbf\xbd', '88 \x03\xe8'])
  })

  test.each(['onEnd', 'onClosed'] as const)('without one, the message fails (%s)', async (how) => {
    const { stream } = begin()
    const writer = textWriter()
    await writer.write('one')
    const written = writer.closed
    if (how === 'onEnd') stream.sink.onEnd()
    else stream.sink.onClosed(new Error('ECONNRESET'))
    expect(await rejection(written)).toBeInstanceOf(ConnectionClosedError)
    expect(await rejection(writer.write('two'))).toBeInstanceOf(ConnectionClosedError)
  })

  test('by breaking a rule, the message fails with that', async () => {
    begin()
    const writer = textWriter()
    await writer.write('one')
    running.receive(frame(3))
    expect(await rejection(writer.closed)).toMatchObject({ violation: 'reserved-opcode' })
  })

  test('abort fails it with the reason itself', async () => {
    const { driver } = begin()
    const writer = textWriter()
    await writer.write('one')
    driver.abort('the reason')
    expect(await rejection(writer.closed)).toBe('the reason')
  })
})
