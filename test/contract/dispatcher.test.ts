import { Agent } from 'undici'
import { Agent as Agent6 } from 'undici6'
import { Agent as Agent7 } from 'undici7'
import * as vitest from 'vitest'
import type { Dispatcher } from '../../src/index.ts'
import { type NodeTransport, startHarness } from './harness.ts'
import { contract } from './suite.ts'

/** undici does not tell the reason phrase of a 101. */
function dispatcher(create: (options: { connect?: { ca: string } }) => Dispatcher): NodeTransport {
  return {
    transport: 'dispatcher',
    statusText: '',
    options: (ca) => ({ dispatcher: create(ca === undefined ? {} : { connect: { ca } }) }),
  }
}

const VERSIONS = {
  'undici 6': dispatcher((options) => new Agent6(options)),
  'undici 7': dispatcher((options) => new Agent7(options)),
  'undici 8': dispatcher((options) => new Agent(options)),
}

for (const [name, version] of Object.entries(VERSIONS)) {
  for (const scheme of ['ws', 'wss'] as const) {
    contract(`a dispatcher of ${name} over ${scheme}`, () => startHarness(scheme, version), vitest)
  }
}
