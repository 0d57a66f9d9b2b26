/** The table in words, with the columns together that ended alike. */
import { FAULTS } from '../support/faulty-proxy.ts'
import type { Cell } from './cells.ts'
import { STEPS } from './steps.ts'
import { COLUMNS } from './transports.ts'

export function tableOf(cellOf: (step: string, fault: string, column: string) => Cell | undefined): string {
  const lines = STEPS.flatMap(({ name }) => [
    '',
    name,
    ...FAULTS.flatMap((fault) => rowsOf((column) => cellOf(name, fault, column), fault)),
  ])
  return ['What the client | the server knows', ...lines].join('\n')
}

function rowsOf(cellOf: (column: string) => Cell | undefined, fault: string): string[] {
  const byOutcome = new Map<string, string[]>()
  for (const { name } of COLUMNS) {
    const outcome = cellOf(name)?.outcome ?? 'not played'
    byOutcome.set(outcome, [...(byOutcome.get(outcome) ?? []), name])
  }
  return [...byOutcome].map(([outcome, names], index) => {
    const who = names.length === COLUMNS.length ? 'all' : names.join(', ')
    return `  ${(index === 0 ? fault : '').padEnd(12)}${outcome.padEnd(62)}${who}`
  })
}
