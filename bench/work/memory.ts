/** By how much the process grows for each socket that is open and idle. */
import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Figures, Job } from '../job.ts'
import { openAll, openerOf, verifyEcho } from './connections.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as (how: object) => void

async function resident(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    collect({ type: 'major', flavor: 'last-resort' })
    await setTimeout(50)
  }
  return process.memoryUsage().rss
}

/**
 * How many are opened before, for each that is measured: what all share is there then, and the heap of young objects
 * has grown.
 */
const FIRST = 0.5

export async function measure(job: Job): Promise<Figures> {
  const open = await openerOf(job)
  await verifyEcho(job, open)
  const first = await openAll({ ...job, sockets: FIRST * job.sockets }, open, '/echo')
  const before = await resident()
  const all = await openAll(job, open, '/echo')
  const memory = ((await resident()) - before) / all.length
  // They are needed until here.
  for (const { connection } of [...first, ...all]) connection.close()
  return { memory }
}
