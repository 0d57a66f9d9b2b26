/** How long `import` takes in a process that has loaded nothing yet. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import type { Figures, Job } from '../job.ts'
import type { PeerName } from '../peers.ts'
import { runRepeatedly } from './process.ts'

const MODULES: Readonly<Partial<Record<PeerName, string>>> = {
  hawser: 'hawser',
  ws: './bench/peers/node_modules/ws/wrapper.mjs',
  undici: 'undici',
}

/** What a Worker's bundle loads at once, in files as bundlers that split code make them. */
async function bundleEdge(folder: string): Promise<string> {
  await build({
    stdin: {
      contents: "export { connect } from 'hawser'",
      resolveDir: fileURLToPath(new URL('../..', import.meta.url)),
    },
    entryNames: 'index',
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    target: 'es2023',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*', 'undici'],
    loader: { '.wasm': 'copy' },
  })
  return pathToFileURL(join(folder, 'index.mjs')).href
}

function timeImport(module: string, job: Job): Promise<number> {
  const script = `const start = performance.now(); await import('${module}'); console.log(performance.now() - start)`
  return runRepeatedly(script, job)
}

export async function measure(job: Job): Promise<Figures> {
  if (job.peer !== 'hawser edge') return { time: await timeImport(MODULES[job.peer]!, job) }
  const folder = mkdtempSync(join(tmpdir(), 'hawser-bench-'))
  try {
    return { time: await timeImport(await bundleEdge(folder), job) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
