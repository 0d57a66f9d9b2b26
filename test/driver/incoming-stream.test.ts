import { describe, expect, test, vi } from 'vitest'
import { IncomingStream } from '../../src/driver/incoming-stream.ts'
import { rejection } from '../support/servers.ts'
import { isPending } from './running.ts'

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function create(isText = true, highWaterMark = 1000) {
  const onChange = vi.fn()
  const incoming = new IncomingStream(isText, highWaterMark, onChange)
  const reader = (incoming.message.stream as ReadableStream<string | Uint8Array>).getReader()
  const write = (bytes: Uint8Array) => incoming.write(bytes, 0, bytes.length)
  return { incoming, reader, onChange, write }
}

async function readAll(stream: ReadableStream<unknown>): Promise<unknown[]> {
  const parts: unknown[] = []
  for await (const part of stream) parts.push(part)
  return parts
}

test('text comes as strings, binary as bytes of its own', async () => {
  const text = new IncomingStream(true, 1000, () => {})
  const binary = new IncomingStream(false, 1000, () => {})
  expect([text.message.type, binary.message.type]).toEqual(['text', 'binary'])
  const memory = utf8('xHellox')
  for (const each of [text, binary]) {
    each.write(memory, 1, 3)
    each.write(memory, 3, 6)
    each.end()
  }
  memory.fill(0)
  expect(await readAll(text.message.stream)).toEqual(['Hello'])
  expect(await readAll(binary.message.stream)).toEqual([utf8('Hello')])
})

test('no character is cut, and a byte order mark is part of the text', async () => {
  const incoming = new IncomingStream(true, 1000, () => {})
  const parts = readAll(incoming.message.stream)
  for (const byte of utf8('\ufeffü€\u{1f600}')) {
    incoming.write(Uint8Array.of(byte), 0, 1)
    await new Promise((resolve) => setImmediate(resolve))
  }
  incoming.end()
  expect(await parts).toEqual(['\ufeff', 'ü', '€', '\u{1f600}'])
})

test('a character that is not complete is not what the reader waits for', async () => {
  const { incoming, reader, write } = create()
  write(utf8('€').subarray(0, 2))
  const read = reader.read()
  await new Promise((resolve) => setImmediate(resolve))
  expect(await isPending(read)).toBe(true)
  incoming.fail('lost')
  expect(await rejection(read)).toBe('lost')
})

test('the reader waits for what is still to come, and for the end', async () => {
  const { incoming, reader, write } = create()
  const first = reader.read()
  expect(await isPending(first)).toBe(true)
  write(utf8('a'))
  expect(await first).toEqual({ done: false, value: 'a' })
  const second = reader.read()
  incoming.write(utf8(''), 0, 0)
  expect(await isPending(second)).toBe(true)
  incoming.end()
  expect(await second).toEqual({ done: true, value: undefined })
  expect(incoming.isOver).toBe(true)
})

test('an empty message is a stream that ends at once', async () => {
  const { incoming, reader } = create(false)
  incoming.end()
  expect(await reader.read()).toEqual({ done: true, value: undefined })
})

describe('of what is not read', () => {
  test('it is full when it is as much as it may be, and tells when it is not any more', async () => {
    const { incoming, reader, onChange, write } = create(false, 1000)
    write(new Uint8Array(500))
    expect(incoming.isFull).toBe(false)
    write(new Uint8Array(500))
    expect(incoming.isFull).toBe(true)
    expect(onChange).not.toHaveBeenCalled()
    await reader.read()
    expect(incoming.isFull).toBe(false)
    expect(onChange).toHaveBeenCalledTimes(1)
    write(new Uint8Array(500))
    await reader.read()
    expect(onChange).toHaveBeenCalledTimes(1)
    incoming.end()
    await reader.read()
    // Now the next message may come.
    expect(onChange).toHaveBeenCalledTimes(2)
  })

  test('nothing is taken out before somebody reads', async () => {
    const { incoming, write } = create(false, 1000)
    write(new Uint8Array(1000))
    await new Promise((resolve) => setImmediate(resolve))
    expect(incoming.isFull).toBe(true)
  })

  test('a message that was there as a whole is never too much', async () => {
    const onChange = vi.fn()
    const incoming = IncomingStream.of('x'.repeat(100_000), onChange)
    expect(incoming.isFull).toBe(false)
    expect(incoming.message.type).toBe('text')
    expect(await readAll(incoming.message.stream)).toEqual(['x'.repeat(100_000)])
    expect(IncomingStream.of(new Uint8Array(3), onChange).message.type).toBe('binary')
    expect(await readAll(IncomingStream.of('', onChange).message.stream)).toEqual([])
  })
})

