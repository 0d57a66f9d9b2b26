import { Agent } from 'undici'
import * as vitest from 'vitest'
import { type NodeTransport, startHarness } from './harness.ts'
import { contract } from './suite.ts'

const http2: NodeTransport = {
  transport: 'http2',
  httpVersion: '2',
  statusText: '',
  options: (ca) => ({
    httpVersion: '2',
    httpVersionPolicy: 'exact',
    ...(ca === undefined ? {} : { tls: { ca } }),
  }),
}

const dispatcher: NodeTransport = {
  transport: 'dispatcher',
  httpVersion: '2',
  statusText: '',
  options: (ca = '') => ({ httpVersion: '2', dispatcher: new Agent({ allowH2: true, connect: { ca } }) }),
}

for (const scheme of ['ws', 'wss'] as const) contract(`http2 over ${scheme}`, () => startHarness(scheme, http2), vitest)

contract('a dispatcher of undici 8 over HTTP/2', () => startHarness('wss', dispatcher), vitest)
