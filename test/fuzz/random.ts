/** Chris Doty-Humphrey's sfc32: 128 bits of state, fast, and good enough for PractRand. */
export class Random {
  #a = 0
  #b = 0
  #c = 0
  #counter = 1

  /** Begins the sequence of one execution: the same numbers give the same sequence, others an unrelated one. */
  seed(seed: number, stream: number, execution: number): void {
    this.#a = scramble(seed)
    this.#b = scramble(stream ^ Math.floor(execution / 2 ** 32))
    this.#c = scramble(execution)
    this.#counter = 1
    // What the state began with has left no trace after so many steps.
    for (let i = 0; i < 12; i++) this.next()
  }

  /** 32 random bits, as an unsigned number. */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }
}

/** The finish of MurmurHash3: each bit of the input changes half of the output. */
function scramble(value: number): number {
  let bits = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return bits ^ (bits >>> 16)
}

/** The number that stands for a name. */
export function hash(name: string): number {
  let value = 0x811c9dc5
  for (const character of name) value = Math.imul(value ^ character.charCodeAt(0), 0x01000193)
  return value
}
