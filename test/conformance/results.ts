/** The committed results: one line for each case and transport. */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** Verdicts by group, case and transport. */
export type Results = Record<string, Record<string, Record<string, string>>>

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
    Object.entries(cases).flatMap(([name, transports]) =>
      Object.entries(transports).map(([transport, verdict]) => ({ transport, group, name, verdict })),
    ),
  )
}

/** Writes lines in the order in which they are given. */
export async function writeResults(lines: readonly Line[]): Promise<void> {
  const results: Results = {}
  for (const { transport, group, name, verdict } of lines) {
    results[group] ??= {}
    results[group][name] ??= {}
    results[group][name][transport] = verdict
  }
  await writeFile(FILE, `${JSON.stringify(results, null, 2)}\n`)
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
