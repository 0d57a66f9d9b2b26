/** Compressed messages, right and wrong, in any pieces and with any room: what a naive inflater makes of each in one go. */
import { constants, deflateRawSync } from 'node:zlib'
import { Inflater } from '../../../src/deflate/inflater.ts'
import { StreamPool } from '../../../src/deflate/stream-pool.ts'
import type { Draw } from '../draw.ts'
import { cut, makeCuts, mutate } from '../make/chunks.ts'
import { compressor, STREAMS } from '../make/deflate.ts'
import { makeTextBytes } from '../make/text.ts'
import { ReferenceInflater } from '../reference/inflate.ts'
import { broken, same, sameBytes, type Target } from '../target.ts'

interface Case {
  readonly windowBits: number
  readonly takeover: boolean
  /** As they travel. */
  readonly messages: readonly Uint8Array[]
  readonly cuts: readonly number[]
  /** Bytes of output that there is room for in a call. */
  readonly room: number
  /** Whether the stream is given up after each message, as under pressure. */
  readonly isPressed: boolean
}

const MOST_CALLS = 100_000
const output = new Uint8Array(70_000)

export const inflate: Target<Case> = {
  name: 'inflate',
  generate: (draw) => {
    const windowBits = draw.between(8, 15)
    const takeover = draw.below(2) === 0
    return {
      windowBits,
      takeover,
      messages: makeMessages(draw, windowBits, takeover),
      cuts: makeCuts(draw),
      room: draw.pick([65_536, 1, 3, 100, 1000]),
      isPressed: draw.below(4) === 3,
    }
  },
  check: ({ windowBits, takeover, messages, cuts, room, isPressed }) => {
    const inflater = new Inflater(STREAMS, new StreamPool(isPressed ? 0 : 1), { windowBits, takeover })
    const reference = new ReferenceInflater(windowBits, takeover)
    try {
      for (const [i, message] of messages.entries()) {
        const content = read(inflater, cut(message, cuts), room)
        const expected = reference.inflate(message)
        // Of what lies beyond the window there may be some left, or not.
        if (content === undefined && expected?.reachesTooFar) break
        same(content !== undefined, expected !== undefined, `whether message ${i} is right`)
        if (content === undefined || expected === undefined) break
        sameBytes(content, expected.content, `message ${i}`)
      }
    } finally {
      inflater.close()
    }
  },
}

function makeMessages(draw: Draw, windowBits: number, takeover: boolean): Uint8Array[] {
  const bits = Math.max(9, windowBits)
  const compress = compressor(bits, takeover)
  const isMutated = draw.oneIn(3)
  const messages = draw.list(2, 5, () => {
    const plain = draw.oneIn(32) ? draw.bytes(draw.length(3000)) : makeTextBytes(draw, 300)
    const kind = draw.below(8)
    if (kind === 6) return lastBlocks(draw, plain, bits)
    if (kind === 7) return draw.bytes(draw.length(60))
    return compress(plain)
  })
  return isMutated ? messages.map((message) => mutate(draw, message)) : messages
}

/** A message in blocks of which one, or the last, says that it is the last (RFC 7692 §7.2.3.4). */
function lastBlocks(draw: Draw, plain: Uint8Array, windowBits: number): Uint8Array {
  const level = draw.pick([6, 0, 1])
  const strategy = draw.pick([constants.Z_DEFAULT_STRATEGY, constants.Z_FIXED, constants.Z_HUFFMAN_ONLY])
  const half = draw.below(plain.length + 1)
  const parts = [plain.subarray(0, half), plain.subarray(half)].map((part) =>
    deflateRawSync(part, { level, strategy, windowBits }),
  )
  return Buffer.concat(draw.oneIn(2) ? [...parts, Uint8Array.of(0)] : parts)
}

/** As the reader of messages does it; undefined if the message is corrupt or incomplete. */
function read(inflater: Inflater, chunks: readonly Uint8Array[], room: number): Uint8Array | undefined {
  const parts: Uint8Array[] = []
  let calls = 0
  for (const chunk of chunks) {
    for (let at = 0; ; ) {
      if (calls++ > MOST_CALLS) broken('The inflater does not get on')
      if (!inflater.inflate(chunk, at, chunk.length - at, output, 0, room)) return undefined
      parts.push(output.slice(0, inflater.produced))
      at += inflater.consumed
      if (at === chunk.length && inflater.produced < room) break
    }
  }
  return inflater.finish(output, 0, room) ? Buffer.concat(parts) : undefined
}
