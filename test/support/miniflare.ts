/** The Worker of worker/ in the real runtime, bundled as wrangler does it. */
import { readFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'

const root = fileURLToPath(new URL('../..', import.meta.url))

export async function startWorker(vars: Record<string, string>): Promise<Miniflare> {
  const wasm = new Map<string, string>()
  const bundle = await build({
    entryPoints: [`${root}worker/index.ts`],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2023',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*'],
    plugins: [
      {
        name: 'wasm-modules',
        setup(api) {
          api.onResolve({ filter: /\.wasm$/ }, ({ path, importer }) => {
            wasm.set(basename(path), resolve(dirname(importer), path))
            return { path: `./${basename(path)}`, external: true }
          })
        },
      },
    ],
  })
  const modules = [...wasm].map(([path, file]) => ({
    type: 'CompiledWasm' as const,
    path,
    contents: readFileSync(file),
  }))
  return new Miniflare(
    convertV4MiniflareOptions({
      compatibilityDate: '2026-10-01',
      cf: false,
      bindings: vars,
      modules: [{ type: 'ESModule', path: 'index.js', contents: bundle.outputFiles[0]!.text }, ...modules],
    }),
  )
}
