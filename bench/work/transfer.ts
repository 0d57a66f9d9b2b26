/** So many messages one way in, once: from the request to the last of them. */
import { Tally } from '../clients/tally.ts'
import type { Figures, Job } from '../job.ts'
import { openerOf, received, sourcePath, targetOf, verifySource } from './connections.ts'

export async function measure(job: Job): Promise<Figures> {
  const open = await openerOf(job)
  await verifySource(job, open)
  const tally = new Tally()
  const connection = await open(targetOf(job, sourcePath(job, job.burst)), tally)
  const all = received(tally, job.burst)
  const start = performance.now()
  connection.burst(1)
  await all
  const time = performance.now() - start
  return { time, rate: (job.burst / time) * 1000 }
}
