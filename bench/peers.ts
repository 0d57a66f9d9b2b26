/** Who is measured, as data. */

export interface Peer {
  /** The file of `clients/` that opens its connections. Without one, the work itself knows what to do with the peer. */
  readonly client?: string
  readonly http2?: true
  /** Whether it needs the packages of `bench/peers/`. */
  readonly isInstalled?: true
  readonly env?: Readonly<Record<string, string>>
}

export const PEERS = {
  hawser: { client: 'hawser' },
  'hawser for await': { client: 'hawser-for-await' },
  'hawser WebSocket': { client: 'hawser-websocket' },
  ws: { client: 'ws', isInstalled: true },
  'ws without addon': { client: 'ws', env: { WS_NO_BUFFER_UTIL: '1' } },
  'ws corked': { client: 'ws-corked', isInstalled: true },
  'ws onmessage': { client: 'ws-onmessage', isInstalled: true },
  undici: { client: 'undici' },
  Node: { client: 'node' },
  'raw socket': { client: 'raw' },
  'hawser h2': { client: 'hawser', http2: true },
  'hawser for await h2': { client: 'hawser-for-await', http2: true },
  'undici h2': { client: 'undici', http2: true },
  'raw stream h2': { client: 'raw-http2', http2: true },
  'memory.copy': {},
  bufferutil: { isInstalled: true },
  'hawser edge': {},
  'workerd hawser tcp': {},
  'workerd hawser fetch': {},
  'workerd native': {},
} as const satisfies Readonly<Record<string, Peer>>

export type PeerName = keyof typeof PEERS

export function peerOf(name: PeerName): Peer {
  return PEERS[name]
}
