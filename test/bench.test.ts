/** The benchmark does what it says, whatever its figures are. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url))

/** Runs the sources, whatever is in dist/. */
const FROM_SOURCE = ['--no-warnings', '--import', new URL('support/from-source.ts', import.meta.url).href]

async function bench(...args: string[]): Promise<{ stdout: string; json: Record<string, unknown> }> {
  const folder = await mkdtemp(join(tmpdir(), 'hawser-bench-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'results.json')
  const all = [...FROM_SOURCE, path('../bench/run.ts'), '--no-install', '--loaded', '--json', file, ...args]
  const { stdout } = await promisify(execFile)(process.execPath, all)
  return { stdout, json: JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown> }
}

test('a row of the benchmark measures every peer that needs no install, and judges the goals', {
  timeout: 60_000,
}, async () => {
  const { stdout, json } = await bench('--only', 'echo 125 B binary', '--rounds', '2', '--time', '20', '--warm-up', '5')

  const figures = { rate: expect.any(Number), cpu: expect.any(Number) }
  const peers = ['hawser', 'hawser for await', 'ws without addon', 'undici', 'Node', 'raw socket']
  expect(json).toMatchObject({
    machine: { runtime: `Node ${process.version}`, date: expect.stringMatching(/^\d{4}-\d{2}-\d{2}$/) },
    server: expect.stringMatching(/^(C|JavaScript)$/),
    results: [
      {
        name: 'echo 125 B binary',
        figures: Object.fromEntries(peers.map((peer) => [peer, expect.objectContaining(figures)])),
        rounds: Object.fromEntries(peers.map((peer) => [peer, [figures, figures]])),
      },
    ],
  })
  const [{ ratios }] = json['results'] as [{ ratios: { against: string; median: number; goal?: { isMet: boolean } }[] }]
  const judged = ratios.filter(({ goal }) => goal !== undefined)
  expect(judged.map(({ against }) => against)).toEqual(['undici', 'raw socket'])
  expect(judged.every(({ median }) => median > 0)).toBe(true)
  expect(stdout).toContain('load ')
  expect(stdout).toContain(`${judged.filter(({ goal }) => goal!.isMet).length} of 2 goals met.`)
})
