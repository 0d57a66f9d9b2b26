import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { ClientWebSocket, connect } from '../src/index.ts'
import { type Authority, createAuthority } from './support/certificates.ts'
import { handlesBecome, openHandles, peer, server } from './support/servers.ts'

/** What vitest needs. */
const AT_FIRST = openHandles()

let authority: Authority
beforeAll(async () => {
  authority = await createAuthority()
})

function path(name: string): string {
  return fileURLToPath(new URL(`support/${name}`, import.meta.url))
}

/** Runs a program that ends by itself, and gives the milliseconds for which it went on without anything to do. */
async function lingering(scenario: string, url: string, ca: readonly string[] = []): Promise<number> {
  const args = ['--import', path('from-source.ts'), path('lone-client.ts'), scenario, url, ...ca]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args)
  expect(stderr).toBe('')
  return Number(stdout)
}

/** Enough for the 250 ms that a server has for its end; less than any other time limit. */
const SOON = 700

/** All at once, since each takes its time to start. */
async function allEndSoon(scenarios: readonly string[], url: string, ca: readonly string[] = []): Promise<void> {
  const times = await Promise.all(scenarios.map((scenario) => lingering(scenario, url, ca)))
  for (const [index, scenario] of scenarios.entries()) expect(times[index], scenario).toBeLessThan(SOON)
}

describe('a process ends by itself', () => {
  test('over ws', async () => {
    const { url } = await server()
    await allEndSoon(['echo', 'keepAlive', 'dispatcher', 'global', 'closed', 'aborted', 'refused', 'timedOut'], url)
  })

  test('over wss', async () => {
    const { url } = await server(await authority.issue())
    await allEndSoon(['echo', 'aborted', 'refused'], url, [authority.ca])
  })

  test('when its connection dies', async () => {
    const { url } = await peer(async (connection) => {
      await connection.accept()
      await connection.read()
      connection.reset()
    })
    expect(await lingering('reset', url)).toBeLessThan(SOON)
  })
})

test('sockets leave no handle and no timer behind, however they end', async () => {
  const { url } = await server()
  const options = { keepAliveInterval: 60_000, keepAliveTimeout: 60_000 }
  for (let i = 0; i < 5; i++) {
    const echoing = await connect(`${url}/echo`, options)
    await echoing.send('x')
    await echoing.close()
    const told = await connect(`${url}/close?code=1000`, options)
    await told.receive()
    const left = await connect(`${url}/echo`, options)
    const closing = left.close()
    left.abort()
    await closing
    const unused = new ClientWebSocket(options)
    unused.abort()
  }
  await handlesBecome(AT_FIRST)
})
