/**
 * The contract suite in Deno and Bun, on the Node build. `scripts/test-runtimes.ts` starts it, and the servers that it
 * is told of.
 */
import { type ContractTransport, type ContractUrls, createHarness } from '../harness.ts'
import { contract } from '../suite.ts'
import { dispatchers, http2, http2Dispatcher, tcp } from '../transports.ts'
import { PlainRunner } from './runner.ts'

/** By what they speak. */
export type Servers = Readonly<Record<'ws' | 'wss' | 'http2 ws' | 'http2 wss', ContractUrls>>

const servers: Servers = JSON.parse(process.argv[2] ?? '')
const runner = new PlainRunner()

function define(name: string, transport: ContractTransport, urls: ContractUrls): void {
  contract(name, async () => createHarness(transport, urls), runner)
}

for (const scheme of ['ws', 'wss'] as const) {
  define(`tcp over ${scheme}`, tcp, servers[scheme])
  define(`http2 over ${scheme}`, http2, servers[`http2 ${scheme}`])
  for (const [name, transport] of Object.entries(dispatchers)) {
    define(`a dispatcher of ${name} over ${scheme}`, transport, servers[scheme])
  }
}
define('a dispatcher of undici 8 over HTTP/2', http2Dispatcher, servers['http2 wss'])

const { passed, failed } = await runner.run()
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
