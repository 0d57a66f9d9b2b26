/** Workers in the real runtime, bundled as wrangler does it. */
import { fileURLToPath } from 'node:url'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { bundleWorker } from './bundle-worker.ts'

const ENTRY = fileURLToPath(new URL('../../worker/index.ts', import.meta.url))

export const WORKER_NAME = 'hawser-worker'

/** A running Worker. */
export interface RunningWorker extends AsyncDisposable {
  /** http://127.0.0.1:port, without a path. */
  readonly url: string
  readonly miniflare: Miniflare
  close(): Promise<void>
}

export interface ScriptOptions {
  /** Variables and secrets. */
  readonly vars?: Readonly<Record<string, string>>
  /** The classes of its Durable Objects, by their bindings. */
  readonly durableObjects?: Readonly<Record<string, string>>
  readonly compatibilityFlags?: readonly string[]
  /** Code that runs before it. */
  readonly banner?: string
  /** Whether `miniflare.getInspectorURL()` leads to its debugger. */
  readonly inspects?: boolean
}

/** Starts the Worker of `worker/`; `banner` is code that runs before it. */
export function startWorker(vars: Record<string, string>, banner = ''): Promise<RunningWorker> {
  return startScript(ENTRY, { vars, banner, durableObjects: { FEED: 'Feed' } })
}

/** Starts the Worker in a file. */
export async function startScript(entry: string, options: ScriptOptions = {}): Promise<RunningWorker> {
  const { vars = {}, durableObjects = {}, compatibilityFlags = [], banner = '', inspects = false } = options
  const classes = Object.entries(durableObjects).map(([name, className]) => [name, { className, useSQLite: true }])
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: WORKER_NAME,
      compatibilityDate: '2026-10-01',
      compatibilityFlags: [...compatibilityFlags],
      cf: false,
      bindings: { ...vars },
      durableObjects: Object.fromEntries(classes),
      modules: await bundleWorker(entry, { banner: { js: banner } }),
      ...(inspects ? { inspectorPort: 0 } : {}),
    }),
  )
  const { origin: url } = await miniflare.ready
  const close = () => miniflare.dispose()
  return { url, miniflare, close, [Symbol.asyncDispose]: close }
}
