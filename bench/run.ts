/**
 * `npm run bench`: hawser beside ws, undici, Node's own WebSocket and the raw socket. `bench/README.md` says how it
 * measures.
 *
 *     --quick       fewer rows, peers and rounds: less than three minutes
 *     --only TEXT   the rows whose name contains TEXT
 *     --rounds N    how often each peer is measured (5; quick: 2)
 *     --time MS     how long a measurement takes (500; quick: 300)
 *     --warm-up MS  how long the same is done before (800; quick: 300)
 *     --json FILE   writes everything that was measured
 *     --charts      draws docs/bench/*.svg
 *     --no-install  leaves out the peers that have to be installed
 *     --loaded      measures on a machine that has other work as well
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { drawCharts } from './chart.ts'
import { describe, lookAtMachine, type Machine, whyNotNow } from './machine.ts'
import { ROWS, type Row } from './rows.ts'
import { type RowResult, runRow, type Settings } from './runner.ts'
import { type Servers, startServers } from './server/start.ts'
import { showRow, showSummary } from './table.ts'

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const PEERS = path('peers')
const CHARTS = path('../docs/bench')

function readArguments() {
  const options = {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    rounds: { type: 'string' },
    time: { type: 'string' },
    'warm-up': { type: 'string' },
    json: { type: 'string' },
    charts: { type: 'boolean', default: false },
    'no-install': { type: 'boolean', default: false },
    loaded: { type: 'boolean', default: false },
  } as const
  try {
    return parseArgs({ options }).values
  } catch (error) {
    return fail((error as Error).message)
  }
}

const values = readArguments()

/** A whole number that is more than 0. */
function count(name: 'rounds' | 'time' | 'warm-up', byDefault: number): number {
  const value = Number(values[name] ?? byDefault)
  if (Number.isInteger(value) && value > 0) return value
  return fail(`--${name} must be a whole number that is more than 0.`)
}

function fail(why: string): never {
  console.error(why)
  process.exit(1)
}

/** The packages that only the benchmark needs. bufferutil brings what it would otherwise compile. */
function install(): void {
  if (existsSync(`${PEERS}/node_modules`)) return
  const args = ['ci', '--no-audit', '--no-fund', '--ignore-scripts']
  const { status } = spawnSync('npm', args, { cwd: PEERS, stdio: 'inherit' })
  if (status !== 0) fail('The peers could not be installed; --no-install leaves them out.')
}

function settingsOf(): Settings {
  const { quick, 'no-install': notInstalled } = values
  const time = count('time', quick ? 300 : 500)
  return {
    quick,
    time,
    warmUp: count('warm-up', quick ? 300 : 800),
    rounds: count('rounds', quick ? 2 : 5),
    isInstalled: !notInstalled,
  }
}

function rowsOf({ quick }: Settings): Row[] {
  const rows = ROWS.filter(({ name, isQuick }) => name.includes(values.only) && (isQuick || !quick))
  if (rows.length === 0) fail(`No row has ${JSON.stringify(values.only)} in its name.`)
  return rows
}

function head(machine: Machine, { language }: Servers, { rounds, time }: Settings): string {
  const how = `${rounds} rounds of ${time} ms, each measurement a process of its own; medians, and ratios round by round.`
  return `${describe(machine)}\nServers in ${language}. ${how}\n`
}

async function runAll(rows: readonly Row[], settings: Settings, servers: Servers): Promise<RowResult[]> {
  const results: RowResult[] = []
  for (const row of rows) {
    try {
      const result = await runRow(row, settings, servers)
      if (result === undefined) continue
      results.push(result)
      console.log(showRow(result))
    } catch (error) {
      // The other rows are worth something all the same.
      process.exitCode = 1
      console.error(`${row.name}\n  ${(error as Error).message}\n`)
    }
  }
  return results
}

function keep(machine: Machine, results: readonly RowResult[], { language }: Servers, settings: Settings): void {
  // Where the figures were written to says nothing about them.
  const args = process.argv
    .slice(2)
    .filter((argument, i, all) => !argument.startsWith('--json') && all[i - 1] !== '--json')
  const command = ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' ')
  if (values.json !== undefined) {
    writeFileSync(
      values.json,
      `${JSON.stringify({ command, machine, server: language, settings, results }, null, 2)}\n`,
    )
  }
  if (!values.charts) return
  mkdirSync(CHARTS, { recursive: true })
  for (const [name, svg] of drawCharts(results, machine, command)) writeFileSync(`${CHARTS}/${name}`, svg)
}

const settings = settingsOf()
const rows = rowsOf(settings)
if (settings.isInstalled) install()
const machine = await lookAtMachine()
const disturbance = values.loaded ? undefined : whyNotNow(machine)
if (disturbance !== undefined) fail(`${disturbance}\nFigures would be worth nothing; --loaded measures all the same.`)
const servers = await startServers()
try {
  console.log(head(machine, servers, settings))
  const results = await runAll(rows, settings, servers)
  console.log(showSummary(results))
  keep(machine, results, servers, settings)
} finally {
  await servers.close()
}
