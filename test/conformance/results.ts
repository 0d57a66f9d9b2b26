/** The committed results: one line for each case on which all transports agree. */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { TRANSPORTS } from './transports.ts'

/** By group and case: the verdict of all transports, or one for each. */
export type Results = Record<string, Record<string, string | Record<string, string>>>

/** One verdict and where it stands. */
export interface Line {
  readonly transport: string
  readonly group: string
  readonly name: string
  readonly verdict: string
}

const FILE = fileURLToPath(new URL('results.json', import.meta.url))

export async function readResults(): Promise<Line[]> {
  const text = await readFile(FILE, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}'
    throw error
  })
  const results = JSON.parse(text) as Results
  return Object.entries(results).flatMap(([group, cases]) =>
    Object.entries(cases).flatMap(([name, verdicts]) =>
      Object.keys(TRANSPORTS).flatMap((transport) => {
        const verdict = typeof verdicts === 'string' ? verdicts : verdicts[transport]
        return verdict === undefined ? [] : [{ transport, group, name, verdict }]
      }),
    ),
  )
}

/** Writes lines in the order in which they are given. */
export async function writeResults(lines: readonly Line[]): Promise<void> {
  const results: Results = {}
  for (const [group, ofGroup] of Map.groupBy(lines, (line) => line.group)) {
    const cases = Map.groupBy(ofGroup, (line) => line.name)
    results[group] = Object.fromEntries([...cases].map(([name, ofCase]) => [name, together(ofCase)]))
  }
  await writeFile(FILE, `${JSON.stringify(results, null, 2)}\n`)
}

/** One verdict if it is that of every transport. */
function together(lines: readonly Line[]): string | Record<string, string> {
  const verdicts = new Set(lines.map(({ verdict }) => verdict))
  const isEveryones = verdicts.size === 1 && lines.length === Object.keys(TRANSPORTS).length
  if (isEveryones) return lines[0]!.verdict
  return Object.fromEntries(lines.map(({ transport, verdict }) => [transport, verdict]))
}

/** How `now` differs from what is committed, as lines of a diff. */
export function differencesOf(committed: readonly Line[], now: readonly Line[]): string[] {
  const before = new Map(committed.map((line) => [keyOf(line), line.verdict]))
  const after = new Map(now.map((line) => [keyOf(line), line.verdict]))
  const differences: string[] = []
  for (const key of new Set([...after.keys(), ...before.keys()])) {
    const [was, is] = [before.get(key), after.get(key)]
    if (was === is) continue
    if (was !== undefined) differences.push(`- ${key}: ${was}`)
    if (is !== undefined) differences.push(`+ ${key}: ${is}`)
  }
  return differences
}

export function keyOf({ transport, group, name }: Omit<Line, 'verdict'>): string {
  return `${transport} | ${group} | ${name}`
}
