import { describe, expect, test } from 'vitest'
import { OutgoingStream } from '../../src/driver/outgoing-stream.ts'
import { OptionsError } from '../../src/errors.ts'
import { rejection } from '../support/servers.ts'
import { isPending } from './running.ts'

function create(type: 'text' | 'binary' | undefined) {
  const log: string[] = []
  const state = { room: Promise.resolve(), done: false }
  const outgoing = new OutgoingStream(type, {
    write: (piece, isText) => {
      log.push(`${isText ? 'text' : 'binary'} ${Buffer.from(piece)}`)
      return state.room
    },
    end: (isText) => log.push(`end ${isText ? 'text' : 'binary'}`),
    abandon: (reason) => log.push(`abandon ${reason}`),
  })
  const start = () =>
    outgoing.start(() => {
      state.done = true
    })
  return { log, state, outgoing, start, writer: outgoing.stream.getWriter() }
}

test('what is written waits for its turn; then it goes out piece by piece', async () => {
  const { log, state, start, writer } = create('text')
  const first = writer.write('a')
  const second = writer.write('b')
  const closed = writer.close()
  expect(await isPending(first)).toBe(true)
  expect(log).toEqual([])
  start()
  await Promise.all([first, second, closed])
  expect(log).toEqual(['text a', 'text b', 'end text'])
  expect(state.done).toBe(true)
})

test('a piece waits until the one before it has found room', async () => {
  const { log, state, start, writer } = create('binary')
  start()
  const room = Promise.withResolvers<void>()
  state.room = room.promise
  const first = writer.write(Buffer.from('a'))
  const second = writer.write(Buffer.from('b'))
  await new Promise((resolve) => setImmediate(resolve))
  expect(log).toEqual(['binary a'])
  expect(await isPending(first)).toBe(true)
  expect(writer.desiredSize).toBeLessThanOrEqual(0)
  room.resolve()
  await second
  expect(log).toEqual(['binary a', 'binary b'])
  expect(state.done).toBe(false)
})

test.each([
  ['a pair split between two pieces', ['a\ud83d', '\ude00b'], ['a', '😀b']],
  ['a pair in a piece of each half', ['\ud83d', '\ude00'], ['', '😀']],
  ['a pair with nothing between its halves', ['\ud83d', '', '\ude00'], ['', '', '😀']],
  ['a half at the end', ['a\ud83d'], ['a', '\ufffd']],
  ['a half without the other', ['\ud83d', 'a'], ['', '\ufffda']],
  ['two halves that are both first', ['\ud83d', '\ud83d\ude00'], ['', '\ufffd😀']],
  ['a half that is the second', ['a', '\ude00'], ['a', '\ufffd']],
])('%s is encoded as the whole text would be', async (_, pieces, expected) => {
  const { log, start, writer } = create('text')
  start()
  for (const piece of pieces) await writer.write(piece)
  await writer.close()
  expect(log).toEqual([...expected.map((text) => `text ${text}`), 'end text'])
  expect(log.slice(0, -1).map((line) => line.slice(5)).join('')).toBe(Buffer.from(pieces.join('')).toString()) // biome-ignore format: one line
})

describe('the type', () => {
  test.each([
    ['text', 'a', 'end text'],
    ['binary', Buffer.from('a'), 'end binary'],
  ])('is that of the first piece, if none is given: %s', async (type, piece, end) => {
    const { log, start, writer } = create(undefined)
    start()
    await writer.write(piece)
    await writer.close()
    expect(log).toEqual([`${type} a`, end])
  })

  test('of nothing at all is binary', async () => {
    const { log, start, writer } = create(undefined)
    start()
    await writer.close()
    expect(log).toEqual(['end binary'])
  })

  test.each<['text' | 'binary' | undefined, unknown, string]>([
    ['text', Buffer.from('a'), 'strings'],
    ['text', undefined, 'strings'],
    ['binary', 'a', 'Uint8Arrays'],
    ['binary', new ArrayBuffer(3), 'Uint8Arrays'],
    ['binary', [1, 2], 'Uint8Arrays'],
    [undefined, 5, 'Uint8Arrays'],
    [undefined, null, 'Uint8Arrays'],
  ])('%s refuses %o, and the message is given up', async (type, piece, takes) => {
    const { log, state, start, writer } = create(type)
    start()
    const error = await rejection(writer.write(piece as never))
    expect(error).toBeInstanceOf(OptionsError)
    expect(error).toMatchObject({ option: 'piece', message: expect.stringContaining(takes) })
    expect(await rejection(writer.closed)).toBe(error)
    expect(log).toEqual([`abandon ${error}`])
    expect(state.done).toBe(true)
  })

  test('may not change from piece to piece', async () => {
    const { start, writer } = create(undefined)
    start()
    await writer.write('a')
    expect(await rejection(writer.write(Buffer.from('b')))).toBeInstanceOf(OptionsError)
    await rejection(writer.closed)
  })
})

