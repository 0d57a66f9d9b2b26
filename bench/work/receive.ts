/** One way in: the server sends as fast as it can. It is asked for more before all has come. */
import type { Figures, Job } from '../job.ts'
import { openAll, openerOf, serverOf, sourcePath, verifySource } from './connections.ts'
import { Meter } from './meter.ts'

/** The server sends so many bytes at a time, or one message. */
const BYTES = 4 * 1024 * 1024
const MESSAGES = 16 * 1024
const AHEAD = 2

export async function measure(job: Job): Promise<Figures> {
  const open = await openerOf(job)
  await verifySource(job, open)
  const messages = Math.min(MESSAGES, Math.max(1, Math.floor(BYTES / job.size)))
  const [{ connection, tally } = undefined!] = await openAll(job, open, sourcePath(job, messages))
  const meter = new Meter(job, serverOf(job))
  const next = () => {
    meter.tick(messages)
    tally.next(messages, next)
    connection.burst(1)
  }
  tally.next(messages, next)
  for (let i = 0; i < AHEAD; i++) connection.burst(1)
  return await meter.figures
}
