import { setImmediate } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { MessageStream } from '../../src/driver/incoming-stream.ts'
import { ConnectionClosedError, InvalidStateError, MessageTooBigError, ProtocolError } from '../../src/errors.ts'
import { compressed, prose } from '../deflate/support.ts'
import { parseFrames } from '../protocol/support.ts'
import { closePayload, frame } from '../support/scripted-peer.ts'
import { rejection } from '../support/servers.ts'
import { finish, HIGH_WATER_MARK, isPending, type Running, start } from './running.ts'

const CONTINUATION = 0
const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PING = 9

let running: Running

afterEach(() => finish(running))

function begin(...parameters: Parameters<typeof start>): Running {
  running = start(...parameters)
  return running
}

/** A compressed message, as the server sends it. */
function deflated(message: string | Uint8Array): Buffer {
  return frame(typeof message === 'string' ? TEXT : BINARY, compressed(message), { rsv1: true })
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await setImmediate()
}

function readerOf(message: MessageStream | undefined) {
  return (message!.stream as ReadableStream<string | Uint8Array>).getReader()
}

async function contentOf(message: MessageStream | undefined): Promise<string> {
  const parts: (string | Uint8Array)[] = []
  for await (const part of message!.stream as ReadableStream<string | Uint8Array>) parts.push(part)
  return parts.map((part) => Buffer.from(part as string).toString()).join('')
}

