/** The columns of the table: the transports, each with the client in its own runtime. */
import { fileURLToPath } from 'node:url'
import type { ClientWebSocketOptions } from 'hawser'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { Agent } from 'undici'
import { bundleWorker } from '../support/bundle-worker.ts'
import { type ClientReport, type Exchange, KEEP_ALIVE, LIMITS, playClient } from './client.ts'

export interface Column {
  readonly name: string
  readonly httpVersion: '1.1' | '2'
  readonly secure: boolean
  readonly runtime: 'node' | 'workerd'
  /**
   * Whether the runtime frames, and not hawser. It sends a message in one frame, unmasks what a server masks, and mends
   * UTF-8.
   */
  readonly runtimeFrames: boolean
  /** Whether the connection is the socket's own, and ends with it. */
  readonly ownsConnection: boolean
}

const NODE = { httpVersion: '1.1', secure: false, runtime: 'node', runtimeFrames: false, ownsConnection: true } as const
const NODE_2 = { ...NODE, httpVersion: '2', ownsConnection: false } as const
const WORKERD = { ...NODE, runtime: 'workerd' } as const

export const COLUMNS = [
  { ...NODE, name: 'tcp ws' },
  { ...NODE, name: 'tcp wss', secure: true },
  { ...NODE_2, name: 'http2 ws' },
  { ...NODE_2, name: 'http2 wss', secure: true },
  { ...NODE, name: 'dispatcher 1.1' },
  // undici speaks HTTP/2 only over TLS.
  { ...NODE_2, name: 'dispatcher 2', secure: true },
  { ...WORKERD, name: 'fetch', runtimeFrames: true },
  { ...WORKERD, name: 'tcp workerd' },
] as const satisfies readonly Column[]

type ColumnName = (typeof COLUMNS)[number]['name']

/** Plays the client's side of an exchange. */
export type Play = (column: Column, url: string, closes: 'client' | 'server') => Promise<ClientReport>

export interface Players {
  readonly play: Play
  close(): Promise<void>
}

/** `ca` is the authority of the servers' certificates. */
export async function startPlayers(ca: string): Promise<Players> {
  const agent = new Agent()
  const agent2 = new Agent({ allowH2: true, connect: { ca } })
  const miniflare = await startWorker()
  const http2: ClientWebSocketOptions = { httpVersion: '2', httpVersionPolicy: 'exact' }
  const options: Readonly<Record<ColumnName, ClientWebSocketOptions>> = {
    'tcp ws': KEEP_ALIVE,
    'tcp wss': { ...KEEP_ALIVE, tls: { ca } },
    'http2 ws': { ...KEEP_ALIVE, ...http2 },
    'http2 wss': { ...KEEP_ALIVE, ...http2, tls: { ca } },
    'dispatcher 1.1': { ...KEEP_ALIVE, dispatcher: agent },
    'dispatcher 2': { ...KEEP_ALIVE, dispatcher: agent2, httpVersion: '2' },
    fetch: { transport: 'fetch' },
    'tcp workerd': { ...KEEP_ALIVE, transport: 'tcp' },
  }
  const play: Play = (column, url, closes) => {
    const exchange = { url, options: { ...LIMITS, ...options[column.name as ColumnName] }, closes }
    return column.runtime === 'node' ? playClient(exchange) : playInWorkerd(miniflare, exchange)
  }
  const close = async () => {
    await Promise.all([agent.destroy(), agent2.destroy(), miniflare.dispose()])
  }
  return { play, close }
}

async function playInWorkerd(miniflare: Miniflare, exchange: Exchange): Promise<ClientReport> {
  const response = await miniflare.dispatchFetch('http://worker/', { method: 'POST', body: JSON.stringify(exchange) })
  if (!response.ok) throw new Error(`The Worker answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as ClientReport
}

async function startWorker(): Promise<Miniflare> {
  const path = (file: string) => fileURLToPath(new URL(file, import.meta.url))
  // The code of src/, whatever is in dist/.
  const modules = await bundleWorker(path('worker.ts'), {
    alias: { hawser: path('../../src/index.ts'), '#platform': path('../../src/platform.workerd.ts') },
  })
  const miniflare = new Miniflare(convertV4MiniflareOptions({ cf: false, compatibilityDate: '2026-10-01', modules }))
  await miniflare.ready
  return miniflare
}
