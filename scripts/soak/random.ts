import { Random as Bits, hash } from '../../test/fuzz/random.ts'

/** Random choices that are the same each time for the same seed. */
export class Random extends Bits {
  constructor(seed: string) {
    super()
    this.seed(hash(seed), seed.length, 0)
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
