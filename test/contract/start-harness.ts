/** A harness with servers of its own, for tests in Node. */
import { type ContractTransport, createHarness } from './harness.ts'
import { startServers, startTlsServers } from './servers.ts'
import type { Harness } from './suite.ts'

export async function startHarness(scheme: 'ws' | 'wss', transport: ContractTransport): Promise<Harness> {
  const servers = await (scheme === 'ws' ? startServers : startTlsServers)(transport.httpVersion)
  return { ...createHarness(transport, servers), close: servers.close }
}
