/** Runs the libraries that people use on hawser's WebSocket; installs them first if they are not there. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const libraries = `${root}test/libraries`

function run(command: string, args: readonly string[], cwd: string): void {
  const { status } = spawnSync(command, args, { cwd, stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}

// No library needs a script of its own to be installed.
if (!existsSync(`${libraries}/node_modules`))
  run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], libraries)
const node = process.execPath
run(node, [`${root}node_modules/typescript/bin/tsc`, '--project', libraries], root)
const config = ['--config', 'vitest.libraries.config.ts']
run(node, [`${root}node_modules/vitest/vitest.mjs`, 'run', ...config, ...process.argv.slice(2)], root)
