/**
 * Checks what would be published: packs it, lets publint and are-the-types-wrong judge it, looks for scripts that npm
 * would run, and installs it into an empty project, where its types are compiled and the main job is run on every
 * release of Node that is supported, and in a Worker that wrangler has bundled.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { startWebSocketServer } from '../test/support/websocket-server.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = (name: string) => `${root}node_modules/.bin/${name}`
const runtimes = `${root}test/runtimes`
const project = mkdtempSync(join(tmpdir(), 'hawser-package-'))

/** Keeps wrangler to itself. */
const env = {
  ...process.env,
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
}

function run(command: string, args: readonly string[], cwd = project): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], env })
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

/** What npm runs in the package of a dependency, or of a repository that is one. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'preprepare', 'prepare', 'postprepare', 'prepublish']

interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly publishConfig?: { readonly access?: string; readonly provenance?: boolean }
  readonly repository?: { readonly url?: string }
}

/** Whether users get what was built here, from where it says, and nothing that runs before they import it. */
function checkManifest(tarball: string): void {
  const manifest: Manifest = JSON.parse(run('tar', ['-xzOf', tarball, 'package/package.json']))
  const { scripts = {}, dependencies = {}, publishConfig, repository } = manifest
  const running = INSTALL_SCRIPTS.filter((name) => name in scripts)
  if (running.length > 0) throw new Error(`npm would run scripts of the package: ${running.join(', ')}`)
  const loose = Object.entries(dependencies).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))
  if (loose.length > 0) throw new Error(`Not one exact version: ${loose.map((entry) => entry.join('@')).join(', ')}`)
  if (publishConfig?.access !== 'public' || publishConfig.provenance !== true) {
    throw new Error('publishConfig does not ask for access "public" and provenance.')
  }
  // npm takes provenance only from the repository that the package names. Elsewhere than on GitHub it cannot be known.
  const home = process.env['GITHUB_REPOSITORY']
  if (home !== undefined && repository?.url !== `git+https://github.com/${home}.git`) {
    throw new Error(`repository.url has to be git+https://github.com/${home}.git for npm to take the provenance.`)
  }
}

/** npm notes in its own lock file which packages run something when they are installed. */
function checkInstalled(): void {
  const lock: { packages: Record<string, { hasInstallScript?: boolean }> } = JSON.parse(
    readFileSync(join(project, 'node_modules/.package-lock.json'), 'utf8'),
  )
  const installed = Object.entries(lock.packages)
  const running = installed.filter(([, { hasInstallScript }]) => hasInstallScript).map(([name]) => name)
  if (running.length > 0) throw new Error(`Installing it runs scripts of ${running.join(', ')}`)
  console.log(
    `Installed: ${installed.map(([name]) => name.replace('node_modules/', '')).join(', ')}; no script was run.`,
  )
}

/** Of Workers: a name and a date are all that they are given. */
const DATES = ['2024-01-01', '2026-10-01']

/** Bundles a Worker as for its deployment, and runs what comes of it. */
async function tryWorker(compatibilityDate: string, url: string): Promise<void> {
  const out = join(project, `worker-${compatibilityDate}`)
  const named = ['--name', 'hello', '--compatibility-date', compatibilityDate]
  run(bin('wrangler'), ['deploy', 'worker.js', ...named, '--dry-run', '--outdir', out])
  const worker = new Miniflare(
    convertV4MiniflareOptions({ compatibilityDate, cf: false, modulesRoot: out, modules: modulesIn(out) }),
  )
  try {
    for (const transport of ['fetch', 'tcp']) {
      const body = JSON.stringify([url, transport])
      const answer = await (await worker.dispatchFetch('http://worker/', { method: 'POST', body })).text()
      if (answer !== 'hello') throw new Error(`Over ${transport} the echo did not come back: ${answer}`)
    }
  } finally {
    await worker.dispose()
  }
  console.log(`A Worker of ${compatibilityDate}: bundled by wrangler, connected, echoed.`)
}

/** What wrangler wrote; the first one is the Worker. */
function modulesIn(out: string) {
  const wasm = readdirSync(out).filter((name) => name.endsWith('.wasm'))
  return [
    { type: 'ESModule' as const, path: join(out, 'worker.js') },
    ...wasm.map((name) => ({ type: 'CompiledWasm' as const, path: join(out, name) })),
  ]
}

async function main(): Promise<void> {
  const tarball = pack()
  checkManifest(tarball)
  await show(bin('publint'), [tarball, '--strict'])
  await show(bin('attw'), [tarball, '--profile', 'esm-only', '--no-emoji'])

  cpSync(`${root}test/package`, project, { recursive: true })
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  run('npm', ['install', '--no-audit', '--no-fund', tarball])
  checkInstalled()
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
  for (const date of DATES) await tryWorker(date, `${server.url}/echo`)
}

try {
  await main()
} finally {
  rmSync(project, { recursive: true, force: true })
}
