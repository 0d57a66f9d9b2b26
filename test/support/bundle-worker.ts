/** Bundles a Worker in the way of wrangler, for Miniflare. */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { type BuildOptions, build, type Plugin } from 'esbuild'

export interface WorkerModule {
  readonly type: 'ESModule' | 'CompiledWasm' | 'Text'
  readonly path: string
  readonly contents: string | Uint8Array
}

/**
 * The bundle of an entry point, and the files that it imports as modules of their own: WebAssembly, and HTML as text.
 */
export async function bundleWorker(entryPoint: string, options: BuildOptions = {}): Promise<WorkerModule[]> {
  const separate: string[] = []
  const { outputFiles } = await build({
    entryPoints: [entryPoint],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2023',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    ...options,
    plugins: [separateModules(separate)],
  })
  const modules = separate.map(async (file): Promise<WorkerModule> => {
    const type = file.endsWith('.wasm') ? 'CompiledWasm' : 'Text'
    return { type, path: basename(file), contents: await readFile(file) }
  })
  return [{ type: 'ESModule', path: 'index.js', contents: outputFiles![0]!.text }, ...(await Promise.all(modules))]
}

/** Leaves what the runtime loads by itself out of the bundle; those files are added to `found`. */
function separateModules(found: string[]): Plugin {
  return {
    name: 'separate-modules',
    setup: ({ onResolve }) => {
      onResolve({ filter: /\.(wasm|html)$/ }, ({ path, resolveDir }) => {
        found.push(`${resolveDir}/${path}`)
        return { path: `./${basename(path)}`, external: true }
      })
    },
  }
}
