/** Bundles a Worker in the way of wrangler, for Miniflare. */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { type BuildOptions, build, type Plugin } from 'esbuild'

export interface WorkerModule {
  readonly type: 'ESModule' | 'CompiledWasm'
  readonly path: string
  readonly contents: string | Uint8Array
}

/** The bundle of an entry point, and the WebAssembly that it imports. */
export async function bundleWorker(entryPoint: string, options: BuildOptions = {}): Promise<WorkerModule[]> {
  const wasm: string[] = []
  const { outputFiles } = await build({
    entryPoints: [entryPoint],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2023',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*'],
    ...options,
    plugins: [wasmModules(wasm)],
  })
  const modules = wasm.map(async (file): Promise<WorkerModule> => {
    return { type: 'CompiledWasm', path: basename(file), contents: await readFile(file) }
  })
  return [{ type: 'ESModule', path: 'index.js', contents: outputFiles![0]!.text }, ...(await Promise.all(modules))]
}

/** WebAssembly stays a module of its own; its files are added to `found`. */
function wasmModules(found: string[]): Plugin {
  return {
    name: 'wasm-modules',
    setup: ({ onResolve }) => {
      onResolve({ filter: /\.wasm$/ }, ({ path, resolveDir }) => {
        found.push(`${resolveDir}/${path}`)
        return { path: `./${basename(path)}`, external: true }
      })
    },
  }
}
