import type { Draw } from '../draw.ts'

/** The most bytes in a chunk; what is beyond the last is cut anyhow. */
const CUTS = [Infinity, 1, 2, 7, 40, 400] as const

/** The lengths of the chunks that bytes come in, in turn: all of it, byte by byte, or anything between. */
export function makeCuts(draw: Draw): number[] {
  const most = draw.pick(CUTS)
  if (most === Infinity) return []
  return Array.from({ length: 1 + draw.below(4) }, () => 1 + draw.below(most))
}

/** Cuts bytes into chunks of these lengths, over and over; without any it stays whole. */
export function cut(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  if (cuts.length === 0) return [bytes]
  const chunks: Uint8Array[] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const end = at + cuts[i % cuts.length]!
    chunks.push(bytes.subarray(at, end))
    at = end
  }
  return chunks
}

/** Changes bytes as a bad line or a bad peer would: bits flipped, bytes changed, doubled, left out, and put in. */
export function mutate(draw: Draw, bytes: Uint8Array, average = 1): Uint8Array {
  let mutated = bytes
  for (const _ of draw.list(average, 8, () => undefined)) mutated = mutateOnce(draw, mutated)
  return mutated
}

function mutateOnce(draw: Draw, bytes: Uint8Array): Uint8Array {
  const at = draw.below(bytes.length + 1)
  const kind = draw.below(6)
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
  if (kind === 0) return before
  if (kind === 1) return Buffer.concat([before, draw.bytes(1 + draw.below(8)), after])
  if (kind === 2) return Buffer.concat([before, after.subarray(1 + draw.below(8))])
  if (kind === 3) return Buffer.concat([before, after.subarray(0, 1 + draw.below(40)), after])
  const mutated = new Uint8Array(bytes)
  if (at < bytes.length) mutated[at] = kind === 4 ? mutated[at]! ^ (1 << draw.below(8)) : draw.below(256)
  return mutated
}