describe('a message as a stream', () => {
  test('is given when it begins, and read while it comes', async () => {
    const { driver, receive } = begin()
    const next = driver.inbox.receiveStream()
    receive(frame(TEXT, 'one ', { fin: false }))
    const message = await next
    expect(message?.type).toBe('text')
    const reader = readerOf(message)
    expect(await reader.read()).toEqual({ done: false, value: 'one ' })
    const waiting = reader.read()
    expect(await isPending(waiting)).toBe(true)
    receive(frame(CONTINUATION, 'two'))
    expect(await waiting).toEqual({ done: false, value: 'two' })
    expect(await reader.read()).toMatchObject({ done: true })
    receive(frame(BINARY, 'x'))
    expect(await driver.inbox.receive()).toEqual(Uint8Array.of(120))
  })

  test('is given in the middle, with what has come', async () => {
    const { driver, receive } = begin()
    receive(frame(TEXT, 'a', { fin: false }), frame(CONTINUATION, 'b', { fin: false }))
    const message = await driver.inbox.receiveStream()
    const reader = readerOf(message)
    expect(await reader.read()).toMatchObject({ value: 'ab' })
    receive(frame(CONTINUATION, 'c'))
    expect(await reader.read()).toMatchObject({ value: 'c' })
  })

  test('is given of one that is there as a whole', async () => {
    const { driver, receive } = begin()
    receive(frame(TEXT, 'a'), frame(BINARY, 'b'))
    expect(await contentOf(await driver.inbox.receiveStream())).toBe('a')
    expect((await driver.inbox.receiveStream())?.type).toBe('binary')
  })

  test('holds the server back when it is not read, and goes on when it is', async () => {
    const { stream, driver, receive } = begin()
    const next = driver.inbox.receiveStream()
    receive(frame(BINARY, new Uint8Array(HIGH_WATER_MARK / 2), { fin: false }))
    const reader = readerOf(await next)
    expect(stream.calls).toEqual([])
    receive(frame(CONTINUATION, new Uint8Array(HIGH_WATER_MARK / 2), { fin: false }))
    expect(stream.calls).toEqual(['pause'])
    // What had been read already still comes.
    receive(frame(CONTINUATION, 'the rest'), frame(TEXT, 'next'))
    await settle()
    expect(stream.calls).toEqual(['pause'])
    const { value } = await reader.read()
    await settle()
    expect(stream.calls).toEqual(['pause', 'resume'])
    expect(
      Buffer.from(value as Uint8Array)
        .subarray(HIGH_WATER_MARK)
        .toString(),
    ).toBe('the rest')
    expect(await reader.read()).toMatchObject({ done: true })
    expect(await driver.inbox.receive()).toBe('next')
  })

  test('has to be read to its end, or cancelled, before the next message', async () => {
    const { driver, receive } = begin()
    const next = driver.inbox.receiveStream()
    receive(frame(TEXT, 'a', { fin: false }))
    const reader = readerOf(await next)
    for (const call of ['receive', 'receiveAll', 'receiveStream'] as const) {
      expect(await rejection(driver.inbox[call]())).toBeInstanceOf(InvalidStateError)
    }
    receive(frame(CONTINUATION, 'b'), frame(TEXT, 'next'))
    expect(await reader.read()).toMatchObject({ value: 'ab' })
    expect(await rejection(driver.inbox.receive())).toBeInstanceOf(InvalidStateError)
    await reader.read()
    expect(await driver.inbox.receive()).toBe('next')
  })

  test('that is cancelled is dropped, also what is still to come of it', async () => {
    const { stream, driver, receive } = begin()
    const next = driver.inbox.receiveStream()
    receive(frame(BINARY, new Uint8Array(2 * HIGH_WATER_MARK), { fin: false }))
    expect(stream.calls).toEqual(['pause'])
    await (await next)!.stream.cancel()
    await settle()
    expect(stream.calls).toEqual(['pause', 'resume'])
    const received = driver.inbox.receive()
    receive(frame(CONTINUATION, new Uint8Array(5 * HIGH_WATER_MARK), { fin: false }))
    expect(stream.calls).toEqual(['pause', 'resume'])
    expect(await isPending(received)).toBe(true)
    receive(frame(CONTINUATION, 'end'), frame(TEXT, 'next'))
    expect(await received).toBe('next')
  })

  test('may be larger than a message may be, and of more fragments', async () => {
    const { driver, receive } = begin({ maxMessageSize: 10, maxFragments: 2 })
    const next = driver.inbox.receiveStream()
    for (let i = 0; i < 10; i++) receive(frame(i === 0 ? TEXT : CONTINUATION, `${i}`.repeat(20), { fin: i === 9 }))
    expect(await contentOf(await next)).toHaveLength(200)
    expect(driver.state).toBe('open')
  })

  test.each([
    ['a Close frame', () => frame(CLOSE, closePayload(1000)), ConnectionClosedError],
    ['a broken rule', () => frame(TEXT, 'within'), ProtocolError],
  ])('fails over %s in its middle, after what had come', async (_, bytes, type) => {
    const { driver, receive } = begin()
    const next = driver.inbox.receiveStream()
    receive(frame(TEXT, 'a', { fin: false }))
    const reader = readerOf(await next)
    receive(bytes())
    expect(await reader.read()).toMatchObject({ value: 'a' })
    expect(await rejection(reader.read())).toBeInstanceOf(type)
  })

  test.each(['onEnd', 'onClosed'] as const)('fails when the connection is lost in its middle (%s)', async (how) => {
    const { stream, driver, receive } = begin()
    const next = driver.inbox.receiveStream()
    receive(frame(TEXT, 'a', { fin: false }))
    const reader = readerOf(await next)
    if (how === 'onEnd') stream.sink.onEnd()
    else stream.sink.onClosed(new Error('ECONNRESET'))
    expect(await reader.read()).toMatchObject({ value: 'a' })
    expect(await rejection(reader.read())).toMatchObject({ closeStatus: 1006, wasClean: false })
  })

  test('fails with the reason of an abort', async () => {
    const { driver, receive } = begin()
    const next = driver.inbox.receiveStream()
    receive(frame(TEXT, 'a', { fin: false }))
    const reader = readerOf(await next)
    await reader.read()
    const waiting = rejection(reader.read())
    driver.abort('the reason')
    expect(await waiting).toBe('the reason')
  })

  test('compressed text comes piece by piece, and is held while it is not read', async () => {
    const { stream, driver, receive } = begin({ highWaterMark: 100_000 }, 0)
    const text = 'ü€😀 and so on '.repeat(50_000)
    const next = driver.inbox.receiveStream()
    receive(deflated(text), frame(TEXT, 'next'))
    const message = await next
    await settle()
    expect(stream.calls).toEqual(['pause'])
    expect(await contentOf(message)).toBe(text)
    expect(await driver.inbox.receive()).toBe('next')
    expect(stream.calls.filter((call) => call === 'resume').length).toBe(
      stream.calls.filter((call) => call === 'pause').length,
    )
  })
})

