/**
 * `npm run conformance`: RFC 6455 and RFC 7692, rule by rule, over every transport of bytes. The results are compared
 * with results.json; a difference is shown, and fails the run.
 *
 *     --update           writes results.json
 *     --only TEXT        only the cases whose group or name contains TEXT
 *     --transport NAME   only this transport; may be given again
 */
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { GROUPS, isCaseSelected } from './cases.ts'
import { inParallel } from './parallel.ts'
import { differencesOf, keyOf, type Line, readResults, writeResults } from './results.ts'
import { summaryOf } from './summary.ts'
import type { ThreadResult, ThreadTask } from './thread.ts'
import { TRANSPORTS } from './transports.ts'

const { values } = parseArgs({
  options: {
    update: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    transport: { type: 'string', multiple: true, default: Object.keys(TRANSPORTS) },
  },
})

/** One for each core that may be expected; that of HTTP/2 waits much. */
const TRANSPORTS_AT_A_TIME = 2

const unknown = values.transport.find((name) => !Object.hasOwn(TRANSPORTS, name))
if (unknown !== undefined) throw new Error(`No transport ${unknown}: there are ${Object.keys(TRANSPORTS).join(', ')}`)

const isSelected = ({ transport, group, name }: Line) =>
  values.transport.includes(transport) && isCaseSelected(values.only, group, name)

async function runInThread(task: ThreadTask): Promise<ThreadResult> {
  const thread = new Worker(new URL('thread.ts', import.meta.url), { workerData: task })
  const [result] = await once(thread, 'message')
  return result
}

/** All lines in the order of the cases: those that were run, and those of before that were not. */
function merged(committed: readonly Line[], now: readonly Line[]): Line[] {
  const known = new Map([...committed, ...now].map((line) => [keyOf(line), line]))
  const order = GROUPS.flatMap(({ name: group, cases }) =>
    cases.flatMap(({ name }) =>
      Object.keys(TRANSPORTS).map((transport) => known.get(keyOf({ transport, group, name }))),
    ),
  )
  return order.filter((line) => line !== undefined)
}

const ran: ThreadResult[] = []
await inParallel(values.transport, TRANSPORTS_AT_A_TIME, async (transport, index) => {
  ran[index] = await runInThread({ transport, only: values.only })
})
const now = ran.flatMap(({ lines }) => lines)
const costs = ran.map(({ cost }) => cost)
console.log(`${summaryOf(now, costs)}\n`)

const committed = await readResults()
const differences = differencesOf(committed.filter(isSelected), now)
if (values.update) {
  await writeResults(merged(committed, now))
  console.log(`results.json is written: ${differences.length} lines of difference.`)
} else if (differences.length > 0) {
  console.log(`${differences.join('\n')}\n\nThis is not what results.json says.`)
  process.exitCode = 1
} else {
  console.log('As results.json says.')
}
