/** The contract suite in a Worker of the package as it is built, in the real runtime at its compatibility dates. */
import { fileURLToPath } from 'node:url'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ContractServers, startServers } from '../contract/servers.ts'
import { GROUPS } from '../contract/suite.ts'
import { bundleWorker } from '../support/bundle-worker.ts'
import { BOUND, OWN } from './transports.ts'

const NEWEST = '2026-10-01'
/**
 * Before the Blob as the default of `binaryType` (2026-03-17) and the runtime's own answers to a Close frame
 * (2026-04-07), old and new; and after both.
 */
const DATES = ['2024-01-01', '2026-03-01', NEWEST]

/** The Worker that the bindings lead to. */
const PASSING = 'passing'

let servers: ContractServers
let miniflare: Miniflare

beforeAll(async () => {
  servers = await startServers()
  miniflare = await startWorkers()
})
afterAll(async () => {
  await miniflare.dispose()
  await servers.close()
})

async function startWorkers(): Promise<Miniflare> {
  const [suite, passing] = await Promise.all(['contract-worker.ts', 'passing-worker.ts'].map(bundle))
  const workers = DATES.map((compatibilityDate) => ({
    name: compatibilityDate,
    compatibilityDate,
    modules: suite!,
    serviceBindings: { SERVICE: PASSING },
    durableObjects: { OBJECTS: { className: 'Passing', scriptName: PASSING } },
  }))
  const other = {
    name: PASSING,
    compatibilityDate: NEWEST,
    modules: passing!,
    durableObjects: { OBJECTS: 'Passing' },
  }
  return new Miniflare(convertV4MiniflareOptions({ cf: false, workers: [...workers, other] }))
}

/** The paths of tsconfig.json would lead to src/. */
function bundle(file: string) {
  return bundleWorker(fileURLToPath(new URL(file, import.meta.url)), { tsconfigRaw: '{}' })
}

function contractAt(date: string, transport: string): void {
  const run = async (group: string, name: string) => {
    const { server, peer } = servers
    const query = new URLSearchParams({ transport, group, case: name, server, peer })
    const worker = await miniflare.getWorker(date)
    const response = await worker.fetch(`http://worker/run?${query}`)
    expect(await response.text()).toBe('')
    expect(response.status).toBe(204)
  }
  describe(transport, () => {
    for (const [group, cases] of Object.entries(GROUPS)) {
      describe(group, () => {
        for (const name of Object.keys(cases)) test(name, () => run(group, name))
      })
    }
  })
}

for (const date of DATES) {
  describe(`a Worker of ${date}`, () => {
    for (const transport of Object.keys(OWN)) contractAt(date, transport)
  })
}

describe('a Worker with bindings', () => {
  for (const transport of Object.keys(BOUND)) contractAt(NEWEST, transport)
})
