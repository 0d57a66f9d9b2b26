/**
 * All cases over one transport, in a thread of its own: what keeps one transport busy must not delay the server of
 * another, for which a client that has failed its connection waits only so long.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { type Group, selectedGroups } from './cases.ts'
import { runCase } from './exchange.ts'
import { inParallel } from './parallel.ts'
import type { Line } from './results.ts'
import { type ScriptServer, startScriptServer } from './server.ts'
import type { Cost } from './summary.ts'
import { type ConformanceTransport, TRANSPORTS } from './transports.ts'

/** What a thread is started with. */
export interface ThreadTask {
  readonly transport: string
  readonly only: string
}

/** What it tells in the end. */
export interface ThreadResult {
  readonly lines: readonly Line[]
  readonly cost: Cost
}

/** Runs the cases of a group, so many at a time; the lines are in the order of the cases. */
async function runGroup(
  group: Group,
  name: string,
  transport: ConformanceTransport,
  server: ScriptServer,
): Promise<{ lines: Line[]; exchanges: number }> {
  const lines: Line[] = []
  let exchanges = 0
  await inParallel(group.cases, group.atATime, async (it, index) => {
    const result = await runCase(it, transport, server)
    exchanges += result.exchanges
    lines[index] = { transport: name, group: group.name, name: it.name, verdict: result.verdict }
  })
  return { lines, exchanges }
}

async function runTransport({ transport: name, only }: ThreadTask): Promise<ThreadResult> {
  const server = await startScriptServer()
  const transport = await TRANSPORTS[name]!(server.port)
  const started = performance.now()
  const lines: Line[] = []
  let exchanges = 0
  try {
    for (const group of selectedGroups(only)) {
      const result = await runGroup(group, name, transport, server)
      lines.push(...result.lines)
      exchanges += result.exchanges
    }
  } finally {
    await transport.close()
    await server.close()
  }
  return { lines, cost: { transport: name, exchanges, milliseconds: performance.now() - started } }
}

parentPort!.postMessage(await runTransport(workerData))
