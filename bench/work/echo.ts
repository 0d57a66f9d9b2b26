/** Messages go out in bursts and come back; a burst that is back sends the next one. */
import type { Figures, Job } from '../job.ts'
import { echoPath, openAll, openerOf, serverOf, verifyEcho } from './connections.ts'
import { Meter } from './meter.ts'

export async function measure(job: Job): Promise<Figures> {
  const open = await openerOf(job)
  await verifyEcho(job, open)
  const all = await openAll(job, open, echoPath(job))
  const meter = new Meter(job, serverOf(job))
  for (const { connection, tally } of all) {
    const next = () => {
      meter.tick(job.burst)
      tally.next(job.burst, next)
      connection.burst(job.burst)
    }
    tally.next(job.burst, next)
    for (let i = 0; i < job.ahead; i++) connection.burst(job.burst)
  }
  return await meter.figures
}
