/** Lets all slots run, come to rest together, or end. */
export class Pace {
  #phase: 'run' | 'rest' | 'end' = 'run'
  readonly #slots: number
  /** Those that wait for nothing but the time. */
  readonly #sleeping = new Set<() => void>()
  /** Those that rest. */
  readonly #resting: (() => void)[] = []
  #onRest: (() => void) | undefined

  constructor(slots: number) {
    this.#slots = slots
  }

  get isResting(): boolean {
    return this.#phase === 'rest'
  }

  get isEnding(): boolean {
    return this.#phase === 'end'
  }

  /** Waits, but no longer than until something else is wanted. */
  sleep(milliseconds: number): Promise<void> {
    if (this.#phase !== 'run') return Promise.resolve()
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        this.#sleeping.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, milliseconds)
      this.#sleeping.add(wake)
    })
  }

  /** A slot has come to rest; resolves when it is to go on, or to end. */
  park(): Promise<void> {
    return new Promise((resolve) => {
      this.#resting.push(resolve)
      if (this.#resting.length === this.#slots) this.#onRest?.()
    })
  }

  /** Resolves when all slots rest. */
  rest(): Promise<void> {
    return new Promise((resolve) => {
      this.#onRest = resolve
      this.#phase = 'rest'
      for (const wake of this.#sleeping) wake()
    })
  }

  goOn(): void {
    this.#wake('run')
  }

  /** To be called at rest. */
  end(): void {
    this.#wake('end')
  }

  #wake(phase: 'run' | 'end'): void {
    this.#phase = phase
    for (const resume of this.#resting.splice(0)) resume()
  }
}

/** Milliseconds that anything may take on a machine with much else to do. */
const LONGEST = 45_000

/** What a promise gives, unless it takes so long that it must be stuck. */
export async function within<T>(promise: Promise<T>, late: () => Error): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), LONGEST)
  })
  try {
    return await Promise.race([promise, limit])
  } finally {
    clearTimeout(timer)
  }
}
