import { Random } from './random.ts'

/** One decision of a generator. */
export type Choice = number | Uint8Array

/**
 * Where a generator takes its decisions from. The first of several possibilities is the simplest one: to shrink a case is to leave out
 * decisions and to make others smaller, and 0 is what is drawn when there are no more.
 */
export abstract class Draw {
  /** An integer from 0 to `bound` - 1. */
  abstract below(bound: number): number

  /** Any bytes. */
  abstract bytes(length: number): Uint8Array

  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  /** True once in so many times. */
  oneIn(count: number): boolean {
    return this.below(count) === count - 1
  }

  pick<T>(possibilities: readonly T[]): T {
    return possibilities[this.below(possibilities.length)]!
  }

  /** Elements until a coin says that it is enough; `average` is how many there are, about, `most` how many there can be. */
  list<T>(average: number, most: number, make: () => T): T[] {
    const made: T[] = []
    while (made.length < most && this.below(average + 1) !== 0) made.push(make())
    return made
  }

  /** A length: small most of the time, `most` at times. */
  length(most: number): number {
    const kind = this.below(16)
    const length = this.below(Math.min(most, kind < 8 ? 12 : kind < 14 ? 140 : most) + 1)
    // A small one is taken as it is: to shrink it, a simpler kind will do.
    return kind === 15 && length * 2 > most ? most - (length % 3) : length
  }

  /** 32 bits, signed. */
  word(): number {
    return this.below(2 ** 32) | 0
  }
}

/** Draws from the random numbers of one execution after the other. */
export class SeededDraw extends Draw {
  readonly #random = new Random()

  begin(seed: number, stream: number, execution: number): void {
    this.#random.seed(seed, stream, execution)
  }

  below(bound: number): number {
    return Math.floor((this.#random.next() / 2 ** 32) * bound)
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; ) {
      for (let bits = this.#random.next(), i = 0; i < 4 && at < length; i++, bits >>>= 8) bytes[at++] = bits
    }
    return bytes
  }
}

/** Draws what is given, and notes what was made of it. */
export class ReplayDraw extends Draw {
  /** What was drawn: as few choices as this case needs. */
  readonly drawn: Choice[] = []
  readonly #given: Iterator<Choice>

  constructor(given: Iterable<Choice>) {
    super()
    this.#given = given[Symbol.iterator]()
  }

  below(bound: number): number {
    const { value } = this.#given.next()
    const choice = typeof value === 'number' ? Math.min(value, bound - 1) : 0
    this.drawn.push(choice)
    return choice
  }

  bytes(length: number): Uint8Array {
    const { value } = this.#given.next()
    const bytes = new Uint8Array(length)
    if (value instanceof Uint8Array) bytes.set(value.subarray(0, length))
    this.drawn.push(bytes)
    // Whoever gets them may change them.
    return bytes.slice()
  }
}

/** Draws as another one does, and notes it. */
export class NotingDraw extends Draw {
  readonly drawn: Choice[] = []
  readonly #draw: Draw

  constructor(draw: Draw) {
    super()
    this.#draw = draw
  }

  below(bound: number): number {
    const choice = this.#draw.below(bound)
    this.drawn.push(choice)
    return choice
  }

  bytes(length: number): Uint8Array {
    const bytes = this.#draw.bytes(length)
    this.drawn.push(bytes.slice())
    return bytes
  }
}
