/**
 * Runs the tests in the other runtimes, beside the release of Node that this repository brings: all of Node's on the
 * oldest release that is supported, those of the transports on the newest, and the contract suite on the Node build in
 * Deno and Bun. Takes the names of runtimes; by default, all.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Servers } from '../test/contract/plain/main.ts'
import { startServers, startTlsServers } from '../test/contract/servers.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const runtimes = `${root}test/runtimes`
const bin = `${runtimes}/node_modules/.bin`

/** The tests of what Node's own modules do for us. */
const TRANSPORTS = ['test/contract/', 'test/http2/', 'test/transport/', 'test/web/']

/** What each runs. */
const RUNTIMES: Readonly<Record<string, () => Promise<boolean>>> = {
  node22: () => testNode('node22'),
  node26: () => testNode('node26', TRANSPORTS),
  deno: () => testContract(`${bin}/deno`, ['run', '--quiet', '--allow-all', '--node-modules-dir=manual']),
  bun: () => testContract(`${bin}/bun`, []),
}

/** Whether everything passed. */
function run(command: string, args: readonly string[], options: { cwd: string; env?: NodeJS.ProcessEnv }) {
  return once(spawn(command, args, { ...options, stdio: 'inherit' }), 'exit').then(([code]) => code === 0)
}

function testNode(name: string, tests: readonly string[] = []): Promise<boolean> {
  const node = `${runtimes}/node_modules/${name}/bin`
  // First on the path, for the processes that tests start.
  const env = { ...process.env, PATH: `${node}:${process.env['PATH']}` }
  const vitest = [`${root}node_modules/vitest/vitest.mjs`, 'run', '--project', 'node', ...tests]
  return run(`${node}/node`, vitest, { cwd: root, env })
}

/** The servers are Node's own, in this process. */
async function testContract(command: string, args: readonly string[]): Promise<boolean> {
  const project = mkdtempSync(join(tmpdir(), 'hawser-contract-'))
  const running = {
    ws: await startServers(),
    wss: await startTlsServers(),
    'http2 ws': await startServers('2'),
    'http2 wss': await startTlsServers('2'),
  } satisfies Servers
  try {
    await installInto(project)
    return await run(command, [...args, 'main.js', JSON.stringify(running)], { cwd: project })
  } finally {
    for (const servers of Object.values(running)) await servers.close()
    rmSync(project, { recursive: true, force: true })
  }
}

/** A project that has hawser as a package, since Deno knows the `imports` of no package.json but those of packages. */
async function installInto(project: string): Promise<void> {
  const packages = ['undici', 'undici6', 'undici7']
  for (const name of packages) {
    cpSync(`${root}node_modules/${name}`, `${project}/node_modules/${name}`, { recursive: true })
  }
  for (const part of ['dist', 'package.json']) {
    cpSync(root + part, `${project}/node_modules/hawser/${part}`, { recursive: true })
  }
  const dependencies = Object.fromEntries(['hawser', ...packages].map((name) => [name, '*']))
  writeFileSync(`${project}/package.json`, JSON.stringify({ private: true, type: 'module', dependencies }))
  await build({
    entryPoints: [`${root}test/contract/plain/main.ts`],
    outfile: `${project}/main.js`,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'es2023',
    sourcemap: 'inline',
    // The paths of tsconfig.json lead to src/.
    tsconfigRaw: '{}',
  })
}

if (!existsSync(`${runtimes}/node_modules`)) {
  spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: runtimes, stdio: 'inherit' })
}
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(RUNTIMES)
for (const name of names) {
  console.log(`\n# ${name}`)
  if (!(await RUNTIMES[name]!())) process.exit(1)
}
