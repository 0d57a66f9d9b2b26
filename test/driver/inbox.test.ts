import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test, vi } from 'vitest'
import { Inbox } from '../../src/driver/inbox.ts'
import type { MessageStream } from '../../src/driver/incoming-stream.ts'
import { InvalidStateError } from '../../src/errors.ts'

function filled(...messages: string[]): Inbox {
  const inbox = new Inbox({ state: 'open', onTaken: () => {} }, 1000)
  for (const message of messages) inbox.push(message)
  inbox.deliver()
  return inbox
}

test('messages are taken in order, one at a time or all together', async () => {
  const inbox = filled('a', 'b', 'c', 'd')
  expect(await inbox.receive()).toBe('a')
  expect(await inbox.receive()).toBe('b')
  expect(await inbox.receiveAll()).toEqual(['c', 'd'])
  inbox.push('e')
  expect(await inbox.receiveAll()).toEqual(['e'])
})

test('what is there can be had at once, if nobody else waits for it', async () => {
  let taken = 0
  const inbox = new Inbox({ state: 'open', onTaken: () => taken++ }, 1000)
  expect(inbox.poll()).toBeUndefined()
  for (const message of ['', 'b']) inbox.push(message)
  expect(inbox.poll()).toBe('')
  expect(taken).toBe(1)
  expect(await inbox.receive()).toBe('b')
  const waiting = inbox.receive()
  inbox.push('c')
  expect(inbox.poll()).toBeUndefined()
  inbox.deliver()
  expect(await waiting).toBe('c')
  expect(inbox.poll()).toBeUndefined()
})

test('the one who waits gets what comes: one message, or all that came together', async () => {
  const inbox = filled()
  const one = inbox.receive()
  expect(inbox.isAwaited).toBe(true)
  inbox.push('a')
  inbox.push('b')
  inbox.deliver()
  expect(inbox.isAwaited).toBe(false)
  expect(await one).toBe('a')
  expect(await inbox.receive()).toBe('b')
  const all = inbox.receiveAll()
  inbox.push('c')
  inbox.push('d')
  inbox.deliver()
  expect(await all).toEqual(['c', 'd'])
})

test('only one may wait', async () => {
  const inbox = filled()
  const first = inbox.receive()
  await expect(inbox.receive()).rejects.toMatchObject({ code: 'INVALID_STATE', state: 'open' })
  await expect(inbox.receiveAll()).rejects.toBeInstanceOf(InvalidStateError)
  inbox.end()
  expect(await first).toBeUndefined()
})

test('size tells what is there, and empty messages are not free', async () => {
  const inbox = filled('', '')
  expect(inbox.size).toBeGreaterThan(0)
  const two = inbox.size
  await inbox.receive()
  expect(inbox.size).toBe(two / 2)
  inbox.push('x'.repeat(1000))
  expect(inbox.size).toBeGreaterThan(1000)
  await inbox.receiveAll()
  expect(inbox.size).toBe(0)
})

test('it tells when something is taken, and when somebody begins to wait', async () => {
  const onTaken = vi.fn()
  const inbox = new Inbox({ state: 'open', onTaken }, 1000)
  inbox.push('a')
  inbox.deliver()
  expect(onTaken).not.toHaveBeenCalled()
  await inbox.receive()
  expect(onTaken).toHaveBeenCalledTimes(1)
  void inbox.receive()
  expect(onTaken).toHaveBeenCalledTimes(2)
})

test('after the end, what is there can be taken; then there is nothing', async () => {
  const inbox = filled('a')
  inbox.end()
  inbox.push('too late')
  inbox.end(new Error('too late'))
  expect(await inbox.receive()).toBe('a')
  expect(await inbox.receive()).toBeUndefined()
  expect(await inbox.receiveAll()).toBeUndefined()
})

test('an end with an error comes after the messages, and as often as it is asked for', async () => {
  const reason = new Error('lost')
  const inbox = filled('a')
  inbox.end(reason)
  expect(await inbox.receive()).toBe('a')
  await expect(inbox.receive()).rejects.toBe(reason)
  await expect(inbox.receiveAll()).rejects.toBe(reason)
})

test('the end wakes the one who waits, who gets what was not delivered yet', async () => {
  const empty = filled()
  const nothing = empty.receive()
  empty.end()
  expect(await nothing).toBeUndefined()
  const failed = filled()
  const failure = failed.receiveAll()
  failed.end('reason')
  await expect(failure).rejects.toBe('reason')
  const late = filled()
  const message = late.receive()
  late.push('a')
  late.end('reason')
  expect(await message).toBe('a')
})

test('a receive that is cancelled takes nothing, and lets its signal go', async () => {
  const inbox = filled()
  const controller = new AbortController()
  const listeners = vi.spyOn(controller.signal, 'removeEventListener')
  const withdrawn = inbox.receive(controller.signal)
  controller.abort('reason')
  await expect(withdrawn).rejects.toBe('reason')
  expect(inbox.isAwaited).toBe(false)
  inbox.push('a')
  inbox.deliver()
  await expect(inbox.receive(controller.signal)).rejects.toBe('reason')
  expect(await inbox.receive()).toBe('a')
  expect(listeners).toHaveBeenCalledTimes(1)
})

