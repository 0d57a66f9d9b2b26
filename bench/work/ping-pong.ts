/** One message under way: how long it takes to come back, and how much CPU time it costs. */
import type { Figures, Job } from '../job.ts'
import { echoPath, openAll, openerOf, serverOf, verifyEcho } from './connections.ts'
import { Meter } from './meter.ts'

/** More than can be made in any time that is measured. */
const MOST = 1_000_000

export async function measure(job: Job): Promise<Figures> {
  const open = await openerOf(job)
  await verifyEcho(job, open)
  const [{ connection, tally } = undefined!] = await openAll(job, open, echoPath(job))
  const meter = new Meter(job, serverOf(job))
  const times = new Float64Array(MOST)
  let count = 0
  let sent = 0
  const next = () => {
    if (meter.isWarm && count < MOST) times[count++] = performance.now() - sent
    meter.tick(1)
    tally.next(1, next)
    sent = performance.now()
    connection.burst(1)
  }
  tally.next(1, next)
  connection.burst(1)
  const figures = await meter.figures
  const sorted = times.subarray(0, count).sort()
  const at = (share: number) => sorted[Math.floor(share * count)]! * 1000
  return { ...figures, p50: at(0.5), p99: at(0.99) }
}