describe('a message that is too big', () => {
  const big = frame(BINARY, new Uint8Array(50))

  test.each([
    ['as it is', big, undefined],
    ['compressed', deflated(new Uint8Array(50)), 0],
  ])('and that nobody waits for is held until somebody does: %s', async (_, bytes, threshold) => {
    const { stream, driver, receive } = begin({ maxMessageSize: 20 }, threshold)
    receive(frame(TEXT, 'before'), bytes, frame(TEXT, 'after'))
    expect(stream.calls).toEqual(['pause'])
    expect(await driver.inbox.receive()).toBe('before')
    await settle()
    expect(driver.state).toBe('open')
    expect(await rejection(driver.inbox.receive())).toBeInstanceOf(MessageTooBigError)
    expect(driver.state).toBe('aborted')
    stream.endTurn()
    expect(parseFrames(stream.taken())[0]!.payload.readUInt16BE()).toBe(1009)
  })

  test.each([
    ['as it is', big, undefined],
    ['compressed', deflated(new Uint8Array(50)), 0],
  ])('is given as a stream to whoever asks for that: %s', async (_, bytes, threshold) => {
    const { stream, driver, receive } = begin({ maxMessageSize: 20 }, threshold)
    receive(bytes, frame(TEXT, 'after'))
    expect(await contentOf(await driver.inbox.receiveStream())).toHaveLength(50)
    expect(await driver.inbox.receive()).toBe('after')
    expect(stream.calls).toEqual(['pause', 'resume'])
  })

  test('fails the connection when that is being closed', async () => {
    const { driver, receive } = begin({ maxMessageSize: 20 })
    receive(big)
    void driver.close(1000, '')
    await settle()
    expect(driver.state).toBe('aborted')
    expect(await rejection(driver.inbox.receive())).toBeInstanceOf(MessageTooBigError)
  })
})