test('whoever withdraws is told that there is nothing, and the next one gets the message', async () => {
  for (const wait of ['receive', 'receiveAll'] as const) {
    const inbox = filled()
    const withdrawn = inbox[wait]()
    inbox.withdraw(Promise.resolve())
    expect(inbox.isAwaited).toBe(true)
    inbox.withdraw(withdrawn)
    expect(await withdrawn).toBeUndefined()
    expect(inbox.isAwaited).toBe(false)
    const next = inbox.receive()
    inbox.push('a')
    inbox.deliver()
    expect(await next).toBe('a')
    inbox.withdraw(withdrawn)
    inbox.push('b')
    expect(await inbox.receive()).toBe('b')
  }
})

test('a signal that comes after the message changes nothing', async () => {
  const inbox = filled()
  const controller = new AbortController()
  const received = inbox.receive(controller.signal)
  inbox.push('a')
  inbox.deliver()
  controller.abort()
  expect(await received).toBe('a')
  void inbox.receive()
  expect(inbox.isAwaited).toBe(true)
})

describe('a message as a stream', () => {
  async function contentOf(message: MessageStream | undefined): Promise<string> {
    let content = ''
    for await (const part of message!.stream as ReadableStream<string>) content += part
    return content
  }

  const utf8 = (text: string) => new TextEncoder().encode(text)

  test('is one that is there, or one that comes', async () => {
    const inbox = filled('a')
    expect(await contentOf(await inbox.receiveStream())).toBe('a')
    const next = inbox.receiveStream()
    inbox.push('b')
    inbox.deliver()
    expect(await contentOf(await next)).toBe('b')
  })

  test('is given when it begins, to the one who waits for that, and to nobody else', async () => {
    const inbox = filled()
    expect(inbox.takeStream(true)).toBeUndefined()
    const message = inbox.receive()
    expect(inbox).toMatchObject({ isAwaited: true, wantsMessage: true })
    expect(inbox.takeStream(true)).toBeUndefined()
    inbox.push('a')
    // The one who waits gets that one.
    expect(inbox.wantsMessage).toBe(false)
    inbox.deliver()
    await message
    const next = inbox.receiveStream()
    expect(inbox).toMatchObject({ isAwaited: true, wantsMessage: false })
    const incoming = inbox.takeStream(true)!
    expect(inbox.isAwaited).toBe(false)
    expect(inbox.takeStream(true)).toBeUndefined()
    incoming.write(utf8('piece by piece'), 0, 14)
    incoming.end()
    expect(await contentOf(await next)).toBe('piece by piece')
  })

  test('does not begin while one before it was not given', () => {
    const inbox = filled()
    void inbox.receiveStream()
    inbox.push('a')
    expect(inbox.takeStream(true)).toBeUndefined()
  })

  test('keeps others waiting, whatever has ended, until it is read or cancelled', async () => {
    const inbox = filled()
    const next = inbox.receiveStream()
    const incoming = inbox.takeStream(false)!
    incoming.write(new Uint8Array(1000), 0, 1000)
    expect(inbox.isStreamFull).toBe(true)
    inbox.push('b')
    await expect(inbox.receive()).rejects.toBeInstanceOf(InvalidStateError)
    incoming.end()
    inbox.end()
    await expect(inbox.receiveAll()).rejects.toBeInstanceOf(InvalidStateError)
    await (await next)!.stream.cancel()
    expect(inbox.isStreamFull).toBe(false)
    expect(await inbox.receive()).toBe('b')
    expect(await inbox.receiveStream()).toBeUndefined()
  })

  test('fails if it will not be complete, and not if it is', async () => {
    const inbox = filled()
    inbox.failStream('nothing to fail')
    const next = inbox.receiveStream()
    inbox.takeStream(true)
    inbox.failStream('lost')
    await expect(contentOf(await next)).rejects.toBe('lost')
    const again = inbox.receiveStream()
    inbox.takeStream(true)!.end()
    inbox.failStream('lost')
    expect(await contentOf(await again)).toBe('')
  })

  test('is not begun for one who has cancelled, and ends with the inbox', async () => {
    const inbox = filled()
    const controller = new AbortController()
    const cancelled = inbox.receiveStream(controller.signal)
    controller.abort('reason')
    await expect(cancelled).rejects.toBe('reason')
    expect(inbox.takeStream(true)).toBeUndefined()
    const ended = inbox.receiveStream()
    inbox.end()
    expect(await ended).toBeUndefined()
    const failed = filled()
    const failure = failed.receiveStream()
    failed.end('lost')
    await expect(failure).rejects.toBe('lost')
  })

  test('tells when there is room in it again, and when it is over', async () => {
    const onTaken = vi.fn()
    const inbox = new Inbox({ state: 'open', onTaken }, 1000)
    const next = inbox.receiveStream()
    const incoming = inbox.takeStream(false)!
    const reader = (await next)!.stream.getReader()
    const before = onTaken.mock.calls.length
    incoming.write(new Uint8Array(1000), 0, 1000)
    await reader.read()
    expect(onTaken).toHaveBeenCalledTimes(before + 1)
    incoming.end()
    await reader.read()
    expect(onTaken).toHaveBeenCalledTimes(before + 2)
  })
})

test('a reader that is never quite up to date holds no more than what is unread', async () => {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const inbox = filled('always one left')
  const used = () => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const before = used()
  for (let i = 0; i < 1_000_000; i++) {
    inbox.push('x')
    void inbox.receive()
    // Promises are freed only between turns.
    if (i % 100_000 === 0) await undefined
  }
  expect(used() - before).toBeLessThan(4 * 1024 * 1024)
  expect(await inbox.receive()).toBe('x')
})
