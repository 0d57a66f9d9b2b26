/** The harness of the contract suite in Node. */
import type { ClientWebSocketOptions } from '../../src/index.ts'
import { ClientWebSocket } from '../../src/index.ts'
import { createAuthority } from '../support/certificates.ts'
import { startHttp2Server } from '../support/http2-server.ts'
import { type ServerTls, startWebSocketServer } from '../support/websocket-server.ts'
import { startContractPeer } from './peer.ts'
import type { Harness } from './suite.ts'

export interface NodeTransport {
  readonly transport: Harness['transport']
  /** What the servers speak. Default: HTTP/1.1. */
  readonly httpVersion?: Harness['httpVersion']
  readonly statusText: string
  /** Its options, for servers with a certificate of this authority if there is one. */
  readonly options: (ca: string | undefined) => ClientWebSocketOptions
}

interface Running {
  readonly url: string
  close(): Promise<void>
}

/** Starts servers for a transport. */
export async function startHarness(scheme: 'ws' | 'wss', transport: NodeTransport): Promise<Harness> {
  const { httpVersion = '1.1' } = transport
  const authority = scheme === 'wss' ? await createAuthority() : undefined
  const tls = await authority?.issue()
  const start = httpVersion === '2' ? startBehindGateway : startDirectly
  const server = await start(tls, (own) => startWebSocketServer(own === undefined ? {} : { tls: own }))
  const peer = await start(tls, startContractPeer)
  const own = transport.options(authority?.ca)
  return {
    create: (options) => new ClientWebSocket({ ...own, ...options }),
    transport: transport.transport,
    httpVersion,
    takesHost: scheme === 'ws' || transport.transport !== 'dispatcher',
    statusText: transport.statusText,
    server: server.url,
    peer: peer.url,
    close: async () => {
      await Promise.all([server.close(), peer.close()])
    },
  }
}

type Start = (tls: ServerTls | undefined) => Promise<Running & { readonly port: number }>

async function startDirectly(tls: ServerTls | undefined, start: Start): Promise<Running> {
  return start(tls)
}

/** Puts HTTP/2 before a server of HTTP/1.1. */
async function startBehindGateway(tls: ServerTls | undefined, start: Start): Promise<Running> {
  const backend = await start(undefined)
  const gateway = await startHttp2Server({ tls, protocols: ['h2'], backendPort: backend.port })
  const close = async () => {
    await gateway.close()
    await backend.close()
  }
  return { url: gateway.url, close }
}
