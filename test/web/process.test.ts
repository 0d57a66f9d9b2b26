import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningServer, startWebSocketServer } from '../support/websocket-server.ts'

let server: RunningServer
beforeAll(async () => {
  server = await startWebSocketServer()
})
afterAll(() => server.close())

function path(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}

/** What a program that ends by itself has printed, line by line. */
async function output(scenario: string): Promise<unknown[]> {
  const args = ['--import', path('../support/from-source.ts'), path('lone-websocket.ts'), scenario, server.url]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args)
  expect(stderr).toBe('')
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

describe('in a process of its own', () => {
  test('a message is delivered without loading what others need', async () => {
    expect(await output('loading')).toEqual([{ before: [], isOne: true, isLoadedThen: true }])
  })

  test('an open WebSocket keeps the process, and a closed one does not', async () => {
    expect(await output('kept')).toEqual(['begun', 'closed with 1005'])
  })

  test('a failure that nobody looks at ends nothing', async () => {
    expect(await output('refused')).toEqual(['nobody looks'])
  })
})

test.each(['websocket', 'websocketstream'])('for Workers, %s is small and imports nothing of Node', async (name) => {
  const { outputFiles, metafile } = await build({
    entryPoints: [path(`../../src/web/${name}.ts`)],
    bundle: true,
    write: false,
    minify: true,
    metafile: true,
    format: 'esm',
    target: 'es2023',
    alias: { '#platform': path('../../src/platform.workerd.ts') },
    external: ['cloudflare:*', '*.wasm'],
  })
  const imported = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map((one) => one.path))
  expect(imported.filter((one) => !/^cloudflare:|\.wasm$/.test(one))).toEqual([])
  expect(outputFiles[0]!.contents.length).toBeLessThan(100_000)
})
