/** Any bytes in any chunks: the core and the twin tell the same, row by row, and what a naive decoder says of all of them at once. */
import type { Codec, Decoder } from '../../../src/codec/codec.ts'
import {
  COMPRESSED,
  CONTINUATION,
  ENDS,
  FIN,
  INPUT,
  OPCODE,
  ROW_WORDS,
  STARTS,
  TABLE_ROWS,
} from '../../../src/codec/layout.ts'
import { VIOLATIONS } from '../../../src/codec/violations.ts'
import type { Draw } from '../draw.ts'
import { cut, makeCuts } from '../make/chunks.ts'
import { BOTH } from '../make/codecs.ts'
import { makeWire } from '../make/frames.ts'
import { type Decoded, type DecodedFrame, decodeServerBytes } from '../reference/decoder.ts'
import { broken, same, type Target } from '../target.ts'

interface Case {
  readonly withDeflate: boolean
  readonly wire: Uint8Array
  readonly cuts: readonly number[]
  /** Where in memory the chunks lie: what is fast depends on it. */
  readonly offset: number
}

export const decoder: Target<Case> = {
  name: 'decoder',
  generate: (draw) => ({
    withDeflate: draw.oneIn(2),
    wire: makeBytes(draw),
    cuts: makeCuts(draw),
    offset: draw.below(64),
  }),
  check: ({ withDeflate, wire, cuts, offset }) => {
    const [core, twin] = BOTH.map((codec) => new Reading(codec, codec.createDecoder(withDeflate)))
    let fed = 0
    for (const chunk of cut(wire, cuts)) {
      core!.take(chunk, INPUT + offset)
      twin!.take(chunk, INPUT + offset)
      if (core!.told !== twin!.told) broken(`after ${fed} bytes the core tells ${core!.told}, the twin ${twin!.told}`)
      fed += chunk.length
      if (core!.violation !== 0) break
    }
    compare(core!, fed, decodeServerBytes(wire, withDeflate))
  },
}

function makeBytes(draw: Draw): Uint8Array {
  // More rows than the table has.
  if (draw.oneIn(512)) return Buffer.alloc(2 * TABLE_ROWS + draw.below(TABLE_ROWS), draw.pick(['8a00', '8200']), 'hex')
  return makeWire(draw, { most: 300, compress: (payload) => payload })
}

interface FoundFrame extends Omit<DecodedFrame, 'payload' | 'size' | 'headerEnd' | 'end' | 'isComplete'> {
  readonly size: number
  payload: string
  isComplete: boolean
}

/** What one decoder tells. */
class Reading {
  /** Rows and verdict of the last chunk. */
  told = ''
  violation = 0
  readonly frames: FoundFrame[] = []
  readonly #codec: Codec
  readonly #decoder: Decoder

  constructor(codec: Codec, decoder: Decoder) {
    this.#codec = codec
    this.#decoder = decoder
  }

  take(chunk: Uint8Array, address: number): void {
    const { memory, table } = this.#codec
    memory.set(chunk, address)
    this.told = ''
    for (let at = 0; at < chunk.length && this.violation === 0; at += this.#decoder.consumed) {
      const rows = this.#decoder.decode(address + at, chunk.length - at)
      for (let row = 0; row < rows; row++) this.#takeRow(table.subarray(row * ROW_WORDS, (row + 1) * ROW_WORDS))
      this.violation = this.#decoder.violation
      this.told += `${rows} rows, ${this.#decoder.consumed} bytes, violation ${this.violation};`
      if (this.#decoder.consumed === 0 && this.violation === 0) broken('The decoder does not get on')
    }
  }

  #takeRow([flags = 0, address = 0, length = 0, left = 0]: Uint32Array): void {
    this.told += `${flags},${address},${length},${left};`
    const payload = Buffer.from(this.#codec.memory.buffer, address, length).toString('latin1')
    const isComplete = (flags & ENDS) !== 0
    const last = this.frames.at(-1)
    if ((flags & STARTS) === 0) {
      if (last === undefined || last.isComplete) broken('A row continues no frame')
      if (last.size < 2 ** 32 - 1) same(left, last.size - last.payload.length, 'what is left of a frame')
      last.payload += payload
      last.isComplete = isComplete
      return
    }
    const [fin, continuation, compressed] = [FIN, CONTINUATION, COMPRESSED].map((bit) => (flags & bit) !== 0)
    this.frames.push({
      opcode: flags & OPCODE,
      fin: fin!,
      continuation: continuation!,
      compressed: compressed!,
      size: left,
      payload,
      isComplete,
    })
  }
}

/** `fed` are the bytes up to the end of the chunk that broke a rule, or all. */
function compare({ frames, violation }: Reading, fed: number, expected: Decoded): void {
  same(VIOLATIONS[violation]?.name, expected.violation, 'violation')
  if (expected.brokenAt !== undefined && fed <= expected.brokenAt) {
    broken(`The rule is called broken after ${fed} bytes, but byte ${expected.brokenAt} breaks it`)
  }
  const isBadText = expected.violation === 'invalid-utf8'
  // Of a segment with a bad byte nothing is told.
  const count = isBadText ? Math.max(frames.length, expected.frames.length - 1) : expected.frames.length
  same(frames.length, count, 'frames')
  for (const [i, frame] of frames.entries()) {
    const wanted = expected.frames[i]!
    const isCutOff = isBadText && i === expected.frames.length - 1
    const payload = Buffer.from(wanted.payload).toString('latin1')
    same(frame.size, Math.min(Number(wanted.size), 2 ** 32 - 1), `announced length of frame ${i}`)
    same(describe(frame), describe(wanted), `frame ${i}`)
    if (isCutOff ? !payload.startsWith(frame.payload) : payload !== frame.payload) {
      broken(`payload of frame ${i}: ${JSON.stringify(frame.payload)}, not ${JSON.stringify(payload)}`)
    }
    if (!isCutOff) same(frame.isComplete, wanted.isComplete, `whether frame ${i} is complete`)
  }
}

function describe({ opcode, fin, compressed, continuation }: FoundFrame | DecodedFrame): string {
  return `opcode ${opcode}${fin ? ', final' : ''}${compressed ? ', compressed' : ''}${continuation ? ', continuation' : ''}`
}
