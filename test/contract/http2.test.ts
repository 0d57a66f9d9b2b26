import * as vitest from 'vitest'
import { startHarness } from './start-harness.ts'
import { contract } from './suite.ts'
import { http2, http2Dispatcher } from './transports.ts'

for (const scheme of ['ws', 'wss'] as const) contract(`http2 over ${scheme}`, () => startHarness(scheme, http2), vitest)

contract('a dispatcher of undici 8 over HTTP/2', () => startHarness('wss', http2Dispatcher), vitest)
