/** The transports that carry the exchanges, each with the client's side in its own runtime. */
import type { ClientWebSocketOptions } from 'hawser'
import { Agent } from 'undici'
import { startHttp2Server } from '../support/http2-server.ts'
import { type ClientPlan, type ClientReport, runClient } from './client.ts'
import { startConformanceWorker } from './workerd.ts'

export interface ConformanceTransport {
  /** What the client says that carries it. */
  readonly name: string
  /** Runs the client's side with the server at `path`. */
  run(plan: ClientPlan, path: string): Promise<ClientReport>
  close(): Promise<void>
}

/** By the names of the results; each takes the port of the server. */
export const TRANSPORTS: Readonly<Record<string, (port: number) => Promise<ConformanceTransport>>> = {
  tcp: async (port) => inThisProcess('tcp', port, {}, async () => {}),
  'tcp-workerd': inWorkerd,
  http2: async (port) => {
    const gateway = await startHttp2Server({ protocols: ['h2'], backendPort: port })
    const options = { httpVersion: '2', httpVersionPolicy: 'exact' } as const
    return inThisProcess('http2', gateway.port, options, () => gateway.close())
  },
  dispatcher: async (port) => {
    const dispatcher = new Agent()
    return inThisProcess('dispatcher', port, { dispatcher }, () => dispatcher.destroy())
  },
}

function inThisProcess(
  name: string,
  port: number,
  options: ClientWebSocketOptions,
  close: () => Promise<void>,
): ConformanceTransport {
  return { name, run: (plan, path) => runClient(plan, `ws://127.0.0.1:${port}${path}`, options), close }
}

async function inWorkerd(port: number): Promise<ConformanceTransport> {
  const worker = await startConformanceWorker()
  const address = await worker.ready
  const run = async (plan: ClientPlan, path: string): Promise<ClientReport> => {
    const body = JSON.stringify({ plan, url: `ws://127.0.0.1:${port}${path}` })
    const response = await fetch(address, { method: 'POST', body })
    if (!response.ok) throw new Error(`The Worker answered ${response.status}: ${await response.text()}`)
    return (await response.json()) as ClientReport
  }
  return { name: 'tcp', run, close: () => worker.dispose() }
}
