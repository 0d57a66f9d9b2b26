/**
 * Checks what would be published: packs it, lets publint and are-the-types-wrong judge it, and installs it into an empty
 * project, where its types are compiled and the main job is run on every release of Node that is supported.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startWebSocketServer } from '../test/support/websocket-server.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = (name: string) => `${root}node_modules/.bin/${name}`
const runtimes = `${root}test/runtimes`
const project = mkdtempSync(join(tmpdir(), 'hawser-package-'))

function run(command: string, args: readonly string[], cwd = project): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

/** For commands whose own words are the result; the server goes on meanwhile. */
async function show(command: string, args: readonly string[], cwd = project): Promise<void> {
  const [code] = await once(spawn(command, args, { cwd, stdio: 'inherit' }), 'exit')
  if (code !== 0) throw new Error(`${command} ended with exit code ${code}`)
}

/** What may be in the package: anything else has got in by mistake. */
const ALLOWED = /^package\/(dist\/.*\.(js|d\.ts|js\.map|wasm)|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/

function pack(): string {
  const [{ filename }] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', project], root))
  const tarball = join(project, filename)
  const foreign = run('tar', ['-tzf', tarball])
    .split('\n')
    .filter((name) => name !== '' && !ALLOWED.test(name))
  if (foreign.length > 0) throw new Error(`The package holds what users do not need: ${foreign.join(', ')}`)
  return tarball
}

async function main(): Promise<void> {
  const tarball = pack()
  await show(bin('publint'), [tarball, '--strict'])
  await show(bin('attw'), [tarball, '--profile', 'esm-only', '--no-emoji'])

  cpSync(`${root}test/package`, project, { recursive: true })
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  run('npm', ['install', '--no-audit', '--no-fund', tarball])
  await show(bin('tsc'), ['--project', project])
  console.log('The types compile.')

  if (!existsSync(`${runtimes}/node_modules`)) run('npm', ['ci', '--no-audit', '--no-fund'], runtimes)
  await using server = await startWebSocketServer()
  const nodes = [
    `${runtimes}/node_modules/node22/bin/node`,
    process.execPath,
    `${runtimes}/node_modules/node26/bin/node`,
  ]
  for (const node of nodes) await show(node, ['main.js', server.url])
}

try {
  await main()
} finally {
  rmSync(project, { recursive: true, force: true })
}
