/** Opens the connections of a job, and checks beforehand that its client sends and receives what it should. */
import type { Connection, Open, Target } from '../clients/connection.ts'
import { Tally } from '../clients/tally.ts'
import type { Job } from '../job.ts'
import { peerOf } from '../peers.ts'
import { payload } from '../server/frames.ts'

/** So many messages are compared, or those of so many bytes. */
const COMPARED = 64
const COMPARED_BYTES = 4 * 1024 * 1024
/** Any message makes the source send. */
const REQUEST = 'go'
/** So many are opened at the same time. */
const OPENED_AT_ONCE = 50

/** As many different ones as a window of permessage-deflate, 32 KiB, does not reach back over. */
const DIFFERENT = 64

/** Something like what an API sends, of exactly so many bytes. */
function json(size: number, serial: number): string {
  const row = (i: number) => ({
    id: serial * 1000 + i,
    name: `item ${(serial * 31 + i * 17) % 97}`,
    price: ((serial * 64 + i) * 7919) % 10007,
  })
  const rows = Array.from({ length: Math.ceil(size / 40) }, (_, i) => row(i))
  return JSON.stringify({ serial, rows }).slice(0, size)
}

/** What the job sends, over and over. */
export function messagesOf({ kind, size, deflate }: Job): (string | Buffer)[] {
  if (deflate) return Array.from({ length: DIFFERENT }, (_, serial) => json(size, serial))
  return [kind === 'text' ? payload(size).toString() : payload(size)]
}

export function serverOf(job: Job): 'http1' | 'http2' {
  return peerOf(job.peer).http2 ? 'http2' : 'http1'
}

/** `size`: of the messages that come in, where they are not those that are sent. */
export function targetOf(job: Job, path: string, size = job.size): Target {
  const { kind, deflate } = job
  const http2 = serverOf(job) === 'http2'
  const port = job.ports[http2 && job.delayed ? 'delayed' : serverOf(job)]
  const url = `ws://127.0.0.1:${port}${path}`
  return { url, http2, deflate, kind, size, messages: path.startsWith('/source') ? [REQUEST] : messagesOf(job) }
}

export function echoPath({ deflate }: Job): string {
  return deflate ? '/echo?deflate' : '/echo'
}

export function sourcePath({ kind, size }: Job, messages: number): string {
  return `/source?messages=${messages}&size=${size}&kind=${kind}`
}

export async function openerOf({ peer }: Job): Promise<Open> {
  const { client } = peerOf(peer)
  const { open } = (await import(`../clients/${client}.ts`)) as { open: Open }
  return open
}

/** Resolves when so many more messages have come. */
export function received(tally: Tally, count: number): Promise<void> {
  return new Promise((resolve) => {
    tally.next(count, () => {
      tally.rest()
      resolve()
    })
  })
}

const comparedOf = ({ size }: Job) => Math.min(COMPARED, Math.max(2, Math.floor(COMPARED_BYTES / size)))

/** Messages of the job go to the server and come back, and each byte is compared. */
export async function verifyEcho(job: Job, open: Open): Promise<void> {
  const target = targetOf(job, echoPath(job))
  const tally = new Tally(target.messages)
  const connection = await open(target, tally)
  const all = received(tally, comparedOf(job))
  // Each burst begins with the first of them again.
  await connection.burst(comparedOf(job))
  await all
  connection.close()
}

/** Messages that the server makes are compared. */
export async function verifySource(job: Job, open: Open): Promise<void> {
  const target = targetOf(job, sourcePath(job, comparedOf(job)))
  const tally = new Tally(messagesOf(job))
  const connection = await open(target, tally)
  const all = received(tally, comparedOf(job))
  connection.burst(1)
  await all
  connection.close()
}

/** As many as the job has sockets, each with its tally. */
export async function openAll(
  job: Job,
  open: Open,
  path: string,
  size = job.size,
): Promise<{ connection: Connection; tally: Tally }[]> {
  const all: { connection: Connection; tally: Tally }[] = []
  const one = async () => {
    const tally = new Tally()
    return { tally, connection: await open(targetOf(job, path, size), tally) }
  }
  while (all.length < job.sockets) {
    const count = Math.min(OPENED_AT_ONCE, job.sockets - all.length)
    all.push(...(await Promise.all(Array.from({ length: count }, one))))
  }
  return all
}
