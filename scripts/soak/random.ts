/** Random numbers that are the same each time for the same seed: sfc32, seeded by a string. */
export class Random {
  readonly #state = new Int32Array(4)

  constructor(seed: string) {
    let hash = 0x811c9dc5
    for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193)
    this.#state.set([hash, Math.imul(hash, 0x9e3779b1), seed.length, 1])
    for (let i = 0; i < 12; i++) this.next()
  }

  /** 32 random bits. */
  next(): number {
    const [a, b, c, count] = this.#state as unknown as [number, number, number, number]
    const sum = (a + b + count) | 0
    this.#state[0] = b ^ (b >>> 9)
    this.#state[1] = c + (c << 3)
    this.#state[2] = ((c << 21) | (c >>> 11)) + sum
    this.#state[3] = count + 1
    return sum >>> 0
  }

  /** A number from 0 on, less than the limit. */
  below(limit: number): number {
    return Math.floor((this.next() / 2 ** 32) * limit)
  }

  chance(probability: number): boolean {
    return this.next() / 2 ** 32 < probability
  }

  /** One of the names, as often as its weight says beside those of the others. */
  pick<Name extends string>(weights: Readonly<Partial<Record<Name, number>>>): Name {
    const entries = Object.entries(weights) as [Name, number][]
    let left = this.below(entries.reduce((sum, [, weight]) => sum + weight, 0))
    for (const [name, weight] of entries) {
      if (left < weight) return name
      left -= weight
    }
    throw new Error('There is nothing to pick from.')
  }
}
