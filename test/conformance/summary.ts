/** What the terminal shows: groups by transports, passed of all, and how long it took. */
import { PASS } from './exchange.ts'
import type { Line } from './results.ts'

/** What running a transport has cost. */
export interface Cost {
  readonly transport: string
  readonly exchanges: number
  readonly milliseconds: number
}

export function summaryOf(lines: readonly Line[], costs: readonly Cost[]): string {
  const groups = [...new Set(lines.map(({ group }) => group))]
  const rows = [
    ['', ...costs.map(({ transport }) => transport)],
    ...groups.map((group) => [group, ...costs.map(({ transport }) => passed(lines, transport, group))]),
    ['all', ...costs.map(({ transport }) => passed(lines, transport))],
    ['exchanges', ...costs.map(({ exchanges }) => exchanges.toLocaleString('en'))],
    ['time', ...costs.map(({ milliseconds }) => `${(milliseconds / 1000).toFixed(1)} s`)],
  ]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const padded = rows.map(([first, ...others]) =>
    [first!.padEnd(widths[0]!), ...others.map((cell, i) => cell.padStart(widths[i + 1]!))].join('   '),
  )
  return padded.join('\n')
}

function passed(lines: readonly Line[], transport: string, group?: string): string {
  const all = lines.filter((line) => line.transport === transport && (group ?? line.group) === line.group)
  return `${all.filter(({ verdict }) => verdict === PASS).length} / ${all.length}`
}
