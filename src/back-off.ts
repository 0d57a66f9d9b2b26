/** How long to wait before the next attempt: exponential, with full jitter. */
import { checkNames, checkObject } from './arguments.ts'
import { OptionsError } from './errors.ts'

/** The delays between attempts. Each is a random part of a greatest one, which grows from attempt to attempt. */
export interface BackOffOptions {
  /** The first delay is at most this long, in milliseconds. Default: 1000. */
  readonly initialDelay?: number
  /** By how much the greatest delay grows with each attempt, at least 1. Default: 2. */
  readonly factor?: number
  /**
   * No delay is longer, in milliseconds, but that a server may ask for up to an hour more by Retry-After. Default:
   * 30,000.
   */
  readonly maxDelay?: number
}

const NAMES: Readonly<Record<keyof BackOffOptions, true>> = { initialDelay: true, factor: true, maxDelay: true }
/** What setTimeout can wait for, about 24 days. */
const LONGEST_DELAY = 2 ** 31 - 1

/**
 * Milliseconds. A server that asks for more by Retry-After, by mistake or by malice, does not keep a client away for
 * longer.
 */
const LONGEST_ASKED = 60 * 60 * 1000

/** Counts the attempts that came to nothing. */
export class BackOff {
  readonly #options: Readonly<Required<BackOffOptions>>
  readonly #random: () => number
  /** What the next delay is at most. */
  #most: number

  /** Fails with an OptionsError. `random` gives numbers from 0 to 1, as Math.random does. */
  constructor(options: BackOffOptions = {}, random: () => number = Math.random) {
    this.#options = checkBackOff(options)
    this.#random = random
    this.#most = this.#options.initialDelay
  }

  /**
   * The delay before the next attempt; the one after that will be longer. What the server asks for is added, up to an
   * hour, so that not all come back at once.
   */
  next(asked = 0): number {
    const { factor, maxDelay } = this.#options
    const most = Math.min(this.#most, maxDelay)
    this.#most = Math.min(this.#most * factor, maxDelay)
    return Math.min(Math.min(asked, LONGEST_ASKED) + this.#random() * most, LONGEST_DELAY)
  }

  /** All is well: begins again. */
  reset(): void {
    this.#most = this.#options.initialDelay
  }
}

function checkBackOff(options: BackOffOptions): Required<BackOffOptions> {
  checkObject(options, 'backOff')
  checkNames('backOff.', options, NAMES)
  const { initialDelay = 1000, factor = 2, maxDelay = 30_000 } = options
  return {
    initialDelay: within('initialDelay', initialDelay, 0, LONGEST_DELAY),
    factor: within('factor', factor, 1, Number.MAX_VALUE),
    maxDelay: within('maxDelay', maxDelay, 0, LONGEST_DELAY),
  }
}

function within(name: keyof BackOffOptions, value: number, least: number, most: number): number {
  if (typeof value === 'number' && value >= least && value <= most) return value
  const range = most === LONGEST_DELAY ? `from ${least} to ${most}` : `of at least ${least}`
  throw new OptionsError(`backOff.${name}`, `backOff.${name} must be a number ${range}.`)
}
