import { describe, expect, test } from 'vitest'
import { Flush, type RawStream } from '../../src/deflate/zlib.ts'
import { concat } from '../codec/support.ts'
import { compressed, inflated, noise, prose, STREAMS, stored, TAIL, WINDOWS } from './support.ts'

/** All that comes of an input, with so much room at a time. */
function pump(stream: RawStream, input: Uint8Array, room = 1000): Uint8Array {
  const output = new Uint8Array(room)
  const parts: Uint8Array[] = []
  let from = 0
  do {
    stream.write(Flush.sync, input, from, input.length - from, output, 0, room)
    from += stream.consumed
    parts.push(output.slice(0, stream.produced))
  } while (stream.produced === room)
  expect(from).toBe(input.length)
  return concat(...parts)
}

/** A block of fixed codes (RFC 1951 §3.2.6): three bytes from so far back, and the end of the block. */
function lookBack(distance: number): Uint8Array {
  const bits: number[] = []
  const put = (value: number, count: number) => {
    for (let i = 0; i < count; i++) bits.push((value >> i) & 1)
  }
  const putCode = (code: number, count: number) => {
    for (let i = count - 1; i >= 0; i--) bits.push((code >> i) & 1)
  }
  put(0b010, 3)
  // Length 3 is symbol 257.
  putCode(1, 7)
  const offset = distance - 1
  const extra = Math.max(0, 30 - Math.clz32(offset))
  putCode(2 * extra + (offset >> extra), 5)
  put(offset, extra)
  putCode(0, 7)
  return Uint8Array.from({ length: Math.ceil(bits.length / 8) + 1 }, (_, at) =>
    bits.slice(at * 8, at * 8 + 8).reduce((byte, bit, i) => byte | (bit << i), 0),
  )
}

test('this runtime has zlib, and its streams take a history', () => {
  expect(STREAMS.takesHistory).toBe(true)
})

describe.each(WINDOWS)('with a window of %i bits', (windowBits) => {
  test.each([1, 7, 1000, 100_000])('what is deflated and inflated with room for %i bytes comes back', (room) => {
    const message = prose(room === 1 ? 300 : 50_000)
    const small = pump(STREAMS.deflate(windowBits), message, 100_000)
    expect(small.subarray(-4)).toEqual(TAIL)
    expect(Buffer.compare(inflated([small.subarray(0, -4)], windowBits), message)).toBe(0)
    expect(Buffer.compare(pump(STREAMS.inflate(windowBits), small, room), message)).toBe(0)
  })

  test('no reference goes further back than the window reaches', () => {
    // What repeats lies further apart than the window is wide.
    const once = noise(2 ** windowBits + 10)
    const twice = concat(once, once)
    const small = pump(STREAMS.deflate(windowBits), twice, 200_000)
    expect(small.length).toBeGreaterThan(twice.length)
    expect(Buffer.compare(inflated([small], windowBits), twice)).toBe(0)
  })

  test('a reference to what lies further back than the window is corrupt', () => {
    const once = noise(2 ** windowBits + 10)
    const back = lookBack(once.length)
    const stream = STREAMS.inflate(windowBits)
    expect(pump(stream, concat(stored(once.subarray(0, 500)), stored(once.subarray(500)))).length).toBe(once.length)
    stream.write(Flush.sync, back, 0, back.length, new Uint8Array(1000), 0, 1000)
    expect(stream.failed).toBe(true)
  })
})

test('it tells how much it has taken and given, and writes nowhere else', () => {
  const small = compressed('Hello, hello, hello!')
  const input = concat(Uint8Array.of(0xee), small, Uint8Array.of(0xee))
  const output = new Uint8Array(40).fill(0xee)
  const stream = STREAMS.inflate(15)
  stream.write(Flush.sync, input, 1, small.length, output, 10, 8)
  expect(stream).toMatchObject({ produced: 8, failed: false })
  expect(Buffer.from(output).toString('latin1', 10, 18)).toBe('Hello, h')
  expect(output.filter((byte) => byte === 0xee)).toHaveLength(32)
  const left = small.length - stream.consumed
  stream.write(Flush.sync, input, 1 + stream.consumed, left, output, 18, 22)
  expect(stream).toMatchObject({ consumed: left, produced: 12 })
  expect(Buffer.from(output).toString('latin1', 10, 30)).toBe('Hello, hello, hello!')
})

test('it stops at the end of a block, when asked to, and leaves what is behind it', () => {
  const output = new Uint8Array(100)
  const stream = STREAMS.inflate(15)
  const input = concat(stored(Uint8Array.of(1, 2, 3)), stored(Uint8Array.of(4, 5)))
  stream.write(Flush.block, input, 0, input.length, output, 0, 100)
  expect(stream).toMatchObject({ consumed: 8, produced: 3 })
})

test('a stream that begins with a history refers to it, and one without cannot follow', () => {
  const history = prose(5000)
  const small = pump(STREAMS.deflate(15, history), history.subarray(1000, 3000))
  expect(small.length).toBeLessThan(50)
  expect(Buffer.compare(pump(STREAMS.inflate(15, history), small), history.subarray(1000, 3000))).toBe(0)
  const lost = STREAMS.inflate(15)
  lost.write(Flush.sync, small, 0, small.length, new Uint8Array(5000), 0, 5000)
  expect(lost.failed).toBe(true)
})

test('corrupt data fail the stream, and nothing else', async () => {
  const stream = STREAMS.inflate(15)
  stream.write(Flush.sync, Uint8Array.of(0xff, 0xff), 0, 2, new Uint8Array(10), 0, 10)
  expect(stream).toMatchObject({ failed: true, consumed: 0, produced: 0 })
  stream.close()
  // An error that is thrown later would end the test run.
  await new Promise((resolve) => setImmediate(resolve))
})

test('after a reset it knows nothing of what was before', () => {
  const message = prose(3000)
  const [deflate, inflate] = [STREAMS.deflate(15), STREAMS.inflate(15)]
  const first = pump(deflate, message)
  expect(pump(deflate, message).length).toBeLessThan(100)
  deflate.reset()
  expect(pump(deflate, message)).toEqual(first)
  pump(inflate, first.subarray(0, 500))
  inflate.reset()
  expect(Buffer.compare(pump(inflate, first), message)).toBe(0)
})
