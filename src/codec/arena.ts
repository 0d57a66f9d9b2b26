import { BLOCK_BYTES, SLABS } from './layout.ts'

/**
 * Hands out the slabs of linear memory. What is returned last is given out first, so that as little memory as possible
 * is ever touched.
 */
export class Arena {
  readonly #slabs: number
  /** Addresses of slabs that were given back. */
  readonly #returned: number[] = []
  /** The first slab that was never given out. */
  #next = 0

  constructor(slabs: number) {
    this.#slabs = slabs
  }

  /** How many slabs are free. */
  get free(): number {
    return this.#returned.length + this.#slabs - this.#next
  }

  /** The address of a slab, or undefined when all are lent. */
  acquire(): number | undefined {
    const returned = this.#returned.pop()
    if (returned !== undefined) return returned
    return this.#next < this.#slabs ? SLABS + BLOCK_BYTES * this.#next++ : undefined
  }

  /** Gives a slab back. From now on its bytes may be written by anyone. */
  release(slab: number): void {
    this.#returned.push(slab)
  }
}
