import { type Choice, type Draw, ReplayDraw } from './draw.ts'
import type { Target } from './target.ts'

export interface Shrunk {
  readonly choices: readonly Choice[]
  readonly error: unknown
}

/** Tries are bounded by time, in milliseconds: a smaller case is worth a moment, not more. */
const TIME = 20_000

/** The error with which a case fails; undefined if it holds. */
export async function failureOf<Case>(target: Target<Case>, draw: Draw): Promise<unknown> {
  try {
    await target.check(target.generate(draw))
    return undefined
  } catch (error) {
    return error
  }
}

/** Makes a case that fails smaller as long as it fails: by leaving decisions out, and by making others smaller. */
export async function shrink<Case>(target: Target<Case>, found: Shrunk, until = Date.now() + TIME): Promise<Shrunk> {
  let best = found
  const attempt = async (choices: readonly Choice[]): Promise<boolean> => {
    if (Date.now() > until) return false
    const draw = new ReplayDraw(choices)
    const error = await failureOf(target, draw)
    if (error === undefined || !isSimpler(draw.drawn, best.choices)) return false
    best = { choices: draw.drawn, error }
    return true
  }
  for (let hasShrunk = true; hasShrunk; ) {
    const before = best
    await leaveOut(() => best.choices, attempt)
    await makeSmaller(() => best.choices, attempt)
    hasShrunk = best !== before
  }
  return best
}

type Attempt = (choices: readonly Choice[]) => Promise<boolean>

/** What makes up one element of a list, in decisions, is hardly ever more. */
const ELEMENT = 10

/** Leaves out decisions: many at a time first, then fewer, by all numbers that an element may be made of. */
async function leaveOut(best: () => readonly Choice[], attempt: Attempt): Promise<void> {
  for (let count = best().length; count >= 1; count = count > ELEMENT ? count >> 1 : count - 1) {
    for (let at = best().length - count; at >= 0; ) {
      const choices = best()
      const hasShrunk = await attempt([...choices.slice(0, at), ...choices.slice(at + count)])
      at = Math.min(hasShrunk ? at : at - Math.max(1, count >> 1), best().length - count)
    }
  }
}

/** Makes each decision as small as it can be. */
async function makeSmaller(best: () => readonly Choice[], attempt: Attempt): Promise<void> {
  for (let at = 0; at < best().length; at++) {
    const withChoice = (choice: Choice) => attempt(best().with(at, choice))
    const choice = best()[at]!
    if (typeof choice === 'number') await lower(choice, withChoice)
    else await blank(choice, withChoice)
  }
}

/** To 0, or by halving the way there. */
async function lower(choice: number, attempt: (choice: number) => Promise<boolean>): Promise<void> {
  if (choice === 0 || (await attempt(0))) return
  let [fine, failing] = [0, choice]
  while (failing - fine > 1) {
    const middle = Math.floor((fine + failing) / 2)
    if (await attempt(middle)) failing = middle
    else fine = middle
  }
}

/** All bytes to zero, or as many of them as can be. */
async function blank(bytes: Uint8Array, attempt: (bytes: Uint8Array) => Promise<boolean>): Promise<void> {
  if (bytes.every((byte) => byte === 0) || (await attempt(new Uint8Array(bytes.length)))) return
  let best = bytes
  for (let i = 0; i < best.length; i++) {
    const without = Uint8Array.from([...best.subarray(0, i), ...best.subarray(i + 1), 0])
    const zeroed = best.with(i, 0)
    if (await attempt(without)) best = without
    else if (best[i] !== 0 && (await attempt(zeroed))) best = zeroed
  }
}

/** Fewer decisions, or as many of which the first that differs is smaller. */
function isSimpler(a: readonly Choice[], b: readonly Choice[]): boolean {
  if (a.length !== b.length) return a.length < b.length
  for (const [i, choice] of a.entries()) {
    const difference = compare(choice, b[i]!)
    if (difference !== 0) return difference < 0
  }
  return false
}

function compare(a: Choice, b: Choice): number {
  if (typeof a === 'number' || typeof b === 'number') return Number(a) - Number(b)
  return a.length - b.length || Buffer.compare(a, b)
}
