/**
 * A process that runs the tests of one mutant after another, warm: only the source that is changed is loaded anew. One
 * that never ends is ended by the parent, together with this process.
 */
import { fileURLToPath } from 'node:url'
import { createVitest } from 'vitest/node'
import { node } from '../../vitest.config.ts'
import { compileCore, inlined } from '../build-core.ts'

export interface Task {
  readonly file: string
  /** As it is to be run; undefined for the file as it is. */
  readonly source: string | undefined
  readonly tests: readonly string[]
  /** What the names of the tests have to match. */
  readonly names: string
}

/** `invalid` does not compile. */
export type Verdict = 'killed' | 'survived' | 'invalid'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** What is loaded instead of the file of that path. */
const changed = new Map<string, string>()

const vitest = await createVitest(
  { config: false, root, watch: false, reporters: [{}] },
  {
    ...node,
    plugins: [{ name: 'mutant', enforce: 'pre', load: (id: string) => changed.get(id) }],
    test: {
      ...node.test,
      exclude: [],
      pool: 'threads',
      isolate: false,
      maxWorkers: 1,
      bail: 1,
      testTimeout: 60_000,
      // It goes by the files, which do not change.
      fsModuleCache: false,
    },
  },
)
const project = vitest.projects[0]!

/** Puts the mutant where the tests will load it; false if it is none. */
async function change({ file, source }: Task): Promise<boolean> {
  for (const path of changed.keys()) vitest.invalidateFile(path)
  changed.clear()
  if (source === undefined) return true
  const isCore = file.startsWith('assembly/')
  const text = isCore ? await coreOf(file, source) : source
  if (text === undefined) return false
  const path = root + (isCore ? 'src/codec/core.generated.ts' : file)
  changed.set(path, text)
  vitest.invalidateFile(path)
  return true
}

async function coreOf(file: string, source: string): Promise<string | undefined> {
  try {
    return inlined(await compileCore({ [file]: source }))
  } catch {
    return undefined
  }
}

async function judge(task: Task): Promise<Verdict> {
  if (!(await change(task))) return 'invalid'
  // Else the failures of the last mutant would be counted again.
  vitest.state.filesMap.clear()
  vitest.state.idMap.clear()
  vitest.state.clearErrors()
  vitest.setGlobalTestNamePattern(new RegExp(task.names))
  const specifications = task.tests.map((test) => project.createSpecification(root + test))
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications)
  const isGood = unhandledErrors.length === 0 && testModules.every((module) => module.ok())
  return isGood ? 'survived' : 'killed'
}

process.on('message', async (task: Task) => process.send!(await judge(task)))
process.on('disconnect', () => process.exit())
process.send!('ready')
