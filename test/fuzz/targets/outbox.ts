/** Messages into the outbox and bytes out of it, in any order: each frame comes out once, whole, and while it is lent nobody writes to it. */
import { Arena } from '../../../src/codec/arena.ts'
import type { Codec } from '../../../src/codec/codec.ts'
import { memoryText } from '../../../src/codec/text.ts'
import { Outbox } from '../../../src/protocol/outbox.ts'
import type { Draw } from '../draw.ts'
import { BOTH } from '../make/codecs.ts'
import { makeText } from '../make/text.ts'
import { readClientFrames } from '../reference/client-frames.ts'
import { broken, type Does, same, sameBytes, type Target } from '../target.ts'

type Step =
  | { readonly do: 'push'; readonly payload: Uint8Array }
  | { readonly do: 'text'; readonly text: string }
  | { readonly do: 'parts'; readonly parts: readonly Uint8Array[] }
  | { readonly do: 'made'; readonly payload: Uint8Array; readonly spare: number }
  | Does<'take' | 'release' | 'release-last'>

interface Case {
  readonly slabs: number
  readonly steps: readonly Step[]
}

/** FREE_MIN is 32: with these nothing is lent, one is, or many are. */
const SLABS = [0, 1, 33, 34, 60]

export const outbox: Target<Case> = {
  name: 'outbox',
  generate: (draw) => ({ slabs: draw.pick(SLABS), steps: draw.list(8, 40, () => makeStep(draw)) }),
  check: ({ slabs, steps }) => {
    const [core, twin] = BOTH.map((codec) => play(codec, slabs, steps))
    sameBytes(core!, twin!, "the core's bytes")
  },
}

function makeStep(draw: Draw): Step {
  // At times what is larger than a slab.
  const most = draw.oneIn(64) ? 140_000 : 300
  const payload = () => draw.bytes(draw.length(most))
  const kind = draw.below(8)
  if (kind === 0) return { do: 'take' }
  if (kind === 1) return { do: 'release' }
  if (kind === 2) return { do: 'release-last' }
  if (kind === 3) return { do: 'text', text: `${makeText(draw, most)}${draw.oneIn(8) ? '\ud800' : ''}` }
  if (kind === 4) return { do: 'parts', parts: draw.list(2, 5, payload) }
  if (kind === 5) return { do: 'made', payload: draw.bytes(draw.length(300)), spare: draw.length(200) }
  return { do: 'push', payload: payload() }
}

function play(codec: Codec, slabs: number, steps: readonly Step[]): Uint8Array {
  const arena = new Arena(slabs)
  let keys = 0
  const tested = new Outbox(codec, arena, () => Math.imul(++keys, 0x9e3779b1))
  const taking = new Taking(tested)
  const meant: Uint8Array[] = []
  for (const step of steps) {
    if (step.do === 'take') taking.take()
    else if (step.do === 'release') taking.release(0)
    else if (step.do === 'release-last') taking.release(-1)
    else meant.push(push(tested, step))
    taking.judge()
  }
  taking.take()
  while (taking.held > 0) taking.release(0)
  same(tested.buffered, 0, 'bytes that are buffered in the end')
  same(arena.free, slabs, 'slabs that are free in the end')
  judgeFrames(taking.wire, meant)
  return taking.wire
}

/** Gives the payload that has to come out. */
function push(tested: Outbox, step: Exclude<Step, { do: 'take' | 'release' | 'release-last' }>): Uint8Array {
  if (step.do === 'push') {
    // What is pushed is copied: the caller may change it.
    const payload = step.payload.slice()
    tested.push(0x82, payload)
    payload.fill(0)
    return step.payload
  }
  if (step.do === 'text') {
    tested.pushText(0x82, step.text)
    return memoryText.encode(step.text)
  }
  if (step.do === 'parts') {
    tested.pushParts(0x82, step.parts)
    return Buffer.concat(step.parts)
  }
  tested.pushMade(0x82, step.payload.length + step.spare, (memory, at) => {
    memory.set(step.payload, at)
    return step.payload.length
  })
  return step.payload
}

function judgeFrames(wire: Uint8Array, meant: readonly Uint8Array[]): void {
  const frames = readClientFrames(wire)
  same(frames.length, meant.length, 'frames')
  for (const [i, { firstByte, payload }] of frames.entries()) {
    same(firstByte, 0x82, `first byte of frame ${i}`)
    sameBytes(payload, meant[i]!, `payload of frame ${i}`)
  }
}

interface Taken {
  readonly chunks: readonly Uint8Array[]
  readonly copy: Uint8Array
}

/** The socket: takes, and lets go in whatever order. */
class Taking {
  readonly #outbox: Outbox
  readonly #held: Taken[] = []
  readonly #wire: Uint8Array[] = []

  constructor(tested: Outbox) {
    this.#outbox = tested
  }

  get held(): number {
    return this.#held.length
  }

  get wire(): Uint8Array {
    return Buffer.concat(this.#wire)
  }

  take(): void {
    const chunks = this.#outbox.take()
    same(this.#outbox.isEmpty, true, 'whether the outbox is empty')
    if (chunks.length === 0) return
    const copy = bytesOf(chunks)
    this.#wire.push(copy)
    this.#held.push({ chunks, copy })
  }

  release(which: number): void {
    const [taken] = this.#held.splice(which, 1)
    if (taken) this.#outbox.release(taken.chunks)
  }

  judge(): void {
    let held = 0
    for (const { chunks, copy } of this.#held) {
      if (Buffer.compare(bytesOf(chunks), copy) !== 0) broken('Bytes that are lent were written to')
      held += copy.length
    }
    same(this.#outbox.buffered - this.#outbox.waiting, held, 'bytes that are under way')
  }
}

function bytesOf(chunks: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(chunks)
}
