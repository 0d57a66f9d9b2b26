/** Starts the servers of the contract suite in Node, for tests inside workerd. */
import type { TestProject } from 'vitest/node'
import type { ContractUrls } from '../contract/harness.ts'
import { startServers } from '../contract/servers.ts'
import type { Certificate } from '../support/certificates.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the servers that speak TLS. Its authority is trusted by workerd. */
    certificate: Certificate
    contract: Readonly<Record<'ws' | 'wss', ContractUrls>>
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const clear = await startServers()
  const secure = await startServers('1.1', project.getProvidedContext().certificate)
  const urls = ({ server, peer }: ContractUrls) => ({ server, peer })
  project.provide('contract', { ws: urls(clear), wss: urls(secure) })
  return async () => {
    await Promise.all([clear.close(), secure.close()])
  }
}
