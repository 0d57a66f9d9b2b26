/** RFC 1951 and RFC 7692 §7.2.2 as they read, bit by bit: slow, and without zlib, which is what hawser inflates with. */

export interface Inflated {
  readonly content: Uint8Array
  /** Whether it refers to bytes that are no longer in the window which was agreed on. */
  readonly reachesTooFar: boolean
}

const TAIL = Uint8Array.of(0, 0, 0xff, 0xff)
const MOST_BEFORE = 2 ** 15

export class ReferenceInflater {
  #before: readonly number[] = []
  readonly #window: number
  readonly #takeover: boolean

  constructor(windowBits: number, takeover: boolean) {
    // zlib has no smaller window than this, and a larger one reads the same.
    this.#window = 2 ** Math.max(9, windowBits)
    this.#takeover = takeover
  }

  /** Undefined if the message is corrupt or incomplete; nothing can follow it then. */
  inflate(message: Uint8Array): Inflated | undefined {
    const reading = new Reading(message, this.#before)
    try {
      reading.read()
    } catch (error) {
      if (error !== CORRUPT) throw error
      return undefined
    }
    const content = Uint8Array.from(reading.output.slice(this.#before.length))
    if (this.#takeover) this.#before = reading.output.slice(-MOST_BEFORE)
    return { content, reachesTooFar: reading.farthest > this.#window }
  }
}

const CORRUPT = new Error('corrupt or incomplete')

/** The symbols of a prefix code in the order of their codes, and how many there are of each length. */
interface Code {
  readonly counts: readonly number[]
  readonly symbols: readonly number[]
}

const MOST_BITS = 15

/** RFC 1951 §3.2.2. A code in which bits are left over may have one symbol at most, as in zlib; one without symbols is of no use. */
function makeCode(lengths: readonly number[], mayBeOne = true): Code {
  const counts = Array.from({ length: MOST_BITS + 1 }, () => 0)
  for (const length of lengths) counts[length]!++
  let left = 1
  for (let bits = 1; bits <= MOST_BITS; bits++) {
    left = left * 2 - counts[bits]!
    if (left < 0) throw CORRUPT
  }
  const used = lengths.length - counts[0]!
  const isOne = used === 0 || (mayBeOne && used === 1 && counts[1] === 1)
  if (left > 0 && !isOne) throw CORRUPT
  const symbols = lengths.flatMap((length, symbol) => (length === 0 ? [] : [symbol]))
  // Sorting is stable: symbols of the same length stay in their order.
  return { counts, symbols: symbols.sort((a, b) => lengths[a]! - lengths[b]!) }
}

const runs = (...parts: readonly (readonly [count: number, length: number])[]) =>
  parts.flatMap(([count, length]) => Array.from({ length: count }, () => length))
const FIXED_LITERALS = makeCode(runs([144, 8], [112, 9], [24, 7], [8, 8]))
const FIXED_DISTANCES = makeCode(runs([32, 5]))
const ORDER_OF_LENGTHS = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
const END_OF_BLOCK = 256
const FIRST_LENGTH = 257
/** RFC 1951 §3.2.5: extra bits, from which the bases follow; the longest length has a symbol of its own. */
const LENGTH_BITS = [0, 0, 0, 0, ...[0, 1, 2, 3, 4, 5].flatMap((bits) => [bits, bits, bits, bits]), 0]
const LENGTHS = LENGTH_BITS.map((_, i) => (i === 28 ? 258 : 3 + spanOf(LENGTH_BITS.slice(0, i))))
const DISTANCE_BITS = [0, 0, ...Array.from({ length: 28 }, (_, i) => i >> 1)]
const DISTANCES = DISTANCE_BITS.map((_, i) => 1 + spanOf(DISTANCE_BITS.slice(0, i)))

function spanOf(bits: readonly number[]): number {
  return bits.reduce((sum, each) => sum + 2 ** each, 0)
}

/** One message, and what came before it. */
class Reading {
  readonly output: number[]
  farthest = 0
  readonly #bytes: Uint8Array
  /** Where the message ends, in bits, and how much output there is by then. */
  readonly #ownEnd: number
  #ownOutput: number
  /** In bits. */
  #at = 0

  constructor(message: Uint8Array, before: readonly number[]) {
    this.#bytes = Buffer.concat([message, TAIL])
    this.#ownEnd = message.length * 8
    this.output = [...before]
    this.#ownOutput = before.length
  }

  /** To the end, where a block has to end, too; what was added there must not have given anything. */
  read(): void {
    while (this.#at <= (this.#bytes.length - 1) * 8) this.#readBlock()
    if (this.output.length > this.#ownOutput) throw CORRUPT
  }

  #readBlock(): void {
    const isLast = this.#bits(1) === 1
    const type = this.#bits(2)
    if (type === 0) this.#readStored()
    else if (type === 1) this.#readSymbols(FIXED_LITERALS, FIXED_DISTANCES)
    else if (type === 2) this.#readDynamic()
    else throw CORRUPT
    // RFC 7692 §7.2.3.4: what follows the last block begins with a byte.
    if (isLast) this.#toByte()
  }

  #toByte(): void {
    this.#at = Math.ceil(this.#at / 8) * 8
  }

  #readStored(): void {
    this.#toByte()
    const length = this.#bits(16)
    if ((length ^ this.#bits(16)) !== 0xffff) throw CORRUPT
    for (let i = 0; i < length; i++) this.#put(this.#bits(8))
  }

  /** RFC 1951 §3.2.7. */
  #readDynamic(): void {
    const [literals, distances, count] = [257 + this.#bits(5), 1 + this.#bits(5), 4 + this.#bits(4)]
    if (literals > 286 || distances > 30) throw CORRUPT
    const own = ORDER_OF_LENGTHS.map(() => 0)
    for (const symbol of ORDER_OF_LENGTHS.slice(0, count)) own[symbol] = this.#bits(3)
    const code = makeCode(own, false)
    const lengths: number[] = []
    while (lengths.length < literals + distances) lengths.push(...this.#readLengths(code, lengths.at(-1)))
    if (lengths.length > literals + distances || lengths[END_OF_BLOCK] === 0) throw CORRUPT
    this.#readSymbols(makeCode(lengths.slice(0, literals)), makeCode(lengths.slice(literals)))
  }

  #readLengths(code: Code, before: number | undefined): number[] {
    const symbol = this.#symbol(code)
    if (symbol < 16) return [symbol]
    if (symbol === 17) return runs([3 + this.#bits(3), 0])
    if (symbol === 18) return runs([11 + this.#bits(7), 0])
    if (before === undefined) throw CORRUPT
    return runs([3 + this.#bits(2), before])
  }

  #readSymbols(literals: Code, distances: Code): void {
    for (;;) {
      const symbol = this.#symbol(literals)
      if (symbol === END_OF_BLOCK) return
      if (symbol < END_OF_BLOCK) this.#put(symbol)
      else this.#copy(this.#number(symbol - FIRST_LENGTH, LENGTHS, LENGTH_BITS), distances)
    }
  }

  #copy(length: number, distances: Code): void {
    const distance = this.#number(this.#symbol(distances), DISTANCES, DISTANCE_BITS)
    if (distance > this.output.length) throw CORRUPT
    this.farthest = Math.max(this.farthest, distance)
    for (let i = 0; i < length; i++) this.#put(this.output.at(-distance)!)
  }

  #number(index: number, bases: readonly number[], extra: readonly number[]): number {
    const base = bases[index]
    if (base === undefined) throw CORRUPT
    return base + this.#bits(extra[index]!)
  }

  #symbol({ counts, symbols }: Code): number {
    let [code, first, index] = [0, 0, 0]
    for (let bits = 1; bits <= MOST_BITS; bits++) {
      code += this.#bits(1)
      const count = counts[bits]!
      if (code - first < count) return symbols[index + code - first]!
      index += count
      first = (first + count) * 2
      code *= 2
    }
    throw CORRUPT
  }

  #bits(count: number): number {
    let value = 0
    for (let i = 0; i < count; i++, this.#at++) {
      const byte = this.#bytes[this.#at >> 3]
      if (byte === undefined) throw CORRUPT
      value |= ((byte >> (this.#at & 7)) & 1) << i
    }
    return value
  }

  #put(byte: number): void {
    this.output.push(byte)
    if (this.#at <= this.#ownEnd) this.#ownOutput = this.output.length
  }
}
