/** Makes dist/: the core, then ES modules with declarations and source maps, and bundles of them. */
import { execFile } from 'node:child_process'
import { copyFile, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { buildCore } from './build-core.ts'
import { bundle } from './bundle.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

export async function build(): Promise<void> {
  await buildCore()
  await promisify(execFile)(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '--project', root])
  await copyFile(`${root}src/codec/core.wasm`, `${root}dist/codec/core.wasm`)
  await bundle()
}

if (import.meta.main) {
  // What is no longer in src must not be published.
  await rm(`${root}dist`, { recursive: true, force: true })
  await build()
}
