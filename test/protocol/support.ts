import { expect } from 'vitest'
import type { Codec } from '../../src/codec/codec.ts'
import { BLOCK_BYTES, SLABS } from '../../src/codec/layout.ts'
import { Inflater } from '../../src/deflate/inflater.ts'
import { StreamPool } from '../../src/deflate/stream-pool.ts'
import { rawStreams } from '../../src/deflate/zlib.ts'
import type { HawserError } from '../../src/errors.ts'
import type { Message } from '../../src/protocol/message-parts.ts'
import {
  type MessageInflater,
  type MessageLimits,
  MessageReader,
  type MessageSink,
  type PartSink,
} from '../../src/protocol/message-reader.ts'
import { concat, oneByOne, wire } from '../codec/support.ts'

/** A frame as a server reads it. */
export interface ClientFrame {
  readonly firstByte: number
  readonly key: number
  readonly payload: Buffer
}

/**
 * Parses what a client sent, octet by octet after RFC 6455 §5.2; throws unless it is whole frames, each of them right.
 */
export function parseFrames(bytes: Uint8Array): ClientFrame[] {
  const frames: ClientFrame[] = []
  const wire = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at < wire.length; ) {
    const second = wire.readUInt8(at + 1)
    if (second < 0x80) throw new Error('A client has to mask')
    const short = second & 0x7f
    const extended = short < 126 ? 0 : short === 126 ? 2 : 8
    const length =
      extended === 0 ? short : extended === 2 ? wire.readUInt16BE(at + 2) : Number(wire.readBigUInt64BE(at + 2))
    if (length < [0, 0, 126, 0, 0, 0, 0, 0, 65_536][extended]!) throw new Error('A length is not in its shortest form')
    const from = at + 2 + extended + 4
    if (from + length > wire.length) throw new Error('A frame is cut off')
    const octets = wire.subarray(from - 4, from)
    const payload = Buffer.from(wire.subarray(from, from + length)).map((byte, i) => byte ^ octets[i % 4]!)
    frames.push({ firstByte: wire.readUInt8(at), key: octets.readInt32LE(), payload: Buffer.from(payload) })
    at = from + length
  }
  return frames
}

export function bytesOf(chunks: readonly Uint8Array[]): Uint8Array {
  return concat(...chunks)
}

/** The frames in chunks, in short: first byte in hexadecimal, and payload. */
export function sent(chunks: readonly Uint8Array[]): string[] {
  return parseFrames(bytesOf(chunks)).map(
    ({ firstByte, payload }) => `${firstByte.toString(16)} ${payload.toString('latin1')}`,
  )
}

/** Masking keys that can be foretold, no two alike. */
export function countedKeys(): () => number {
  let count = 0
  return () => Math.imul(++count, 0x9e3779b1)
}

export const LIMITS: MessageLimits = { maxMessageSize: 64 * 1024 * 1024, maxFragments: 131_072 }

/** What a reader told its sink: messages as they are, control frames as arrays of opcode and payload. */
export type ReaderEvent = Message | readonly [opcode: number, payload: Uint8Array]

export class RecordingSink implements MessageSink {
  readonly events: ReaderEvent[] = []
  /** A test may change what the sink says of itself. */
  isFull = false
  isAwaited = true
  /** Where the next message goes, if it is wanted piece by piece. */
  wanted: RecordingStream | undefined
  /** How often a message was offered piece by piece. */
  offered = 0

  onMessage(message: Message): void {
    this.events.push(message)
  }

  onControl(opcode: number, payload: Uint8Array): void {
    this.events.push([opcode, payload])
  }

  takeStream(isText: boolean): PartSink | undefined {
    this.offered++
    const { wanted } = this
    if (wanted !== undefined) this.events.push(`begin ${isText ? 'text' : 'binary'}`)
    this.wanted = undefined
    return wanted
  }
}

/** A message piece by piece. */
export class RecordingStream implements PartSink {
  readonly parts: Uint8Array[] = []
  isFull = false
  isComplete = false

  write(memory: Uint8Array, from: number, to: number): void {
    if (this.isComplete) throw new Error('The message was complete already')
    this.parts.push(memory.slice(from, to))
  }

  end(): void {
    this.isComplete = true
  }

  get content(): Buffer {
    return Buffer.concat(this.parts)
  }
}

export interface Reading {
  readonly events: readonly ReaderEvent[]
  readonly failure: HawserError | undefined
  readonly pending: number
}

/** Undoes the compression of one connection. */
export function createInflater(takeover = true): Inflater {
  return new Inflater(rawStreams()!, new StreamPool(100), { windowBits: 15, takeover })
}

/** Reads all, with turns as often as the reader wants them. */
export function readChunks(
  codec: Codec,
  chunks: Iterable<Uint8Array>,
  limits = LIMITS,
  inflater?: MessageInflater,
): Reading {
  const sink = new RecordingSink()
  const reader = new MessageReader(codec, limits, sink, inflater)
  let failure: HawserError | undefined
  for (const chunk of chunks) {
    failure = reader.push(chunk)
    while (reader.isHolding && !failure) failure = reader.resume()
    if (failure) break
  }
  return { events: sink.events, failure, pending: reader.pending }
}

/** A Pong, which may come between any two frames. */
const TRAILING = wire("8a 03 'end'")
const CLOSE = 8

/**
 * Reads whole, byte by byte, with bytes after it, and from linear memory, as when a socket has read into it; expects
 * the same each time.
 */
export function readFourWays(
  codec: Codec,
  bytes: Uint8Array,
  limits: Partial<MessageLimits> = {},
  inflater: () => MessageInflater | undefined = () => undefined,
): Reading {
  const all = { ...LIMITS, ...limits }
  const read = (chunks: Iterable<Uint8Array>) => readChunks(codec, chunks, all, inflater())
  const whole = read([bytes])
  expectSame(read(oneByOne(bytes)), whole)
  if (bytes.length <= BLOCK_BYTES) {
    codec.memory.set(bytes, SLABS)
    expectSame(read([codec.buffer.subarray(SLABS, SLABS + bytes.length)]), whole)
  }
  const trailing = read([concat(bytes, TRAILING)])
  const isOver = whole.failure !== undefined || whole.events.some((event) => Array.isArray(event) && event[0] === CLOSE)
  const events = isOver ? whole.events : [...whole.events, [10, TRAILING.subarray(2)]]
  expectSame(trailing, { ...whole, events } as Reading)
  return whole
}

/** What waits when it fails depends on the cut. */
function expectSame(actual: Reading, expected: Reading): void {
  expect(actual.events).toEqual(expected.events)
  expect(actual.failure).toEqual(expected.failure)
  if (!expected.failure) expect(actual.pending).toBe(expected.pending)
}
