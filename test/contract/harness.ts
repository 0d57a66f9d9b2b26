/** The harness of the contract suite in Node. */
import type { ClientWebSocketOptions } from '../../src/index.ts'
import { ClientWebSocket } from '../../src/index.ts'
import { createAuthority } from '../support/certificates.ts'
import { startWebSocketServer } from '../support/websocket-server.ts'
import { startContractPeer } from './peer.ts'
import type { Harness } from './suite.ts'

export interface NodeTransport {
  readonly transport: Harness['transport']
  readonly statusText: string
  /** Its options, for servers with a certificate of this authority if there is one. */
  readonly options: (ca: string | undefined) => ClientWebSocketOptions
}

/** Starts servers for a transport. */
export async function startHarness(scheme: 'ws' | 'wss', transport: NodeTransport): Promise<Harness> {
  const authority = scheme === 'wss' ? await createAuthority() : undefined
  const tls = await authority?.issue()
  const server = await startWebSocketServer(tls === undefined ? {} : { tls })
  const peer = await startContractPeer(tls)
  const own = transport.options(authority?.ca)
  return {
    create: (options) => new ClientWebSocket({ ...own, ...options }),
    transport: transport.transport,
    takesHost: scheme === 'ws' || transport.transport === 'tcp',
    statusText: transport.statusText,
    server: server.url,
    peer: peer.url,
    close: async () => {
      await Promise.all([server.close(), peer.close()])
    },
  }
}
