/** Workers in the real runtime, bundled as wrangler does it. */
import { readFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'

const root = fileURLToPath(new URL('../..', import.meta.url))

export const WORKER_NAME = 'hawser-worker'

/** A running Worker. */
export interface RunningWorker extends AsyncDisposable {
  /** http://127.0.0.1:port, without a path. */
  readonly url: string
  readonly miniflare: Miniflare
  close(): Promise<void>
}

/** `vars` are its variables and secrets; `banner` is code that runs before it. */
export async function startWorker(vars: Record<string, string>, banner = ''): Promise<RunningWorker> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: WORKER_NAME,
      compatibilityDate: '2026-10-01',
      cf: false,
      bindings: vars,
      durableObjects: { FEED: { className: 'Feed', useSQLite: true } },
      modules: await bundle(banner),
    }),
  )
  const { origin: url } = await miniflare.ready
  const close = () => miniflare.dispose()
  return { url, miniflare, close, [Symbol.asyncDispose]: close }
}

async function bundle(banner: string) {
  const files = new Map<string, string>()
  const options = {
    entryPoints: [`${root}worker/index.ts`],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2023',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*'],
    banner: { js: banner },
    plugins: [separateModules(files)],
  } as const satisfies BuildOptions
  const { outputFiles } = await build(options)
  const modules = [...files].map(([path, file]) => ({
    // As wrangler has it, by the end of the name.
    type: path.endsWith('.wasm') ? ('CompiledWasm' as const) : ('Text' as const),
    path,
    contents: readFileSync(file),
  }))
  return [{ type: 'ESModule' as const, path: 'index.js', contents: outputFiles[0]!.text }, ...modules]
}

/** Leaves what the runtime loads by itself out of the bundle, and notes where each of those files is. */
function separateModules(files: Map<string, string>): Plugin {
  return {
    name: 'separate-modules',
    setup(api) {
      api.onResolve({ filter: /\.(wasm|html)$/ }, ({ path, importer }) => {
        files.set(basename(path), resolve(dirname(importer), path))
        return { path: `./${basename(path)}`, external: true }
      })
    },
  }
}
