/** What the tests of hostile peers share: floods, a client in a process of its own, and what it may cost. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect } from 'vitest'
import type { Ending, Task } from '../support/hostile-client.ts'
import { startHttp2Server } from '../support/http2-server.ts'
import type { PeerConnection } from '../support/scripted-peer.ts'
import { untilFinished } from '../support/servers.ts'

export const MiB = 1024 * 1024

export interface Attack extends Partial<Task> {
  readonly url: string
  /** What the client's memory may grow by, in bytes. Default: 32 MiB, of which its code takes the most. */
  readonly growth?: number
  /** How long it may take, in milliseconds. */
  readonly within: number
}

const MAY_GROW = 32 * MiB

/** Of code, without which the clients of a file would spend most of their time on compiling. */
const cache = mkdtempSync(join(tmpdir(), 'hawser-hostile-'))
afterAll(() => rmSync(cache, { recursive: true }))

/** Lets a client at the hostile server, and gives how that ended; fails when it took too much memory or time. */
export async function attacked({ growth = MAY_GROW, within, ...task }: Attack): Promise<Ending> {
  const friend = untilFinished(await startHttp2Server())
  const preset = { warmUp: `${friend.url}/echo`, transport: 'tcp', options: {}, act: 'connect', wait: 0, sockets: 1 }
  const path = (name: string) => fileURLToPath(new URL(`../support/${name}`, import.meta.url))
  const args = ['--import', path('from-source.ts'), path('hostile-client.ts'), JSON.stringify({ ...preset, ...task })]
  const env = { ...process.env, NODE_COMPILE_CACHE: cache }
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: within + 10_000 })
  const ending: Ending = JSON.parse(stdout)
  expect(ending.growth, 'the growth of memory').toBeLessThan(growth)
  expect(ending.took, 'the time').toBeLessThan(within)
  expect(ending.others, 'sockets that ended otherwise').toBe(0)
  return ending
}

/**
 * Writes `part` again and again, as fast as it is taken and without reading: until the client is gone, or so many bytes
 * are written.
 */
export async function flood(
  connection: PeerConnection,
  part: string | Uint8Array,
  bytes = Number.POSITIVE_INFINITY,
): Promise<void> {
  const one = typeof part === 'string' ? Buffer.from(part, 'latin1') : part
  const parts = Buffer.concat(new Array<Uint8Array>(Math.ceil(65_536 / one.length)).fill(one))
  for (let left = bytes; left > 0; left -= parts.length) await connection.write(parts)
}
