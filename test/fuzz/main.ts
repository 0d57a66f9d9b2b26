/**
 * `npm run fuzz`: random cases against everything that reads what a peer sends, and against the drivers. Each case follows from the
 * target, the seed and the number of the execution. A failure prints all three, and a minimal case; then the exit code is 1.
 *
 *     --seconds N      how long, shared equally by the targets (60, or without end if --executions is given)
 *     --executions N   at most so many for each target
 *     --seed S         the seed (a fresh one)
 *     --target NAME    this target alone; may be repeated
 *     --execution N    this execution alone
 */
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import type { Job } from './in-worker.ts'
import { caseAt, errorText, type Failure, failureText, type Outcome } from './run.ts'
import { TARGETS } from './targets.ts'

/** An execution that takes so long hangs, in milliseconds. */
const HANGS_AFTER = 30_000

const { values } = parseArgs({
  options: {
    seconds: { type: 'string' },
    executions: { type: 'string' },
    seed: { type: 'string' },
    target: { type: 'string', multiple: true },
    execution: { type: 'string' },
  },
})

const names = values.target ?? [...TARGETS.keys()]
const unknown = names.find((name) => !TARGETS.has(name))
if (unknown !== undefined) throw new Error(`There is no target ${unknown}, but ${[...TARGETS.keys()].join(', ')}.`)

const seed = wholeNumber('seed') ?? Math.floor(Math.random() * 2 ** 32)
const only = wholeNumber('execution')
const executions = only === undefined ? (wholeNumber('executions') ?? Infinity) : 1
const seconds = wholeNumber('seconds') ?? (executions === Infinity ? 60 : Infinity)

function wholeNumber(name: 'seconds' | 'executions' | 'seed' | 'execution'): number | undefined {
  const text = values[name]
  if (text === undefined) return undefined
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`--${name} takes a whole number.`)
  return number
}

/** Runs a target in a thread of its own. If the thread hangs or dies, `progress` says in which execution. */
function runInThread(job: Job): Promise<Outcome | { readonly problem: string }> {
  const worker = new Worker(new URL('in-worker.ts', import.meta.url), { workerData: job })
  return new Promise((resolve) => {
    let last = -1n
    let movedAt = Date.now()
    const watch = setInterval(() => {
      const execution = job.progress[0]!
      if (execution !== last) movedAt = Date.now()
      last = execution
      if (Date.now() - movedAt > HANGS_AFTER) finish({ problem: 'it hangs.' })
    }, 250)
    const finish = (result: Outcome | { readonly problem: string }) => {
      clearInterval(watch)
      worker.removeAllListeners()
      worker.terminate().then(() => resolve(result))
    }
    worker.once('message', (outcome: Outcome) => finish(outcome))
    worker.once('exit', () => finish({ problem: 'it never ends.' }))
    worker.once('error', (error) => finish({ problem: errorText(error) }))
  })
}

function row(cells: readonly string[]): string {
  return `${cells[0]!.padEnd(18)}${cells
    .slice(1)
    .map((cell) => cell.padStart(14))
    .join('')}`
}

function figures(name: string, count: number, time: number): string {
  const rate = Math.round((count * 1000) / Math.max(time, 1))
  return row([name, count.toLocaleString('en'), `${(time / 1000).toFixed(1)} s`, `${rate.toLocaleString('en')}/s`])
}

function tellFailure(failure: Failure): void {
  console.log(failureText(failure))
  process.exitCode = 1
}

console.log(`Node ${process.version}, seed ${seed}\n\n${row(['target', 'executions', 'time', 'rate'])}`)
let total = 0
let totalTime = 0
for (const target of names) {
  const progress = new BigInt64Array(new SharedArrayBuffer(8))
  const time = (seconds * 1000) / names.length
  const outcome = await runInThread({ target, seed, time, executions, first: only ?? 0, progress })
  if ('problem' in outcome) {
    const execution = Number(progress[0])
    const smallest = caseAt(TARGETS.get(target)!, seed, execution)
    tellFailure({ target, seed, execution, error: outcome.problem, smallest })
    continue
  }
  console.log(figures(target, outcome.executions, outcome.time))
  total += outcome.executions
  totalTime += outcome.time
  if (outcome.failure) tellFailure(outcome.failure)
}
console.log(figures('all', total, totalTime))