describe('a reader with memory of its own', () => {
  function createByob(highWaterMark = 1000) {
    const onChange = vi.fn()
    const incoming = new IncomingStream(false, highWaterMark, onChange)
    const reader = (incoming.message.stream as ReadableStream<Uint8Array>).getReader({ mode: 'byob' })
    const write = (text: string) => incoming.write(utf8(`<${text}>`), 1, 1 + text.length)
    const read = async (size: number) => {
      const { done, value } = await reader.read(new Uint8Array(size))
      return `${Buffer.from(value ?? [])}${done ? '.' : ''}`
    }
    return { incoming, onChange, reader, write, read }
  }

  test('is given what is there, as much as it has room for, and the rest later', async () => {
    const { incoming, onChange, write, read } = createByob(4)
    write('abcdef')
    write('gh')
    expect(incoming.isFull).toBe(true)
    expect(await read(3)).toBe('abc')
    expect(onChange).not.toHaveBeenCalled()
    expect(await read(3)).toBe('def')
    expect(onChange).toHaveBeenCalledTimes(1)
    expect(await read(4)).toBe('gh')
    incoming.end()
    expect(await read(4)).toBe('.')
    expect(incoming.isOver).toBe(true)
  })

  test('that waits is given what comes, and nothing of it is kept', async () => {
    const { incoming, write, read } = createByob(1)
    const first = read(10)
    await undefined
    write('abc')
    expect(incoming.isFull).toBe(false)
    expect(await first).toBe('abc')
    const second = read(2)
    await undefined
    write('defg')
    write('hi')
    expect(incoming.isFull).toBe(true)
    expect(await second).toBe('de')
    expect(await read(10)).toBe('fghi')
    expect(incoming.isFull).toBe(false)
  })

  test('that waits several times is given one thing after the other', async () => {
    const { incoming, write, read } = createByob()
    const all = [read(3), read(3), read(3), read(3)]
    await undefined
    write('abcde')
    write('f')
    incoming.end()
    expect(await Promise.all(all)).toEqual(['abc', 'def', '.', '.'])
  })

  test('that waits learns of the end, of a failure, and of its own end', async () => {
    const ended = createByob()
    const waiting = ended.read(3)
    await undefined
    ended.incoming.end()
    expect(await waiting).toBe('.')
    const failed = createByob()
    const failing = rejection(failed.read(3))
    await undefined
    failed.incoming.fail('lost')
    expect(await failing).toBe('lost')
    const cancelled = createByob()
    const cancelling = cancelled.read(3)
    await undefined
    await cancelled.reader.cancel()
    expect(await cancelling).toBe('.')
    cancelled.write('abc')
    expect(cancelled.incoming.isOver).toBe(true)
  })

  test('may read a message that was there as a whole', async () => {
    const { message } = IncomingStream.of(utf8('abcdef'), () => {})
    const reader = (message.stream as ReadableStream<Uint8Array>).getReader({ mode: 'byob' })
    const { value } = await reader.read(new Uint8Array(4))
    expect(Buffer.from(value!).toString()).toBe('abcd')
    expect(Buffer.from((await reader.read(new Uint8Array(4))).value!).toString()).toBe('ef')
    expect(await reader.read(new Uint8Array(4))).toMatchObject({ done: true })
  })
})

describe('a failure', () => {
  const reason = new Error('lost')

  test('comes after what had come, and is the reason itself', async () => {
    const { incoming, reader, onChange, write } = create()
    write(utf8('a'))
    write(utf8('b'))
    incoming.fail(reason)
    write(utf8('c'))
    incoming.fail(new Error('later'))
    expect(await reader.read()).toMatchObject({ value: 'ab' })
    expect(incoming.isOver).toBe(false)
    expect(await rejection(reader.read())).toBe(reason)
    expect(incoming.isOver).toBe(true)
    expect(onChange).toHaveBeenCalledTimes(1)
  })

  test('wakes the one who waits', async () => {
    const { incoming, reader } = create()
    const read = reader.read()
    await undefined
    incoming.fail(reason)
    expect(await rejection(read)).toBe(reason)
  })

  test('is none of a message that is complete', async () => {
    const { incoming, reader, write } = create()
    write(utf8('a'))
    incoming.end()
    incoming.fail(reason)
    expect(await reader.read()).toMatchObject({ value: 'a' })
    expect(await reader.read()).toMatchObject({ done: true })
  })

  test('leaves it not full: nobody waits for room any more', () => {
    const { incoming, write } = create(false, 100)
    write(new Uint8Array(100))
    incoming.fail(reason)
    expect(incoming.isFull).toBe(false)
  })
})

describe('one that is cancelled', () => {
  test('is over at once, and drops what it has and what comes', async () => {
    const { incoming, reader, onChange, write } = create(false, 100)
    write(new Uint8Array(100))
    await reader.cancel()
    expect(incoming).toMatchObject({ isOver: true, isFull: false })
    expect(onChange).toHaveBeenCalledTimes(1)
    write(new Uint8Array(1000))
    expect(incoming.isFull).toBe(false)
    incoming.end()
    incoming.fail(new Error('lost'))
    expect(await reader.read()).toMatchObject({ done: true })
  })

  test('while somebody waits ends the wait', async () => {
    const { incoming, reader } = create()
    const read = reader.read()
    await reader.cancel('enough')
    expect(await read).toMatchObject({ done: true })
    expect(incoming.isOver).toBe(true)
    incoming.end()
  })
})
