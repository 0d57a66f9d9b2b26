/** The harness of the contract suite, for every runtime: a transport, and servers that run somewhere. */
import { ClientWebSocket, type ClientWebSocketOptions, type HttpVersion, type TransportName } from 'hawser'
import type { Capabilities } from './capabilities.ts'
import type { Harness } from './suite.ts'

/** A way to connect. */
export interface ContractTransport {
  readonly transport: TransportName
  /** What it speaks. Default: HTTP/1.1. */
  readonly httpVersion?: HttpVersion
  readonly can: Capabilities
  /** The options that select it, for servers with a certificate of this authority if there is one. */
  readonly options: (ca: string | undefined) => ClientWebSocketOptions
}

/** What has to be known of servers to connect to them. */
export interface ContractUrls {
  readonly server: string
  readonly peer: string
  /** The authority of their certificates, in PEM. */
  readonly ca?: string | undefined
}

export function createHarness(
  { transport, httpVersion = '1.1', can, options }: ContractTransport,
  urls: ContractUrls,
): Harness {
  const own = options(urls.ca)
  return {
    create: (more) => new ClientWebSocket({ ...own, ...more }),
    transport,
    httpVersion,
    can,
    server: urls.server,
    peer: urls.peer,
  }
}
