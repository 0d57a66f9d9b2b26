import { type Choice, NotingDraw, ReplayDraw, SeededDraw } from './draw.ts'
import { hash } from './random.ts'
import { failureOf, shrink } from './shrink.ts'
import { show, showCase, type Target } from './target.ts'

export interface Plan {
  readonly seed: number
  /** Milliseconds. */
  readonly time: number
  readonly executions: number
  /** The number of the first execution. */
  readonly first?: number
  /** Told before each execution. */
  readonly onProgress?: (execution: number) => void
}

export interface Failure {
  readonly target: string
  readonly seed: number
  readonly execution: number
  /** With its stack. */
  readonly error: string
  /** The smallest case that fails like it, or the one that has failed if it did so only once. */
  readonly smallest: string
}

export interface Outcome {
  readonly executions: number
  /** Milliseconds. */
  readonly time: number
  readonly failure: Failure | undefined
}

/** So many executions are made without a look at the clock. */
const BATCH = 32

/** Makes executions of a target until there have been enough of them, or one has failed. */
export async function run(target: Target, plan: Plan): Promise<Outcome> {
  const { seed, first = 0, time, executions, onProgress } = plan
  const draw = new SeededDraw()
  const stream = hash(target.name)
  const startedAt = performance.now()
  let execution = first
  let failed: number | undefined
  while (execution < first + executions && performance.now() - startedAt < time && failed === undefined) {
    const end = Math.min(first + executions, execution + BATCH)
    for (; execution < end && failed === undefined; execution++) {
      onProgress?.(execution)
      draw.begin(seed, stream, execution)
      const held = holds(target, draw)
      if (!(typeof held === 'boolean' ? held : await held)) failed = execution
    }
  }
  const elapsed = performance.now() - startedAt
  const failure = failed === undefined ? undefined : await explain(target, seed, failed)
  return { executions: execution - first, time: elapsed, failure }
}

/** A promise is waited for only where there is one. */
function holds(target: Target, draw: SeededDraw): boolean | Promise<boolean> {
  try {
    const checked = target.check(target.generate(draw))
    if (checked === undefined) return true
    return checked.then(
      () => true,
      () => false,
    )
  } catch {
    return false
  }
}

/** What a failure prints: all that it takes to have it again, and a case to make a test of. */
export function failureText({ target, seed, execution, error, smallest }: Failure): string {
  const repeat = `npm run fuzz -- --target ${target} --seed ${seed} --execution ${execution}`
  return `\n${target} failed, seed ${seed}, execution ${execution}: ${error}\n\n${smallest}\n\nAgain: ${repeat}\n`
}

export function errorText(error: unknown): string {
  return error instanceof Error ? (error.stack ?? show(error)) : show(error)
}

/** The case of one execution, as it was generated. */
export function caseAt(target: Target, seed: number, execution: number): string {
  const draw = new SeededDraw()
  draw.begin(seed, hash(target.name), execution)
  return describe(target, target.generate(draw))
}

/** Makes a failed execution once more, and a small case of it. */
async function explain(target: Target, seed: number, execution: number): Promise<Failure> {
  const seeded = new SeededDraw()
  seeded.begin(seed, hash(target.name), execution)
  const noting = new NotingDraw(seeded)
  const error = await failureOf(target, noting)
  const told = { target: target.name, seed, execution }
  if (error === undefined) {
    return { ...told, error: 'It failed once, but not when it was repeated.', smallest: caseOf(target, noting.drawn) }
  }
  const shrunk = await shrink(target, { choices: noting.drawn, error })
  return { ...told, error: errorText(shrunk.error), smallest: caseOf(target, shrunk.choices) }
}

function caseOf(target: Target, choices: readonly Choice[]): string {
  return describe(target, target.generate(new ReplayDraw(choices)))
}

function describe(target: Target, fuzzed: unknown): string {
  return target.show?.(fuzzed) ?? showCase(fuzzed)
}
