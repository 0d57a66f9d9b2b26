/** Time that passes only when it is told to, in place of the timers and the clock of the runtime. */
interface Timer {
  readonly callback: () => void
  readonly at: number
}

type Globals = Pick<typeof globalThis, 'setTimeout' | 'clearTimeout'>

export class Clock implements Disposable {
  #now = 1000
  readonly #timers = new Map<object, Timer>()
  readonly #real: Globals = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout }

  /** From now on, until it is disposed of. */
  constructor() {
    const set = (callback: (...args: unknown[]) => void, delay = 0, ...args: unknown[]) =>
      this.#set(() => callback(...args), delay)
    const clear = (timer: object) => this.#timers.delete(timer)
    Object.assign(globalThis, { setTimeout: set, clearTimeout: clear })
    Object.defineProperty(performance, 'now', { value: () => this.#now, configurable: true })
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size
  }

  /** Goes on to the next timer, and lets it fire, if there is one. */
  fireNext(): void {
    let next: [object, Timer] | undefined
    for (const entry of this.#timers) if (next === undefined || entry[1].at < next[1].at) next = entry
    if (next === undefined) return
    const [handle, { at, callback }] = next
    this.#timers.delete(handle)
    this.#now = Math.max(this.#now, at)
    callback()
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, this.#real)
    Reflect.deleteProperty(performance, 'now')
  }

  #set(callback: () => void, delay: number): object {
    const handle = { unref: () => handle }
    this.#timers.set(handle, { callback, at: this.#now + delay })
    return handle
  }
}
