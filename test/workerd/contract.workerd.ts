import * as vitest from 'vitest'
import { createHarness } from '../contract/harness.ts'
import { contract } from '../contract/suite.ts'
import { OWN } from './transports.ts'

const urls = vitest.inject('contract')
for (const [name, transport] of Object.entries(OWN)) {
  for (const scheme of ['ws', 'wss'] as const) {
    contract(`${name} over ${scheme}`, async () => createHarness(transport, urls[scheme]), vitest)
  }
}
