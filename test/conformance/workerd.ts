/** Starts worker.ts in workerd, bundled as wrangler does it. */
import { fileURLToPath } from 'node:url'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { bundleWorker } from '../support/bundle-worker.ts'

export async function startConformanceWorker(): Promise<Miniflare> {
  const modules = await bundleWorker(fileURLToPath(new URL('worker.ts', import.meta.url)))
  return new Miniflare(convertV4MiniflareOptions({ compatibilityDate: '2026-10-01', cf: false, modules }))
}
