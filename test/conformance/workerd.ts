/** Starts worker.ts in workerd, bundled as wrangler does it. */
import { readFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'

export async function startConformanceWorker(): Promise<Miniflare> {
  const files = new Map<string, string>()
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL('worker.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2023',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    plugins: [wasmModules(files)],
  })
  const modules = [...files].map(([path, file]) => ({
    type: 'CompiledWasm' as const,
    path,
    contents: readFileSync(file),
  }))
  return new Miniflare(
    convertV4MiniflareOptions({
      compatibilityDate: '2026-10-01',
      cf: false,
      modules: [{ type: 'ESModule', path: 'index.js', contents: bundle.outputFiles[0]!.text }, ...modules],
    }),
  )
}

/** Leaves imports of .wasm to the runtime, and notes their files by the names that they are left with. */
function wasmModules(files: Map<string, string>): Plugin {
  return {
    name: 'wasm-modules',
    setup(api) {
      api.onResolve({ filter: /\.wasm$/ }, ({ path, importer }) => {
        files.set(basename(path), resolve(dirname(importer), path))
        return { path: `./${basename(path)}`, external: true }
      })
    },
  }
}
