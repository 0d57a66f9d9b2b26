import * as vitest from 'vitest'
import { startHarness } from './start-harness.ts'
import { contract } from './suite.ts'
import { tcp } from './transports.ts'

for (const scheme of ['ws', 'wss'] as const) contract(`tcp over ${scheme}`, () => startHarness(scheme, tcp), vitest)
