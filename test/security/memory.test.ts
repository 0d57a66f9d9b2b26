/**
 * All sockets of a thread share one linear memory and a few streams of zlib: what one leaves there, no other may get to
 * see.
 */
import { deflateRawSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { Arena } from '../../src/codec/arena.ts'
import type { Codec } from '../../src/codec/codec.ts'
import { TwinCodec } from '../../src/codec/twin.ts'
import { type Agreed, createCompression } from '../../src/deflate/compression.ts'
import { Deflater } from '../../src/deflate/deflater.ts'
import { Inflater } from '../../src/deflate/inflater.ts'
import { StreamPool } from '../../src/deflate/stream-pool.ts'
import { type RawStreams, rawStreams } from '../../src/deflate/zlib.ts'
import { FrameProtocol } from '../../src/frame.ts'
import { type ClientWebSocketOptions, connect } from '../../src/index.ts'
import { Protocol } from '../../src/protocol/protocol.ts'
import { concat, randomIntegers, serverFrame, wasmCodec } from '../codec/support.ts'
import { bytesOf, countedKeys, LIMITS, RecordingStream } from '../protocol/support.ts'
import { frame } from '../support/scripted-peer.ts'
import { aborted, peer, rejection, server, untilFinished } from '../support/servers.ts'
import { startWebSocketServer } from '../support/websocket-server.ts'

/** What another socket has left behind: text, so that a string would show it as well. */
const MARK = 'STOLEN-SECRET-'
const LEFT_BEHIND = Buffer.from(MARK)

/** Enough for frames to be lent, and few enough to be written over again and again. */
const SLABS = 40
const CODECS: readonly (readonly [name: string, codec: Codec])[] = [
  ['the core', wasmCodec(SLABS)],
  ['the twin', new TwinCodec(SLABS)],
]

const TEXT = 1
const BINARY = 2
const FINAL = 0x80
const RSV1 = 0x40

type Leave = (codec: Codec) => void
const nothing: Leave = (codec) => void codec.memory.fill(0)
const secrets: Leave = (codec) => void Buffer.from(codec.memory.buffer).fill(LEFT_BEHIND)

const NO_TAKEOVER: Agreed = {
  clientMaxWindowBits: 15,
  serverMaxWindowBits: 15,
  clientContextTakeover: false,
  serverContextTakeover: false,
}

/** All that comes out of a socket: to its caller, and to its server. */
interface Outcome {
  readonly told: unknown[]
  readonly sent: string
}

/**
 * Reads chunks, with another socket's bytes all over the memory before each of them, and answers with what it was told.
 */
function run(
  codec: Codec,
  chunks: readonly Uint8Array[],
  leave: Leave,
  compressed: boolean,
  asStream: boolean,
): Outcome {
  const told: unknown[] = []
  const sent: Uint8Array[] = []
  const stream = new RecordingStream()
  let asked = 0
  const compression = compressed ? createCompression(NO_TAKEOVER, 8) : undefined
  const parts = { codec, arena: new Arena(SLABS), nextKey: countedKeys(), compression }
  const protocol = new Protocol(
    parts,
    { ...LIMITS, maxMessageSize: 100_000, allowHalfOpen: false },
    {
      // Every other time there is no room, and what follows is held.
      get isFull() {
        return ++asked % 2 === 0
      },
      isAwaited: true,
      takeStream: () => (asStream && !stream.isComplete ? stream : undefined),
      onMessage: (message) => {
        told.push(message)
        if (message instanceof Uint8Array) told.push(new Uint8Array(message.buffer))
        if (told.length < 20) protocol.send(message)
      },
      onPong: (payload) => told.push(['pong', payload]),
      onClose: (code, reason) => told.push(['close', code, reason]),
    },
  )
  /** What is handed out lies in the memory until the socket has let go of it. */
  const flush = () => {
    const taken = protocol.outbox.take()
    sent.push(bytesOf(taken))
    protocol.outbox.release(taken)
    leave(codec)
  }
  leave(codec)
  for (const chunk of chunks) {
    let failure = protocol.receive(chunk)
    flush()
    while (protocol.isHolding && failure === undefined) {
      failure = protocol.resume()
      flush()
    }
    if (failure !== undefined) told.push([failure.name, failure.message])
  }
  protocol.end()
  return { told: [...told, stream.content.toString('latin1')], sent: Buffer.from(concat(...sent)).toString('latin1') }
}

function expectNothingOf(outcome: Outcome): void {
  for (const one of outcome.told.flat()) {
    // A message may lie in memory with others of its socket: all of it is looked at.
    const text = one instanceof Uint8Array ? Buffer.from(one.buffer).toString('latin1') : String(one)
    expect(text.includes('STOLEN'), text.slice(0, 100)).toBe(false)
  }
}

function compressedFrame(opcode: number, payload: Uint8Array, last = true): Uint8Array {
  const deflated = deflateRawSync(payload, { finishFlush: 2 })
  return serverFrame((last ? FINAL : 0) | RSV1 | opcode, deflated.subarray(0, -4))
}

/** Messages of all kinds; those that can be are compressed. */
function conversation(random: (bound: number) => number, compressed: boolean): Uint8Array {
  const kinds: (() => Uint8Array)[] = [
    () => serverFrame(FINAL | TEXT, Buffer.from('a text '.repeat(random(30)))),
    () => serverFrame(FINAL | TEXT, Buffer.from('é€😀'.repeat(random(40)))),
    () => serverFrame(FINAL | BINARY, Buffer.alloc([0, 1, 125, 126, 300, 65_535, 66_000][random(7)]!, 0xa5)),
    () =>
      concat(
        serverFrame(TEXT, Buffer.from('in ')),
        serverFrame(0x89, Buffer.from('ping')),
        serverFrame(FINAL, Buffer.from('two')),
      ),
    () => serverFrame(0x8a, Buffer.alloc(random(126), 0x70)),
  ]
  if (compressed) {
    kinds.push(() => compressedFrame(TEXT, Buffer.from('compressed € '.repeat(1 + random(50)))))
    kinds.push(() => compressedFrame(BINARY, Buffer.alloc(1 + random(80_000), random(256))))
    kinds.push(() => concat(compressedFrame(BINARY, Buffer.alloc(1000, 1), false), serverFrame(FINAL, Buffer.alloc(0))))
  }
  const frames = Array.from({ length: 1 + random(10) }, () => kinds[random(kinds.length)]!())
  return concat(...frames, ...(random(3) === 0 ? [serverFrame(0x88, Buffer.from([3, 232, 111, 107]))] : []))
}

/** Changes, drops, repeats or adds some bytes, or cuts the end off. */
function spoiled(bytes: Uint8Array, random: (bound: number) => number): Uint8Array {
  const at = random(Math.min(bytes.length, random(2) === 0 ? 16 : bytes.length))
  const before = bytes.subarray(0, at)
  const after = bytes.subarray(at)
  const ways = [
    () => bytes,
    () => before,
    () => concat(before, Uint8Array.of(random(256)), after.subarray(1)),
    () => concat(before, after.subarray(1 + random(9))),
    () => concat(before, after.subarray(0, 7), after),
    () =>
      concat(
        before,
        Uint8Array.from({ length: 1 + random(14) }, () => random(256)),
        after,
      ),
  ]
  return ways[random(ways.length)]!()
}

function cut(bytes: Uint8Array, random: (bound: number) => number): Uint8Array[] {
  const chunks: Uint8Array[] = []
  const most = [3, 100, 70_000][random(3)]!
  for (let at = 0; at < bytes.length && chunks.length < 400; ) {
    const end = chunks.length === 399 ? bytes.length : at + 1 + random(most)
    chunks.push(bytes.slice(at, end))
    at = end
  }
  return chunks
}

describe.each(CODECS)('in the memory of %s', (_, codec) => {
  test.each([false, true])(
    'what others left there makes no difference to any input, whole or spoiled (compressed: %s)',
    (compressed) => {
      for (let seed = 1; seed <= 120; seed++) {
        const random = randomIntegers(seed)
        const chunks = cut(spoiled(conversation(random, compressed), random), random)
        const asStream = random(3) === 0
        const alone = run(codec, chunks, nothing, compressed, asStream)
        const beside = run(codec, chunks, secrets, compressed, asStream)
        expect(beside, `seed ${seed}`).toEqual(alone)
        expectNothingOf(beside)
      }
    },
  )

  test('nor to a message that is cut off at any byte', () => {
    const whole = concat(
      serverFrame(TEXT, Buffer.from('é€😀')),
      serverFrame(0x89, Buffer.from('ping')),
      serverFrame(FINAL, Buffer.from('and the rest')),
      compressedFrame(TEXT, Buffer.from('compressed '.repeat(9))),
      serverFrame(FINAL | BINARY, Buffer.alloc(200, 7)),
      serverFrame(0x88, Buffer.from([3, 232, 98, 121, 101])),
    )
    for (let end = 0; end <= whole.length; end++) {
      const chunks = [whole.slice(0, end)]
      const beside = run(codec, chunks, secrets, true, false)
      expect(beside).toEqual(run(codec, chunks, nothing, true, false))
      expectNothingOf(beside)
    }
  })
})

/** Bits in the order of RFC 1951 §3.1.1. */
function bits(...values: readonly (readonly [value: number, count: number, huffman?: 'huffman'])[]): Uint8Array {
  const all = values.flatMap(([value, count, huffman]) => {
    const some = Array.from({ length: count }, (_, i) => (value >> i) & 1)
    return huffman === undefined ? some : some.reverse()
  })
  const bytes = new Uint8Array(Math.ceil(all.length / 8))
  for (const [at, bit] of all.entries()) bytes[at >> 3]! |= bit << (at & 7)
  return bytes
}

/** A message that says: 258 bytes from so far back, where nothing of its own is. */
const REACHING_BACK: readonly (readonly [distance: number, code: number, extra: number, extraBits: number])[] = [
  [1, 0, 0, 0],
  [14, 7, 1, 2],
  [257, 16, 0, 7],
  [16_385, 28, 0, 13],
  [32_768, 29, 8191, 13],
]

/** zlib's streams, which are counted as they are made. */
function counted(): { readonly streams: RawStreams; made(): number } {
  const { inflate, deflate, takesHistory } = rawStreams()!
  let count = 0
  const counting =
    <A extends unknown[], R>(make: (...args: A) => R) =>
    (...args: A): R => {
      count++
      return make(...args)
    }
  return { streams: { inflate: counting(inflate), deflate: counting(deflate), takesHistory }, made: () => count }
}

describe('a stream of zlib that another socket has used', () => {
  const direction = { windowBits: 15, takeover: false }
  const secret = Buffer.from(MARK.repeat(3000))

  test.each(REACHING_BACK)(
    'gives nothing of that to a message that reaches back %i bytes',
    (distance, code, extra, extraBits) => {
      const { streams, made } = counted()
      const pool = new StreamPool(10)
      const output = new Uint8Array(65_536)
      const other = new Inflater(streams, pool, direction)
      const deflated = deflateRawSync(secret, { finishFlush: 2 }).subarray(0, -4)
      expect(other.inflate(deflated, 0, deflated.length, output, 0, output.length)).toBe(true)
      expect(Buffer.from(output.subarray(0, other.produced)).equals(secret)).toBe(true)
      expect(other.finish(output, 0, output.length)).toBe(true)

      output.fill(0)
      const mine = new Inflater(streams, pool, direction)
      // A block with the fixed codes: length code 285 (258 bytes), and a distance.
      const bad = bits(
        [0, 1],
        [1, 2],
        [0b11000101, 8, 'huffman'],
        [code, 5, 'huffman'],
        [extra, extraBits],
        [0, 7, 'huffman'],
        [0, 16],
      )
      const isFine = mine.inflate(bad, 0, bad.length, output, 0, output.length)
      expect(made(), 'the stream is the same one').toBe(1)
      expect([isFine, mine.produced], `${distance} bytes back there is nothing`).toEqual([false, 0])
      expect(Buffer.from(output).includes('STOLEN')).toBe(false)
      mine.close()
      other.close()
    },
  )

  test('makes no message smaller that says the same', () => {
    const sizeBy = (deflater: Deflater) => {
      const memory = new Uint8Array(deflater.bound(secret.length))
      return Buffer.from(memory.subarray(0, deflater.deflateInto(secret.subarray(0, 500), memory, 0))).toString('hex')
    }
    const { streams, made } = counted()
    const pool = new StreamPool(10)
    const first = sizeBy(new Deflater(streams, pool, direction))
    expect(sizeBy(new Deflater(streams, pool, direction))).toBe(first)
    expect(made()).toBe(1)
  })
})

describe('of sockets in one process', () => {
  const LONG = MARK.repeat(4000)
  const open = async (url: string, options: ClientWebSocketOptions = {}) => aborted(await connect(url, options))

  /** Another socket, which has its secrets everywhere: read, inflated, deflated and sent. */
  async function other(): Promise<() => Promise<void>> {
    const perMessageDeflate = { serverNoContextTakeover: true, clientNoContextTakeover: true, threshold: 0 }
    const { url } = untilFinished(await startWebSocketServer({ perMessageDeflate }))
    const sockets = [await open(`${url}/echo`), await open(`${url}/echo`, { perMessageDeflate: true })]
    return async () => {
      for (const socket of sockets) {
        await socket.send(LONG)
        expect(await socket.receive()).toBe(LONG)
      }
    }
  }

  test('one gets and sends its own bytes alone, whatever its server cuts off or leaves out', async () => {
    const leave = await other()
    const pieces: readonly (readonly Uint8Array[])[] = [
      [frame(2, Buffer.alloc(60_000, 1)).subarray(0, 100)],
      [Uint8Array.of(0x82, 0x7f, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1)],
      [frame(1, 'a', { fin: false }), frame(9, 'ping'), frame(0, 'b')],
      [frame(1, Buffer.from([0xe2, 0x82]))],
      [frame(2, Buffer.alloc(40_000, 1)), Uint8Array.of(0x81)],
      [Uint8Array.of(0x88, 0x03, 0x03, 0xe8)],
      [frame(9, Buffer.alloc(125, 1)), frame(2, Buffer.alloc(0))],
    ]
    for (const some of pieces) {
      const told: unknown[] = []
      const left = Promise.withResolvers<void>()
      const { url } = await peer(async (connection) => {
        await connection.accept()
        for (const piece of some) await connection.write(piece)
        await left.promise
        connection.socket.end()
        // Whatever the client says to that: a Pong, or why it fails.
        for (;;) told.push((await connection.readFrame()).payload.toString('latin1'))
      })
      const socket = await open(url)
      await leave()
      left.resolve()
      const read = async () => {
        for await (const message of socket) told.push(message)
      }
      told.push(String(await rejection(read())))
      expectNothingOf({ told, sent: '' })
    }
  })

  test('a message that comes alone, a piece of one, an event or an output brings no memory with it but its own', async () => {
    const { url } = await server()
    const socket = await open(`${url}/echo`)
    for (const size of [1, 125, 126, 5000, 65_536, 200_000]) {
      await socket.send(Buffer.alloc(size, 1))
      const message = (await socket.receive()) as Uint8Array
      expect([message.length, message.buffer.byteLength]).toEqual([size, size])
      await socket.send(Buffer.alloc(size, 1))
      const incoming = await socket.receiveStream()
      for await (const piece of incoming!.stream as ReadableStream<Uint8Array>) {
        expect(piece.buffer.byteLength).toBe(piece.byteLength)
      }
      const protocol = new FrameProtocol()
      const [event] = protocol.receive(serverFrame(FINAL | BINARY, Buffer.alloc(size, 1)))
      expect(event).toMatchObject({ type: 'message' })
      expect((event as { data: Uint8Array }).data.buffer.byteLength).toBe(size)
      protocol.send(Buffer.alloc(size, 1))
      const output = protocol.output()
      expect(output.buffer.byteLength).toBe(output.byteLength)
    }
  })
})
