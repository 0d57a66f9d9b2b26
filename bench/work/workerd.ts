/** Messages to and fro inside the runtime of Workers, many under way: the CPU time of its process. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startScript } from '../../test/support/miniflare.ts'
import type { Figures, Job } from '../job.ts'
import { cpuOf } from './meter.ts'

const WORKER = fileURLToPath(new URL('workerd-worker.ts', import.meta.url))
/** The clock of another process ticks a hundred times a second. */
const LEAST_TIME = 1000
const FIRST = 2_000

/** The process of the runtime: a child of this one. */
export function findRuntime(): number {
  const isOurs = (pid: string) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]
      return Number(parent) === process.pid && stat.includes('(workerd)')
    } catch {
      return false
    }
  }
  const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && isOurs(name))
  if (pid === undefined) throw new Error('The process of workerd was not found')
  return Number(pid)
}

export async function measure(job: Job): Promise<Figures> {
  const { kind, size, burst, peer, ports } = job
  await using worker = await startScript(WORKER)
  const pid = findRuntime()
  const run = async (messages: number) => {
    const url = `http://127.0.0.1:${ports.http1}/echo`
    const asked = JSON.stringify({ url, kind, size, burst, messages, way: peer.replace('workerd ', '') })
    const start = performance.now()
    const cpu = cpuOf(pid)!
    const response = await worker.miniflare.dispatchFetch('http://worker/', { method: 'POST', body: asked })
    if (!response.ok) throw new Error(await response.text())
    return { seconds: (performance.now() - start) / 1000, cpu: (cpuOf(pid)! - cpu) * 1e6 }
  }
  // Compares the first messages, and warms up; the next ones find out how many are enough.
  let messages = FIRST
  await run(messages)
  let { seconds, cpu } = await run(messages)
  const time = Math.max(job.time, LEAST_TIME) / 1000
  while (seconds < time) {
    messages = Math.ceil(messages * Math.min(20, Math.max(1.2, (1.1 * time) / seconds)))
    ;({ seconds, cpu } = await run(messages))
  }
  return { rate: messages / seconds, cpu: cpu / messages }
}