describe('bytes that are held', () => {
  /** As much as is taken in before somebody reads, and a little more that is held. */
  async function holding(...behind: readonly Buffer[]): Promise<Running> {
    begin({}, 0)
    running.receive(deflated('x'.repeat(HIGH_WATER_MARK)), deflated('held'), ...behind)
    await settle()
    expect(running.stream.calls).toEqual(['pause'])
    expect(running.driver.inbox.size).toBeLessThan(2 * HIGH_WATER_MARK)
    return running
  }

  test('come when there is room, and reading goes on', async () => {
    const { stream, driver, receive } = await holding(frame(PING, 'p'))
    expect(stream.writes).toEqual([])
    expect(await driver.inbox.receive()).toHaveLength(HIGH_WATER_MARK)
    expect(await driver.inbox.receive()).toBe('held')
    await settle()
    expect(stream.calls).toEqual(['pause', 'resume'])
    stream.endTurn()
    expect(parseFrames(stream.taken())[0]!.firstByte).toBe(0x8a)
    receive(frame(TEXT, 'more'))
    expect(await driver.inbox.receive()).toBe('more')
  })

  test('before the end of the connection: it is told when they have been read', async () => {
    const { stream, driver } = await holding()
    stream.sink.onEnd()
    expect(driver.state).toBe('open')
    expect(await driver.inbox.receive()).toHaveLength(HIGH_WATER_MARK)
    expect(await driver.inbox.receive()).toBe('held')
    await settle()
    expect(driver.state).toBe('aborted')
    expect(await rejection(driver.inbox.receive())).toMatchObject({ closeStatus: 1006 })
  })

  test('before a Close frame and the end: the connection is closed when they have been read', async () => {
    const { stream, driver } = await holding(frame(CLOSE, closePayload(1000, 'bye')))
    stream.sink.onEnd()
    expect(await driver.inbox.receive()).toHaveLength(HIGH_WATER_MARK)
    expect(await driver.inbox.receive()).toBe('held')
    expect(await driver.inbox.receive()).toBeUndefined()
    expect(driver).toMatchObject({ state: 'closed', closeStatus: 1000, closeReason: 'bye' })
  })

  test('before a Close frame: what follows that is not a message any more', async () => {
    const { driver } = await holding(frame(CLOSE, closePayload(1000, 'bye')), frame(TEXT, 'late'), deflated('later'))
    expect(await driver.inbox.receive()).toHaveLength(HIGH_WATER_MARK)
    expect(await driver.inbox.receive()).toBe('held')
    expect(await driver.inbox.receive()).toBeUndefined()
    expect(driver.closeReason).toBe('bye')
  })

  test.each([undefined, new Error('ECONNRESET')])('are received when the connection is over (%s)', async (error) => {
    const { stream, driver } = await holding()
    stream.sink.onClosed(error)
    expect(driver.state).toBe('aborted')
    expect(await driver.inbox.receive()).toHaveLength(HIGH_WATER_MARK)
    expect(await driver.inbox.receive()).toBe('held')
    expect(await rejection(driver.inbox.receive())).toBeInstanceOf(ConnectionClosedError)
  })

  test('are received when the connection is over, and so is the Close frame behind them', async () => {
    const { stream, driver } = await holding(frame(CLOSE, closePayload(1000, 'bye')))
    stream.sink.onEnd()
    stream.sink.onClosed(undefined)
    expect(await driver.inbox.receiveAll()).toHaveLength(2)
    expect(await driver.inbox.receive()).toBeUndefined()
    expect(driver).toMatchObject({ state: 'closed', closeStatus: 1000, closeReason: 'bye' })
  })

  test('are not inflated without end when the connection is over', async () => {
    const { stream, driver } = await holding(...Array.from({ length: 100 }, () => deflated(new Uint8Array(900_000))))
    stream.sink.onClosed(undefined)
    expect(driver.inbox.size).toBeLessThan(32 * 1024 * 1024)
  })

  test('before a broken rule: it is told when they have been read', async () => {
    const { stream, driver } = await holding(frame(3))
    expect(driver.state).toBe('open')
    expect(await driver.inbox.receive()).toHaveLength(HIGH_WATER_MARK)
    await settle()
    expect(driver.state).toBe('aborted')
    expect(await driver.inbox.receive()).toBe('held')
    expect(await rejection(driver.inbox.receive())).toBeInstanceOf(ProtocolError)
    stream.endTurn()
    expect(parseFrames(stream.taken())[0]!.payload.readUInt16BE()).toBe(1002)
  })

  test('are dropped by an abort', async () => {
    const { driver } = await holding()
    driver.abort('enough')
    await settle()
    expect(await driver.inbox.receive()).toHaveLength(HIGH_WATER_MARK)
    expect(await rejection(driver.inbox.receive())).toBe('enough')
  })
})

