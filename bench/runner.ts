/** Runs the rows: each measurement in a process of its own, the peers of a row taking turns in every round. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Figures, Job } from './job.ts'
import { pinned } from './machine.ts'
import { medians, type Ratio, type Rounds, ratioOf } from './measure.ts'
import { type PeerName, peerOf } from './peers.ts'
import { QUICK, type Row, ratiosOf } from './rows.ts'
import type { Servers } from './server/start.ts'

export interface Settings {
  readonly rounds: number
  readonly quick: boolean
  /** Milliseconds of a measurement. */
  readonly warmUp: number
  readonly time: number
  /** Whether the packages of `bench/peers/` are there. */
  readonly isInstalled: boolean
}

export interface RowResult {
  readonly name: string
  readonly group: string
  readonly unit: string
  /** Medians. */
  readonly figures: Readonly<Partial<Record<PeerName, Figures>>>
  readonly ratios: readonly Ratio[]
  readonly rounds: Rounds
}

/** Nothing takes so long that works. */
const TIME_LIMIT = 120_000
const CLIENT = fileURLToPath(new URL('client.ts', import.meta.url))

/** The peers of a row that can be run. */
export function peersOf(row: Row, { quick, isInstalled }: Settings): PeerName[] {
  const inGoals = new Set(row.goals.flatMap(({ of, against }) => [of, against]))
  return row.peers.filter((name) => (isInstalled || !peerOf(name).isInstalled) && (!quick || inGoals.has(name)))
}

/** Everybody has every place in the order once. */
export function rotated<T>(list: readonly T[], by: number): T[] {
  const at = list.length === 0 ? 0 : by % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}

function jobOf(row: Row, peer: PeerName, settings: Settings, servers: Servers): Job {
  const { work, kind, size, burst, ahead, sockets, deflate, delayed } = row
  const { http1, http2, delayed: proxy } = servers
  const reduced = settings.quick && work in QUICK ? QUICK[work as keyof typeof QUICK] : {}
  return {
    ...{ peer, work, kind, size, burst, ahead, sockets, deflate, delayed, ...reduced },
    warmUp: settings.warmUp,
    time: settings.time,
    ports: { http1: http1.port, http2: http2.port, delayed: proxy.port },
    pids: { http1: http1.pid, http2: http2.pid },
  }
}

async function measure(job: Job): Promise<Figures> {
  const command = [process.execPath, '--no-warnings', ...process.execArgv, CLIENT, JSON.stringify(job)]
  const [program, ...args] = pinned('client', command)
  const env = { ...process.env, ...peerOf(job.peer).env }
  try {
    const { stdout } = await promisify(execFile)(program!, args, { env, timeout: TIME_LIMIT, killSignal: 'SIGKILL' })
    return JSON.parse(stdout) as Figures
  } catch (error) {
    const { stderr = '', killed } = error as { stderr?: string; killed?: boolean }
    const why = killed ? `It took longer than ${TIME_LIMIT / 1000} s.` : stderr
    throw new Error(`${job.peer} could not be measured: ${why}`, { cause: error })
  }
}

export async function runRow(row: Row, settings: Settings, servers: Servers): Promise<RowResult | undefined> {
  const peers = peersOf(row, settings)
  if (peers.length < 2) return undefined
  const rounds: Partial<Record<PeerName, Figures[]>> = Object.fromEntries(peers.map((peer) => [peer, []]))
  for (let round = 0; round < settings.rounds; round++) {
    for (const peer of rotated(peers, round)) {
      rounds[peer]!.push(await measure(jobOf(row, peer, settings, servers)))
    }
  }
  const { name, group, unit } = row
  const figures = Object.fromEntries(peers.map((peer) => [peer, medians(rounds[peer]!)]))
  const ratios = ratiosOf(row).flatMap((goal) => ratioOf(goal, rounds) ?? [])
  return { name, group, unit, figures, ratios, rounds }
}
