/** Runs the tests on every release of Node that is supported, beside the one that this repository brings. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const runtimes = `${root}test/runtimes`
const npm = (...args: string[]) => spawnSync('npm', args, { cwd: runtimes, stdio: 'inherit' })

if (!existsSync(`${runtimes}/node_modules`)) npm('ci', '--no-audit', '--no-fund')
for (const name of ['node22', 'node26']) {
  console.log(`\n# ${name}`)
  const node = `${runtimes}/node_modules/${name}/bin`
  // First on the path, for the processes that tests start.
  const env = { ...process.env, PATH: `${node}:${process.env['PATH']}` }
  const vitest = [`${root}node_modules/vitest/vitest.mjs`, 'run', ...process.argv.slice(2)]
  const { status } = spawnSync(`${node}/node`, vitest, { cwd: root, env, stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}
