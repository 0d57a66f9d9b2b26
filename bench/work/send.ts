/**
 * One way out: a burst in each turn of the event loop, as long as there is room. The server says when it has so many
 * bytes.
 */
import type { Connection } from '../clients/connection.ts'
import type { Figures, Job } from '../job.ts'
import { frame } from '../server/frames.ts'
import { messagesOf, openAll, openerOf, serverOf, verifyEcho } from './connections.ts'
import { Meter } from './meter.ts'

/** The server answers after so many bursts, with a message of so many bytes. */
const BURSTS = 8
const ANSWER_BYTES = 4

async function send(connection: Connection, job: Job, meter: Meter): Promise<void> {
  while (!meter.isDone) {
    await connection.burst(job.burst)
    await new Promise(setImmediate)
  }
}

export async function measure(job: Job): Promise<Figures> {
  const open = await openerOf(job)
  await verifyEcho(job, open)
  const messages = BURSTS * job.burst
  const bytes = messages * frame(job.kind, Buffer.from(messagesOf(job)[0]!), true).length
  const [{ connection, tally } = undefined!] = await openAll(job, open, `/sink?bytes=${bytes}`, ANSWER_BYTES)
  const meter = new Meter(job, serverOf(job))
  const next = () => {
    tally.next(1, next)
    meter.tick(messages)
  }
  tally.next(1, next)
  await send(connection, job, meter)
  return await meter.figures
}
