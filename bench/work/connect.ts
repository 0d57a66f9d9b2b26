/** Sockets are opened, one after the other in a few lines at once, and dropped when they are open. */
import { Tally } from '../clients/tally.ts'
import type { Figures, Job } from '../job.ts'
import { openerOf, serverOf, targetOf, verifyEcho } from './connections.ts'
import { Meter } from './meter.ts'

export async function measure(job: Job): Promise<Figures> {
  const open = await openerOf(job)
  await verifyEcho(job, open)
  // Over HTTP/2 it holds the connection that the others share.
  await open(targetOf(job, '/echo'), new Tally())
  const meter = new Meter(job, serverOf(job))
  const line = async () => {
    while (!meter.isDone) {
      const connection = await open(targetOf(job, '/echo'), new Tally())
      connection.close()
      meter.tick(1)
    }
  }
  await Promise.all(Array.from({ length: job.sockets }, line))
  return await meter.figures
}
