/** Frames and masks: the core and the twin write the same bytes, which a naive reader takes for what was meant. */
import { type Codec, headerLength, rotateKey } from '../../../src/codec/codec.ts'
import { BLOCK_BYTES, SCRATCH } from '../../../src/codec/layout.ts'
import type { Draw } from '../draw.ts'
import { BOTH } from '../make/codecs.ts'
import { readClientFrames } from '../reference/client-frames.ts'
import { broken, same, sameBytes, type Target } from '../target.ts'

interface Case {
  readonly firstByte: number
  readonly key: number
  readonly payload: Uint8Array
  readonly offset: number
  /** Where the payload is cut in two, each masked by itself. */
  readonly cutAt: number
  /** A length that is only announced. */
  readonly announced: number
}

/** Around what is written lies this, which must stay. */
const GUARD = 0xa5
const MARGIN = 80
const LARGEST = BLOCK_BYTES - 400

export const encoder: Target<Case> = {
  name: 'encoder',
  generate: (draw) => {
    const payload = draw.bytes(draw.length(draw.oneIn(128) ? LARGEST : 300))
    return {
      firstByte: draw.below(256),
      key: draw.word(),
      payload,
      offset: draw.below(64),
      cutAt: draw.below(payload.length + 1),
      announced: makeLength(draw),
    }
  },
  check: (fuzzed) => {
    const [core, twin] = BOTH.map((codec) => {
      const written = {
        frame: writeFrame(codec, fuzzed),
        parts: writeParts(codec, fuzzed),
        header: writeHeader(codec, fuzzed),
      }
      return written
    })
    sameBytes(core!.frame, twin!.frame, "the core's frame")
    sameBytes(core!.parts, twin!.parts, "the core's frame in parts")
    sameBytes(core!.header, twin!.header, "the core's header")
    sameBytes(core!.parts, core!.frame, 'the frame in parts')
    const [read, ...others] = readClientFrames(core!.frame)
    same(others.length, 0, 'other frames')
    same(read!.firstByte, fuzzed.firstByte, 'first byte')
    sameBytes(read!.payload, fuzzed.payload, 'payload')
  },
}

function makeLength(draw: Draw): number {
  return draw.oneIn(2)
    ? draw.below(2 ** 32) * (1 + draw.below(2 ** 20))
    : draw.pick([0, 125, 126, 65_535, 65_536, 2 ** 32])
}

/** Runs what writes into memory, and sees to it that nothing around is touched. */
function guarded(codec: Codec, offset: number, size: number, write: (at: number) => number): Uint8Array {
  const { memory } = codec
  const at = SCRATCH + MARGIN + offset
  memory.fill(GUARD, at - MARGIN, at + size + MARGIN)
  const start = write(at)
  const untouched = [memory.subarray(at - MARGIN, start), memory.subarray(at + size, at + size + MARGIN)]
  if (untouched.some((bytes) => bytes.some((byte) => byte !== GUARD))) broken(`${codec.name} wrote beside its frame`)
  return memory.slice(start, at + size)
}

/** `at` is where the payload begins. */
function writeFrame(codec: Codec, { payload, offset, firstByte, key }: Case): Uint8Array {
  return guarded(codec, offset, payload.length, (at) => {
    codec.memory.set(payload, at)
    return codec.frame(at, payload.length, firstByte, key)
  })
}

function writeParts(codec: Codec, { payload, offset, firstByte, key, cutAt }: Case): Uint8Array {
  const size = headerLength(payload.length) + payload.length
  return guarded(codec, offset, size, (at) => {
    const behind = codec.header(at, firstByte, payload.length, key)
    codec.memory.set(payload, behind)
    codec.mask(behind, cutAt, key)
    codec.mask(behind + cutAt, payload.length - cutAt, rotateKey(key, cutAt))
    return at
  })
}

function writeHeader(codec: Codec, { announced, offset, firstByte, key }: Case): Uint8Array {
  const size = headerLength(announced)
  return guarded(codec, offset, size, (at) => {
    same(codec.header(at, firstByte, announced, key), at + size, 'the end of the header')
    return at
  })
}
