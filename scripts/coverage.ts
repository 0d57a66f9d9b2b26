/**
 * `npm run coverage`: which lines and branches of src the tests in Node run, those in child processes included. Prints
 * what is left. It fails below 95 %, and when docs/coverage.md does not name a file of which something is left.
 *
 *     --again     counts what was written by the last run, and runs no tests
 */
import { spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { mergeProcessCovs, type ProcessCov } from '@bcoe/v8-coverage'
import { convert } from 'ast-v8-to-istanbul'
import { parseAst } from 'vitest/node'

/** Coverage of a file as Istanbul writes it, as far as it is read here. */
interface FileCoverage {
  readonly statementMap: Readonly<Record<string, Location>>
  readonly s: Readonly<Record<string, number>>
  readonly branchMap: Readonly<Record<string, { readonly type: string; readonly loc: Location }>>
  readonly b: Readonly<Record<string, readonly number[]>>
}
interface Location {
  readonly start: { readonly line: number; readonly column: number }
}
type Coverage = Readonly<Record<string, FileCoverage>>

/** How often each line was run, and each way of each branch by the place where it begins. */
interface Hits {
  readonly lines: Map<number, number>
  readonly branches: Map<string, { readonly line: number; count: number }>
}

const LEAST = 95
const root = fileURLToPath(new URL('..', import.meta.url))
const children = `${root}coverage/children`
const { values } = parseArgs({ options: { again: { type: 'boolean', default: false } } })

async function readJson(file: string): Promise<unknown> {
  return JSON.parse(await readFile(file, 'utf8'))
}

/** What the child processes have run: the sources themselves, without their types. */
async function coverageOfChildren(): Promise<Coverage> {
  const names = await readdir(children)
  const processes = await Promise.all(names.map((name) => readJson(`${children}/${name}`) as Promise<ProcessCov>))
  const sources = processes.map(({ result }) => ({
    result: result.filter(({ url }) => url.startsWith(`file://${root}src/`)),
  }))
  const coverage: Record<string, FileCoverage> = {}
  for (const script of mergeProcessCovs(sources).result) {
    const code = stripTypeScriptTypes(await readFile(fileURLToPath(script.url), 'utf8'))
    Object.assign(coverage, await convert({ code, ast: parseAst(code), coverage: script }))
  }
  return coverage
}

function hitsOf({ statementMap, s, branchMap, b }: FileCoverage): Hits {
  const hits: Hits = { lines: new Map(), branches: new Map() }
  for (const [id, { start }] of Object.entries(statementMap))
    hits.lines.set(start.line, Math.max(hits.lines.get(start.line) ?? 0, s[id]!))
  for (const [id, { type, loc }] of Object.entries(branchMap)) {
    const { line, column } = loc.start
    for (const [way, count] of b[id]!.entries()) hits.branches.set(`${type} ${line}:${column} ${way}`, { line, count })
  }
  return hits
}

/** Adds what the other has counted at the same places. */
function add(hits: Hits, other: Hits): void {
  for (const [line, count] of other.lines) {
    const before = hits.lines.get(line)
    if (before !== undefined) hits.lines.set(line, before + count)
  }
  for (const [place, { count }] of other.branches) {
    const branch = hits.branches.get(place)
    if (branch !== undefined) branch.count += count
  }
}

class Sum {
  lines = 0
  linesRun = 0
  branches = 0
  branchesRun = 0

  add({ lines, branches }: Hits): void {
    this.lines += lines.size
    this.linesRun += [...lines.values()].filter((count) => count > 0).length
    this.branches += branches.size
    this.branchesRun += [...branches.values()].filter(({ count }) => count > 0).length
  }

  get least(): number {
    return 100 * Math.min(this.linesRun / this.lines, this.branchesRun / this.branches)
  }

  show(name: string): string {
    const share = (run: number, all: number) => `${all === 0 ? '' : ((100 * run) / all).toFixed(2)}`.padStart(8)
    return `${name.padEnd(16)}${share(this.linesRun, this.lines)} %${share(this.branchesRun, this.branches)} %`
  }
}

/** The lines that are not run, and those of the branches of which one way is not taken. */
function leftOf({ lines, branches }: Hits): string {
  const missed = [...lines].filter(([, count]) => count === 0).map(([line]) => line)
  const oneSided = [...branches.values()].filter(({ count }) => count === 0).map(({ line }) => line)
  const list = (name: string, numbers: readonly number[]) =>
    numbers.length === 0 ? '' : `  ${name} ${[...new Set(numbers)].sort((a, b) => a - b).join(' ')}`
  return list('lines', missed) + list('branches', oneSided)
}

if (!values.again) {
  await rm(`${root}coverage`, { recursive: true, force: true })
  await mkdir(children, { recursive: true })
  const vitest = [`${root}node_modules/vitest/vitest.mjs`, 'run', '--config', 'vitest.coverage.config.ts']
  const env = { ...process.env, COVERAGE_OF_CHILDREN: children }
  const { status } = spawnSync(process.execPath, vitest, { cwd: root, env, stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}

const inVitest = (await readJson(`${root}coverage/coverage-final.json`)) as Coverage
const inChildren = await coverageOfChildren()
const reasons = await readFile(`${root}docs/coverage.md`, 'utf8')
const sums = new Map<string, Sum>()
const all = new Sum()
/** Files of which docs/coverage.md says too little, or too much. */
const unnamed: string[] = []
const outdated: string[] = []
for (const [path, coverage] of Object.entries(inVitest).sort(([a], [b]) => (a < b ? -1 : 1))) {
  const file = path.slice(root.length)
  const hits = hitsOf(coverage)
  if (inChildren[path] !== undefined) add(hits, hitsOf(inChildren[path]))
  const sum = sums.get(dirname(file)) ?? new Sum()
  sum.add(hits)
  all.add(hits)
  sums.set(dirname(file), sum)
  const left = leftOf(hits)
  const isNamed = reasons.includes(`\`${file}\``)
  if (left !== '') console.log(`${file}${left}`)
  if (left !== '' && !isNamed) unnamed.push(file)
  if (left === '' && isNamed) outdated.push(file)
}
console.log(`\n${''.padEnd(16)}     lines   branches`)
for (const [directory, sum] of [...sums].sort()) console.log(sum.show(directory))
console.log(all.show('all'))
for (const file of unnamed) console.log(`docs/coverage.md gives no reason for what is left of ${file}.`)
for (const file of outdated) console.log(`docs/coverage.md gives a reason for ${file}, of which nothing is left.`)
if (all.least < LEAST) console.log(`That is less than ${LEAST} %.`)
process.exit(all.least < LEAST || unnamed.length > 0 ? 1 : 0)
