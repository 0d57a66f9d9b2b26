/** What a run is made on, and whether it is quiet enough. */
import { spawnSync } from 'node:child_process'
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'
import { setTimeout } from 'node:timers/promises'

export type Core = 'client' | 'server'

export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memory: string
  readonly system: string
  readonly runtime: string
  /** Over 1, 5 and 15 minutes. */
  readonly load: readonly number[]
  /** How much of all cores was in use right before the run, 0 to 1. */
  readonly busy: number
  readonly isPinned: boolean
  /** YYYY-MM-DD */
  readonly date: string
}

/** From here on others disturb what is measured. */
const BUSY_LIMIT = 0.15
const SAMPLE = 1000

const canPin = availableParallelism() > 1 && spawnSync('taskset', ['-c', '0,1', 'true']).status === 0

/**
 * A command that stays on the core of the client, or on that of the servers, where there is taskset and more than one
 * core.
 */
export function pinned(core: Core, command: readonly string[]): readonly string[] {
  return canPin ? ['taskset', '-c', core === 'client' ? '0' : '1', ...command] : command
}

function processorTimes(): { used: number; all: number } {
  const times = cpus().map(({ times }) => times)
  const all = times.flatMap((time) => Object.values(time)).reduce((sum, time) => sum + time, 0)
  return { all, used: all - times.reduce((sum, { idle }) => sum + idle, 0) }
}

export async function lookAtMachine(): Promise<Machine> {
  const before = processorTimes()
  await setTimeout(SAMPLE)
  const after = processorTimes()
  return {
    processor: cpus()[0]?.model ?? 'unknown processor',
    cores: availableParallelism(),
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${type()} ${release()}`,
    runtime: `Node ${process.version}`,
    load: loadavg(),
    busy: (after.used - before.used) / (after.all - before.all),
    isPinned: canPin,
    date: new Date().toISOString().slice(0, 10),
  }
}

/** Why nothing should be measured now; undefined if it may. */
export function whyNotNow({ busy, load }: Machine): string | undefined {
  if (busy <= BUSY_LIMIT) return undefined
  const percent = (share: number) => `${Math.round(share * 100)} %`
  return `The machine has other work: ${percent(busy)} of its cores in the last second (limit ${percent(BUSY_LIMIT)}), load ${load[0]?.toFixed(2)}.`
}

export function describe(machine: Machine): string {
  const { processor, cores, memory, system, runtime, date, load, busy, isPinned } = machine
  const quiet = `load ${load.map((l) => l.toFixed(2)).join(' ')}, ${Math.round(busy * 100)} % in use before the run`
  const where = isPinned ? 'client and server on a core each' : 'not pinned to cores'
  return `${runtime}, ${processor} (${cores} cores, ${memory}), ${system}, ${date}\n${quiet}, ${where}`
}
