import { describe, expect, test } from 'vitest'
import { Context, type Direction } from '../../src/deflate/context.ts'
import { StreamPool } from '../../src/deflate/stream-pool.ts'
import type { CreateRawStream, RawStream } from '../../src/deflate/zlib.ts'

interface Made {
  readonly stream: RawStream
  readonly windowBits: number
  readonly history: readonly number[]
  readonly calls: string[]
}

/** Makes nothing but notes. */
function factory() {
  const made: Made[] = []
  const create: CreateRawStream = (windowBits, history = new Uint8Array(0)) => {
    const calls: string[] = []
    const stream = { reset: () => calls.push('reset'), close: () => calls.push('close') } as unknown as RawStream
    made.push({ stream, windowBits, history: [...history], calls })
    return stream
  }
  return { made, create }
}

function contexts(count: number, limit: number, direction: Direction) {
  const { made, create } = factory()
  const pool = new StreamPool(limit)
  return { made, pool, all: Array.from({ length: count }, () => new Context(pool, create, direction)) }
}

/** A message of one byte. */
function pass(context: Context, byte: number): RawStream {
  const { stream } = context
  context.remember(Uint8Array.of(byte), 0, 1)
  context.endMessage()
  return stream
}

test('nothing is made before it is needed', () => {
  const { made } = contexts(3, 10, { windowBits: 15, takeover: true })
  expect(made).toEqual([])
})

test('a window of 8 bits is one of 9, as zlib knows no smaller one', () => {
  const { made, all } = contexts(1, 10, { windowBits: 8, takeover: true })
  pass(all[0]!, 1)
  expect(made[0]!.windowBits).toBe(9)
})

describe('with context takeover', () => {
  const direction = { windowBits: 10, takeover: true }

  test('the stream goes on from message to message', () => {
    const { made, all } = contexts(1, 10, direction)
    const first = pass(all[0]!, 1)
    expect(pass(all[0]!, 2)).toBe(first)
    expect(made[0]!.calls).toEqual([])
  })

  test('one that has given its stream up makes another, which begins with all that has passed', () => {
    const { made, all } = contexts(2, 1, direction)
    pass(all[0]!, 1)
    pass(all[0]!, 2)
    pass(all[1]!, 9)
    expect(made[0]!.calls).toEqual(['close'])
    pass(all[0]!, 3)
    expect(made.map(({ history }) => history)).toEqual([[], [], [1, 2]])
    expect(made[1]!.calls).toEqual(['close'])
  })

  test('in the middle of a message it keeps its stream', () => {
    const { made, all } = contexts(2, 1, direction)
    const { stream } = all[0]!
    pass(all[1]!, 9)
    expect(all[0]!.stream).toBe(stream)
    expect(made[0]!.calls).toEqual([])
    all[0]!.endMessage()
    expect(all[0]!.isBusy).toBe(false)
  })

  test('it gives its stream up after a message when there are too many by then', () => {
    const { made, all } = contexts(3, 1, direction)
    for (const context of all) void context.stream
    for (const context of all) context.endMessage()
    expect(made.map(({ calls }) => calls)).toEqual([['close'], ['close'], []])
  })
})

describe('without context takeover', () => {
  const direction = { windowBits: 10, takeover: false }

  test('one stream serves all, message by message, and no message knows of another', () => {
    const { made, all } = contexts(3, 10, direction)
    const streams = all.map((context, byte) => pass(context, byte))
    expect(new Set(streams).size).toBe(1)
    expect(made).toHaveLength(1)
    expect(made[0]!.calls).toEqual(['reset', 'reset', 'reset'])
  })

  test('messages that come at the same time have a stream each', () => {
    const { all } = contexts(2, 10, direction)
    expect(all[0]!.stream).not.toBe(all[1]!.stream)
  })

  test('a stream that was begun with a history is of no use to others', () => {
    const { made, all } = contexts(1, 10, direction)
    const context = all[0]!
    context.remember(Uint8Array.of(1, 2), 0, context.stream ? 2 : 0)
    context.renew()
    context.endMessage()
    expect(made.map(({ history }) => history)).toEqual([[], [1, 2]])
    expect(made.map(({ calls }) => calls)).toEqual([['close'], ['close']])
    pass(context, 3)
    expect(made[2]!.history).toEqual([])
  })

  test('it holds no place in the pool between messages', () => {
    const { made, all } = contexts(3, 1, direction)
    const open = all.map((context) => context.stream)
    for (const context of all) context.endMessage()
    expect(new Set(open).size).toBe(3)
    expect(made.flatMap(({ calls }) => calls)).toEqual(['reset', 'reset', 'reset'])
  })
})

test('a message that needed no stream ends without one', () => {
  for (const takeover of [true, false]) {
    const { made, all } = contexts(1, 10, { windowBits: 15, takeover })
    all[0]!.endMessage()
    expect(made).toEqual([])
  }
})

test('the end of a connection closes its stream and frees its place, once', () => {
  const { made, all } = contexts(2, 1, { windowBits: 15, takeover: true })
  pass(all[0]!, 1)
  all[0]!.close()
  all[0]!.close()
  pass(all[1]!, 1)
  expect(made.map(({ calls }) => calls)).toEqual([['close'], []])
})