describe('close()', () => {
  test('leaves a stream to a slow reader', async () => {
    const { stream, driver, receive } = begin()
    const next = driver.inbox.receiveStream()
    receive(frame(BINARY, new Uint8Array(2 * HIGH_WATER_MARK), { fin: false }))
    void driver.close(1000, '')
    await settle()
    expect(stream.calls).toEqual(['pause'])
    const reader = readerOf(await next)
    expect((await reader.read()).value).toHaveLength(2 * HIGH_WATER_MARK)
    expect(stream.calls).toEqual(['pause', 'resume'])
    receive(frame(CONTINUATION, 'end'), frame(CLOSE, closePayload(1000)))
    expect(Buffer.from((await reader.read()).value as Uint8Array).toString()).toBe('end')
    expect((await reader.read()).done).toBe(true)
    expect(driver.state).toBe('closed')
  })

  test('does not wait longer than closeTimeout for a stream that nobody reads', async () => {
    const { stream, driver, receive } = begin({ closeTimeout: 20 })
    const next = driver.inbox.receiveStream()
    receive(frame(BINARY, new Uint8Array(2 * HIGH_WATER_MARK), { fin: false }))
    void driver.close(1000, '')
    const reader = readerOf(await next)
    expect((await reader.read()).value).toHaveLength(2 * HIGH_WATER_MARK)
    expect(await rejection(reader.read())).toMatchObject({ cause: { code: 'CLOSE_TIMEOUT' } })
    expect(stream.calls).toEqual(['pause', 'resume', 'destroy'])
  })

  test('goes on when a stream is cancelled', async () => {
    const { driver, receive } = begin()
    const next = driver.inbox.receiveStream()
    receive(frame(BINARY, new Uint8Array(2 * HIGH_WATER_MARK), { fin: false }))
    void driver.close(1000, '')
    await (await next)!.stream.cancel()
    receive(frame(CONTINUATION, 'end'), frame(CLOSE, closePayload(1000)))
    expect(driver.state).toBe('closed')
  })

  test('leaves a stream that is read in time', async () => {
    const { driver, receive } = begin()
    const next = driver.inbox.receiveStream()
    receive(frame(TEXT, 'a', { fin: false }))
    void driver.close(1000, '')
    const content = contentOf(await next)
    for (let i = 0; i < 5; i++) {
      receive(frame(CONTINUATION, 'x'.repeat(HIGH_WATER_MARK / 2), { fin: i === 4 }))
      await settle()
    }
    expect(await content).toHaveLength(1 + 5 * (HIGH_WATER_MARK / 2))
    receive(frame(CLOSE, closePayload(1000)))
    expect(driver.state).toBe('closed')
  })

  test('goes on with what is held', async () => {
    const { driver, receive } = begin({}, 0)
    receive(deflated('x'.repeat(HIGH_WATER_MARK)), deflated('held'), frame(CLOSE, closePayload(1000)))
    await settle()
    void driver.close(1000, '')
    await settle()
    expect(driver.state).toBe('closed')
  })
})

describe('the budget of a turn', () => {
  test('others have theirs while a long message is inflated', async () => {
    const { driver, receive } = begin({ maxMessageSize: 100_000_000, highWaterMark: 200_000_000 }, 0)
    const large = driver.inbox.receive()
    receive(deflated(new Uint8Array(50_000_000)))
    let turns = 0
    while (await isPending(large)) {
      await setImmediate()
      turns++
    }
    expect(await large).toHaveLength(50_000_000)
    expect(turns).toBeGreaterThan(20)
  })

  test('a bomb that nobody waits for is inflated no further than there is room', async () => {
    const { stream, driver, receive } = begin({ maxMessageSize: 100_000_000, highWaterMark: 200_000 }, 0)
    receive(deflated(new Uint8Array(50_000_000)))
    await settle()
    expect(stream.calls).toEqual(['pause'])
    expect(driver.isFull).toBe(true)
    const received = driver.inbox.receive()
    expect(await received).toHaveLength(50_000_000)
    await settle()
    expect(stream.calls).toEqual(['pause', 'resume'])
  })
})

test('messages of all kinds come in order, one turn after the other', async () => {
  const { driver, receive } = begin({ highWaterMark: 10_000_000 }, 0)
  const expected = Array.from({ length: 100 }, (_, i) => Buffer.from(prose(20_000, i)).toString())
  receive(...expected.map((text, i) => (i % 3 === 0 ? deflated(text) : frame(TEXT, text))))
  for (const text of expected) expect(await driver.inbox.receive()).toBe(text)
})
