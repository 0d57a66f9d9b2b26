/**
 * Frames, right and wrong, in any chunks: the same messages, the same answers and the same failure for all chunkings,
 * on the core and on the twin, and without compression as a naive client has them.
 */
import { Arena } from '../../../src/codec/arena.ts'
import type { Codec } from '../../../src/codec/codec.ts'
import { BLOCK_BYTES } from '../../../src/codec/layout.ts'
import { VIOLATIONS } from '../../../src/codec/violations.ts'
import { Inflater } from '../../../src/deflate/inflater.ts'
import { StreamPool } from '../../../src/deflate/stream-pool.ts'
import { type HawserError, MessageTooBigError, ProtocolError } from '../../../src/errors.ts'
import { type Compression, Protocol } from '../../../src/protocol/protocol.ts'
import type { Draw } from '../draw.ts'
import { Recorder, type Wishes } from '../judge/recorder.ts'
import { cut, makeCuts } from '../make/chunks.ts'
import { CORE, SLABS_IN_MEMORY, TWIN } from '../make/codecs.ts'
import { compressor, STREAMS } from '../make/deflate.ts'
import { makeWire } from '../make/frames.ts'
import { readClientFrames } from '../reference/client-frames.ts'
import { type Behaviour, behaviourOf, type Circumstances } from '../reference/protocol.ts'
import { broken, same, type Target } from '../target.ts'

interface Case extends Circumstances, Wishes {
  readonly compression: 'none' | 'takeover' | 'no takeover'
  /** Whether a message is awaited before it has come. */
  readonly isAwaited: boolean
  readonly wire: Uint8Array
  readonly cuts: readonly number[]
}

/** More than what is held can need, a frame or a block of 64 KiB at a time. */
const MOST_TURNS = 20_000
const SIZES = [1000, 0, 1, 20, 125, 126, 200]
const pool = new StreamPool(100)
/** What can be wrong with a payload. */
const OF_PAYLOADS = ['too-big', 'invalid-utf8', 'invalid-deflate']
const NAMES = new Map(VIOLATIONS.flatMap((rule) => (rule ? [[rule.name, rule.closeCode] as const] : [])))

export const protocol: Target<Case> = {
  name: 'protocol',
  generate: (draw) => {
    const compression = draw.pick(['none', 'none', 'none', 'none', 'none', 'takeover', 'no takeover'] as const)
    const wire = makeBytes(draw, compression)
    return {
      compression,
      wire,
      cuts: makeCuts(draw),
      limits: { maxMessageSize: draw.pick(SIZES), maxFragments: draw.pick([1000, 1, 2, 5]) },
      allowHalfOpen: draw.oneIn(2),
      closeAt: draw.oneIn(4) ? draw.below(wire.length + 1) : undefined,
      streamed: draw.oneIn(3) ? [draw.below(4), draw.below(4)] : [],
      fullEvery: draw.pick([0, 2, 3]),
      isAwaited: draw.below(4) !== 3,
    }
  },
  check: (fuzzed) => {
    const whole = play(CORE, fuzzed, [])
    judge(play(CORE, fuzzed, fuzzed.cuts), whole, 'the core in chunks')
    judge(play(TWIN, fuzzed, fuzzed.cuts), whole, 'the twin in chunks')
    if (fuzzed.compression === 'none') judge(whole, behaviourOf(fuzzed.wire, fuzzed), 'the core')
  },
}

function makeBytes(draw: Draw, compression: Case['compression']): Uint8Array {
  const most = draw.oneIn(64) ? 5000 : 300
  if (compression === 'none') return makeWire(draw, { most })
  return makeWire(draw, { most, compress: compressor(15, compression === 'takeover') })
}

function judge(actual: Behaviour, expected: Behaviour, who: string): void {
  same(actual.events.join('\n'), expected.events.join('\n'), `${who} tells`)
  if (actual.failure !== expected.failure && isEitherRight(actual.failure, expected.failure)) return
  same(actual.failure, expected.failure, `${who} fails with`)
  same(actual.sent.join('\n'), expected.sent.join('\n'), `${who} sends`)
}

