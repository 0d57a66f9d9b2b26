import { fileURLToPath } from 'node:url'
import { startScript } from '../../support/miniflare.ts'
import type { Serve } from './serve.ts'

export const servePartysocket: Serve = async () => {
  const entry = fileURLToPath(new URL('partysocket.worker.ts', import.meta.url))
  const { url, close } = await startScript(entry, { durableObjects: { Main: 'Main' } })
  return { port: Number(new URL(url).port), close }
}
