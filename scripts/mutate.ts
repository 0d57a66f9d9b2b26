/**
 * `npm run mutate`: breaks the sources at one place after another, and looks whether a test notices.
 *
 *     --only PATH     files whose path begins with this; may be repeated (src/codec, src/protocol, assembly)
 *     --share N       one mutant in N of each file, which the seed chooses (1)
 *     --seed N        (1)
 *     --runners N     processes (as many as there are cores)
 *
 * It is a script of our own since the core is AssemblyScript, which Stryker does not know.
 *
 * It fails when a mutant survives that mutation/accepted.ts gives no reason for, or when one that is accepted there does
 * not survive any more.
 */
import { globSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ACCEPTED } from './mutation/accepted.ts'
import { findMutants, type Mutant } from './mutation/mutants.ts'
import type { Verdict } from './mutation/runner.ts'
import { namesOf, stagesOf } from './mutation/tests.ts'
import { WarmRunner } from './mutation/warm-runner.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: ['src/codec', 'src/protocol', 'src/random-words', 'assembly'] },
    share: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    runners: { type: 'string', default: String(availableParallelism()) },
  },
})
const share = Number(values.share)

/** The first is built, and workerd alone runs the second: `npm run test:workerd` proves it. */
const LEFT_OUT = ['src/codec/core.generated.ts', 'src/codec/load.workerd.ts']
/** So many times as long as without a mutant, and some more to begin with, may its tests take. */
const PATIENCE = 4
const LEAST_PATIENCE = 5000

const files = globSync(['src/{codec,protocol,driver,deflate}/*.ts', 'src/random-words.ts', 'assembly/*.ts'], {
  cwd: root,
})
  .filter((file) => !LEFT_OUT.includes(file) && values.only.some((only) => file.startsWith(only)))
  .sort()
const mutants = files
  .flatMap((file) => findMutants(file, readFileSync(root + file, 'utf8')))
  .filter((_, index) => (index * 7919 + Number(values.seed)) % share === 0)

/** How long the tests of a stage take when nothing is broken, in milliseconds. */
const usual = new Map<string, number>()

async function judge(runner: WarmRunner, { file, source }: Mutant): Promise<Verdict> {
  const names = namesOf(file)
  for (const tests of stagesOf(file, root)) {
    const key = [...tests, names].join()
    if (!usual.has(key)) {
      const began = performance.now()
      if ((await runner.judge({ file, source: undefined, tests, names }, 300_000)) !== 'survived')
        throw new Error(`The tests of ${file} fail as it is.`)
      usual.set(key, performance.now() - began)
    }
    const verdict = await runner.judge({ file, source, tests, names }, LEAST_PATIENCE + PATIENCE * usual.get(key)!)
    if (verdict !== 'survived') return verdict
  }
  return 'survived'
}

const reasons = new Map<string, string>(
  ACCEPTED.flatMap(({ file, reason, changes }) => changes.map((change) => [`${file}: ${change}`, reason] as const)),
)
const nameOf = ({ file, change }: Mutant) => `${file}: ${change}`
const counts = { killed: 0, survived: 0, invalid: 0 }
const survivors = new Set<string>()
let unexplained = 0

function note(mutant: Mutant, verdict: Verdict): void {
  counts[verdict]++
  if (verdict !== 'survived') return
  survivors.add(nameOf(mutant))
  if (reasons.has(nameOf(mutant))) return
  unexplained++
  console.log(`SURVIVED ${mutant.file}:${mutant.line}  ${mutant.change}`)
}

const began = performance.now()
const queue = mutants.values()
await Promise.all(
  Array.from({ length: Number(values.runners) }, async () => {
    const runner = new WarmRunner()
    for (const mutant of queue) note(mutant, await judge(runner, mutant))
    runner.close()
  }),
)

const names = new Set(mutants.map(nameOf))
const stale = [...reasons.keys()].filter(
  (name) =>
    !survivors.has(name) && (names.has(name) || (share === 1 && files.includes(name.slice(0, name.indexOf(':'))))),
)
for (const name of stale) console.log(`ACCEPTED, and yet killed or not there: ${name}`)
const seconds = Math.round((performance.now() - began) / 1000)
console.log(
  `${mutants.length} mutants in ${files.length} files: ${counts.killed} killed, ${survivors.size} survive ` +
    `(${unexplained} without a reason), ${counts.invalid} do not compile; ${seconds} s`,
)
process.exitCode = unexplained + stale.length > 0 ? 1 : 0
