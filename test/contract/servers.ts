/** The servers of the contract suite, which run in Node, wherever the suite runs. */
import type { HttpVersion } from 'hawser'
import { createAuthority } from '../support/certificates.ts'
import { startHttp2Server } from '../support/http2-server.ts'
import { type ServerTls, startWebSocketServer } from '../support/websocket-server.ts'
import type { ContractUrls } from './harness.ts'
import { startContractPeer } from './peer.ts'

export interface ContractServers extends ContractUrls {
  close(): Promise<void>
}

interface Running {
  readonly url: string
  close(): Promise<void>
}

/** Starts servers with a certificate of an authority that nobody knows yet. */
export async function startTlsServers(httpVersion?: HttpVersion): Promise<ContractServers> {
  const { ca, issue } = await createAuthority()
  return { ...(await startServers(httpVersion, await issue())), ca }
}

export async function startServers(httpVersion: HttpVersion = '1.1', tls?: ServerTls): Promise<ContractServers> {
  const start = httpVersion === '2' ? startBehindGateway : startDirectly
  const [server, peer] = await Promise.all([
    start(tls, (own) => startWebSocketServer(own === undefined ? {} : { tls: own })),
    start(tls, startContractPeer),
  ])
  const close = async () => {
    await Promise.all([server.close(), peer.close()])
  }
  return { server: server.url, peer: peer.url, close }
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
