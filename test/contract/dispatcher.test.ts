import * as vitest from 'vitest'
import { startHarness } from './start-harness.ts'
import { contract } from './suite.ts'
import { dispatchers } from './transports.ts'

for (const [name, transport] of Object.entries(dispatchers)) {
  for (const scheme of ['ws', 'wss'] as const) {
    contract(`a dispatcher of ${name} over ${scheme}`, () => startHarness(scheme, transport), vitest)
  }
}
