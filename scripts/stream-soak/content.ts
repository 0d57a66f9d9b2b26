/** What is streamed: no two blocks are the same, and both sides can make them. */
import { createHash, type Hash } from 'node:crypto'

const BLOCK = 65_536
const SOURCE = 16 * BLOCK

/** Numbers that look random, the same each time. */
function source(compressible: boolean): Buffer {
  const bytes = Buffer.alloc(SOURCE + BLOCK)
  let state = 1
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 16
  }
  if (!compressible) return bytes.map(() => next() & 0xff) as Buffer
  const words = Array.from({ length: 500 }, () => `${next().toString(36)}${next().toString(36)} `)
  for (let at = 0; at < bytes.length; ) at += bytes.write(words[next() % words.length]!, at, 'latin1')
  return bytes
}

/** So many bytes, block by block, and their hash as they go. */
export class Content {
  readonly #source: Buffer
  readonly #block = Buffer.alloc(BLOCK)
  readonly #hash = createHash('sha256')
  #left: number
  #count = 0

  constructor(bytes: number, compressible: boolean) {
    this.#source = source(compressible)
    this.#left = bytes
  }

  /** The next block, which is there until the one after it is asked for; undefined when there is none. */
  next(): Buffer | undefined {
    if (this.#left === 0) return undefined
    const from = (this.#count * 4099) % SOURCE
    const block = this.#block.subarray(0, Math.min(BLOCK, this.#left))
    block.set(this.#source.subarray(from, from + block.length))
    if (block.length >= 8) block.writeDoubleLE(this.#count)
    this.#count++
    this.#left -= block.length
    this.#hash.update(block)
    return block
  }

  digest(): string {
    return this.#hash.digest('hex')
  }
}

export function newHash(): Hash {
  return createHash('sha256')
}
