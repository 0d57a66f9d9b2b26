/** The ways in which a library's job is done on hawser's WebSocket. */
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { WebSocket } from '../../src/web/websocket.ts'
import { createAuthority } from '../support/certificates.ts'
import { startHttp2Server } from '../support/http2-server.ts'
import { startScript } from '../support/miniflare.ts'
import { type Done, doJob } from './jobs/job.ts'
import { JOBS, type Library } from './jobs/jobs.ts'

/** Does the job of a library, whose server is at this port. */
export type Way = (library: Library, port: number) => Promise<Done>

const overHttp1: Way = (library, port) => doJob(JOBS[library], `ws://127.0.0.1:${port}`, WebSocket)

/** Through a gateway that speaks nothing but HTTP/2, with options that allow nothing else. */
const overHttp2: Way = async (library, backendPort) => {
  const { ca, issue } = await createAuthority()
  const gateway = await startHttp2Server({ tls: await issue(), protocols: ['h2'], backendPort })
  onTestFinished(gateway.close)
  return doJob(JOBS[library], gateway.url, WebSocket, { httpVersion: '2', httpVersionPolicy: 'exact', tls: { ca } })
}

/** In the runtime of Cloudflare's Workers, by their fetch. */
const inWorkerd: Way = async (library, port) => {
  const worker = await startScript(fileURLToPath(new URL('worker.ts', import.meta.url)), {})
  onTestFinished(worker.close)
  const query = new URLSearchParams({ library, url: `ws://127.0.0.1:${port}` })
  const response = await fetch(`${worker.url}/?${query}`)
  if (!response.ok) throw new Error(await response.text())
  return (await response.json()) as Done
}

export const WAYS: Readonly<Record<string, Way>> = {
  'over HTTP/1.1': overHttp1,
  'over HTTP/2': overHttp2,
  'in workerd': inWorkerd,
}
