/** Runs the Worker of socket-worker.ts in the real runtime, at any compatibility date, bundled from src/. */
import { fileURLToPath } from 'node:url'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { bundleWorker } from './bundle-worker.ts'
import type { Outcome, Script } from './socket-worker.ts'

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url))

/** The Worker that the bindings SERVICE and OBJECTS lead to. */
const BACKEND = 'backend'

export interface SocketWorker extends AsyncDisposable {
  /** Plays a script in the Worker of a date. */
  play(date: string, script: Script): Promise<Outcome>
  /** Its dispatchFetch leads to the same Worker as the bindings. */
  readonly miniflare: Miniflare
  /** What the runtime has written: errors that nobody caught among it. */
  readonly output: readonly string[]
  close(): Promise<void>
}

export async function startSocketWorker(dates: readonly string[]): Promise<SocketWorker> {
  const [modules, backend] = await Promise.all([bundle('socket-worker.ts'), bundle('upgrading-worker.ts')])
  const output: string[] = []
  const handleRuntimeStdio = (...streams: NodeJS.ReadableStream[]) => {
    for (const stream of streams) stream.on('data', (text: Buffer) => output.push(String(text)))
  }
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      handleRuntimeStdio,
      workers: [
        { name: BACKEND, compatibilityDate: dates.at(-1)!, modules: backend, durableObjects: { OBJECTS: 'Upgrading' } },
        ...dates.map((compatibilityDate) => ({
          name: compatibilityDate,
          compatibilityDate,
          modules,
          serviceBindings: { SERVICE: BACKEND },
          durableObjects: { OBJECTS: { className: 'Upgrading', scriptName: BACKEND } },
        })),
      ],
    }),
  )
  await miniflare.ready
  const play = async (date: string, script: Script): Promise<Outcome> => {
    const worker = await miniflare.getWorker(date)
    const response = await worker.fetch('http://worker/', { method: 'POST', body: JSON.stringify(script) })
    if (!response.ok) throw new Error(await response.text())
    return (await response.json()) as Outcome
  }
  const close = () => miniflare.dispose()
  return { play, miniflare, output, close, [Symbol.asyncDispose]: close }
}

/** The code of src/, whatever is in dist/. */
function bundle(entry: string) {
  return bundleWorker(path(entry), { alias: { '#platform': path('../../src/platform.workerd.ts') } })
}