describe('a half of a character at the end', () => {
  async function closing() {
    const created = create('text')
    created.start()
    await created.writer.write('a\ud83d')
    const room = Promise.withResolvers<void>()
    created.state.room = room.promise
    return { ...created, room, closed: created.writer.close() }
  }

  test('is waited for like any other piece', async () => {
    const { log, state, room, closed } = await closing()
    expect(await isPending(closed)).toBe(true)
    expect(log).toEqual(['text a', 'text \ufffd'])
    room.resolve()
    await closed
    expect(log).toEqual(['text a', 'text \ufffd', 'end text'])
    expect(state.done).toBe(true)
  })

  test('that cannot be sent fails the message, and is no unhandled rejection', async () => {
    const { log, room, closed, writer } = await closing()
    const failed = [rejection(closed), rejection(writer.closed)]
    room.reject('lost')
    expect(await Promise.all(failed)).toEqual(['lost', 'lost'])
    expect(log).toEqual(['text a', 'text \ufffd', 'abandon lost'])
  })

  test('does not end a message that is aborted meanwhile', async () => {
    const { log, room, closed, writer } = await closing()
    const failed = rejection(closed)
    const abort = writer.abort('enough').catch((error: unknown) => error)
    await undefined
    room.resolve()
    expect([await failed, await abort]).toEqual(['enough', 'enough'])
    expect(log).toEqual(['text a', 'text \ufffd', 'abandon enough'])
  })
})

describe('aborting', () => {
  test('before its turn does not wait for it, and when it comes the next one follows', async () => {
    const { log, state, start, writer } = create('text')
    const written = rejection(writer.write('a'))
    await writer.abort('changed my mind')
    expect(await written).toBe('changed my mind')
    expect(log).toEqual(['abandon changed my mind'])
    expect(state.done).toBe(false)
    start()
    expect(state.done).toBe(true)
    expect(log).toHaveLength(1)
  })

  test('in its turn gives it up, once', async () => {
    const { log, state, start, writer } = create('text')
    start()
    await writer.write('a')
    await writer.abort('enough')
    expect(log).toEqual(['text a', 'abandon enough'])
    expect(state.done).toBe(true)
    expect(await rejection(writer.write('b'))).toBe('enough')
    expect(log).toHaveLength(2)
  })

  test('does not wait for room', async () => {
    const { log, state, start, writer } = create('text')
    start()
    state.room = new Promise<void>(() => {})
    void writer.write('a').catch(() => {})
    await new Promise((resolve) => setImmediate(resolve))
    void writer.abort('enough')
    await undefined
    expect(log).toEqual(['text a', 'abandon enough'])
  })

  test('after it was closed changes nothing', async () => {
    const { log, start, writer } = create('text')
    start()
    await writer.close()
    await writer.abort('too late')
    expect(log).toEqual(['end text'])
  })
})

describe('a failure of the connection', () => {
  const reason = new Error('lost')

  test('before its turn fails what was written', async () => {
    const { log, outgoing, writer } = create('text')
    const written = rejection(writer.write('a'))
    outgoing.fail(reason)
    expect(await written).toBe(reason)
    expect(await rejection(writer.closed)).toBe(reason)
    expect(log).toEqual([])
  })

  test('in its turn fails the piece that waits, and all that follow', async () => {
    const { state, outgoing, start, writer } = create('text')
    start()
    const room = Promise.withResolvers<void>()
    state.room = room.promise
    const first = rejection(writer.write('a'))
    const second = rejection(writer.write('b'))
    await new Promise((resolve) => setImmediate(resolve))
    room.reject(reason)
    outgoing.fail(reason)
    expect(await first).toBe(reason)
    expect(await second).toBe(reason)
    expect(await rejection(writer.close())).toBeInstanceOf(TypeError)
  })
})
