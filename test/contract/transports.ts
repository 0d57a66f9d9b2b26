/** The transports of the Node build, for Node, Deno and Bun. */
import type { Dispatcher } from 'hawser'
// By its file, since Bun takes the bare name for a shim that cannot upgrade.
import { Agent } from 'undici/index.js'
import { Agent as Agent6 } from 'undici6'
import { Agent as Agent7 } from 'undici7'
import { DISPATCHER, HTTP2, TCP } from './capabilities.ts'
import type { ContractTransport } from './harness.ts'

export const tcp: ContractTransport = {
  transport: 'tcp',
  can: TCP,
  options: (ca) => (ca === undefined ? {} : { tls: { ca } }),
}

export const http2: ContractTransport = {
  transport: 'http2',
  httpVersion: '2',
  can: HTTP2,
  options: (ca) => ({ httpVersion: '2', httpVersionPolicy: 'exact', ...(ca === undefined ? {} : { tls: { ca } }) }),
}

/** By the version of undici. */
export const dispatchers: Readonly<Record<string, ContractTransport>> = {
  'undici 6': dispatcher((options) => new Agent6(options)),
  'undici 7': dispatcher((options) => new Agent7(options)),
  'undici 8': dispatcher((options) => new Agent(options)),
}

/** Only with TLS: undici does not know HTTP/2 otherwise. */
export const http2Dispatcher: ContractTransport = {
  transport: 'dispatcher',
  httpVersion: '2',
  can: DISPATCHER,
  options: (ca = '') => ({ httpVersion: '2', dispatcher: new Agent({ allowH2: true, connect: { ca } }) }),
}

function dispatcher(create: (options: { connect?: { ca: string } }) => Dispatcher): ContractTransport {
  return {
    transport: 'dispatcher',
    can: DISPATCHER,
    options: (ca) => ({ dispatcher: create(ca === undefined ? {} : { connect: { ca } }) }),
  }
}