/** A frame can break two rules, and then which is found first depends on how much of it has come. */
function isEitherRight(a: string | undefined, b: string | undefined): boolean {
  return [a, b].every((failure) => failure !== undefined && OF_PAYLOADS.includes(failure))
}

/** Feeds a protocol of its own, and sees to it that nothing is left in the end. */
function play(codec: Codec, fuzzed: Case, cuts: readonly number[]): Behaviour {
  const arena = new Arena(SLABS_IN_MEMORY)
  const recorder = new Recorder(fuzzed)
  const compression = createCompression(fuzzed)
  const nextKey = () => 0x01020304
  const tested = new Protocol(
    { codec, arena, nextKey, compression },
    { ...fuzzed.limits, allowHalfOpen: fuzzed.allowHalfOpen },
    recorder,
  )
  const { wire, closeAt } = fuzzed
  const outgoing: Uint8Array[] = []
  let failure = feed(tested, recorder, cut(wire.subarray(0, closeAt), cuts), fuzzed, outgoing)
  if (closeAt !== undefined) {
    tested.sendClose(1000, '')
    failure ??= feed(tested, recorder, cut(wire.subarray(closeAt), cuts), fuzzed, outgoing)
  }
  if (failure !== undefined) same(tested.state, 'aborted', 'the state after a failure')
  take(tested, outgoing)
  tested.end()
  same(tested.pending, 0, 'bytes that are held in the end')
  same(tested.isHolding, false, 'whether something is held in the end')
  same(arena.free, SLABS_IN_MEMORY, 'slabs that are free in the end')
  const sent = readClientFrames(Buffer.concat(outgoing)).map(({ firstByte, payload }) => {
    const code = payload.length < 2 ? '' : payload[0]! * 256 + payload[1]!
    return firstByte === 0x88
      ? `close ${code}`
      : `${firstByte === 0x8a ? 'pong' : firstByte} ${Buffer.from(payload).toString('hex')}`
  })
  return { events: recorder.events, failure: failure && nameOf(failure, fuzzed), sent }
}

function createCompression({ compression }: Case): Compression | undefined {
  if (compression === 'none') return undefined
  const inflater = new Inflater(STREAMS, pool, { windowBits: 15, takeover: compression === 'takeover' })
  return { inflater, deflater: undefined, threshold: 0, close: () => inflater.close() }
}

function feed(
  tested: Protocol,
  recorder: Recorder,
  chunks: readonly Uint8Array[],
  { limits, isAwaited }: Case,
  outgoing: Uint8Array[],
): HawserError | undefined {
  for (const chunk of chunks) {
    recorder.isAwaited = isAwaited
    let failure = tested.receive(chunk)
    for (let turn = 0; tested.isHolding && failure === undefined; turn++) {
      if (turn === MOST_TURNS) broken('It holds on to what it has, however often it is told to go on')
      recorder.isAwaited ||= tested.needsReceiver
      failure = tested.resume()
    }
    // What has been inflated when nobody said how it is wanted is kept: a block of it.
    const most = limits.maxMessageSize + (isAwaited ? 0 : BLOCK_BYTES)
    if (tested.pending > most) broken(`${tested.pending} bytes are held`)
    take(tested, outgoing)
    if (failure !== undefined) return failure
  }
  return undefined
}

function take({ outbox }: Protocol, outgoing: Uint8Array[]): void {
  const chunks = outbox.take()
  for (const chunk of chunks) outgoing.push(new Uint8Array(chunk))
  outbox.release(chunks)
}

/** Fails for an error that is not documented. */
function nameOf(failure: HawserError, { limits }: Case): string {
  if (failure instanceof MessageTooBigError) {
    if (failure.limit !== limits.maxMessageSize && failure.limit !== limits.maxFragments)
      broken(`limit ${failure.limit}`)
    return 'too-big'
  }
  if (!(failure instanceof ProtocolError) || NAMES.get(failure.violation) !== failure.closeCode) {
    broken(`An undocumented failure: ${failure}`)
  }
  return failure.violation
}
