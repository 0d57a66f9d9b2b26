import * as vitest from 'vitest'
import { type NodeTransport, startHarness } from './harness.ts'
import { contract } from './suite.ts'

const tcp: NodeTransport = {
  transport: 'tcp',
  statusText: 'Switching Protocols',
  options: (ca) => (ca === undefined ? {} : { tls: { ca } }),
}

for (const scheme of ['ws', 'wss'] as const) contract(`tcp over ${scheme}`, () => startHarness(scheme, tcp), vitest)
