/** The rows of the benchmark, as data: the work, who does it, and what hawser is to reach. */
import type { Job, Metric } from './job.ts'
import type { PeerName } from './peers.ts'
import type { Kind } from './server/frames.ts'

/** One ratio of two peers; without a value it is shown and not judged. */
export interface Goal {
  readonly metric: Metric
  readonly of: PeerName
  readonly against: PeerName
  readonly bound: 'at least' | 'at most'
  readonly value?: number
}

/** What a row says of its jobs. */
type Work = Omit<Job, 'peer' | 'warmUp' | 'time' | 'ports' | 'pids'>

export interface Row extends Work {
  readonly name: string
  /** Rows of a group share a chart; its name is the title. */
  readonly group: string
  /** What the first metric counts. */
  readonly unit: string
  /** The first one is compared with all others. */
  readonly peers: readonly PeerName[]
  readonly goals: readonly Goal[]
  /** Whether it is part of a quick run, with the peers of its goals. */
  readonly isQuick: boolean
}

const KiB = 1024
const MiB = 1024 * KiB
/** Of `work` in a quick run: less to do, for what does not end with the time. */
export const QUICK = { transfer: { burst: 10 }, memory: { sockets: 1000 } } as const

/** Messages of a turn: a few KiB, as a busy service sends them, and large messages one by one. */
function burstOf(size: number): number {
  if (size < KiB) return 512
  if (size < 64 * KiB) return 64
  return size < MiB ? 4 : 1
}

function sizeName(size: number): string {
  if (size < KiB) return `${size} B`
  return size < MiB ? `${size / KiB} KiB` : `${size / MiB} MiB`
}

const PLAIN = { kind: 'text', size: 16, burst: 1, ahead: 1, sockets: 1, deflate: false, delayed: false } as const

function faster(of: PeerName, values: Readonly<Partial<Record<PeerName, number>>>): Goal[] {
  return Object.entries(values).map(([against, value]) => {
    return { metric: 'rate', of, against: against as PeerName, bound: 'at least', value }
  })
}

function less(metric: Metric, of: PeerName, values: Readonly<Partial<Record<PeerName, number>>>): Goal[] {
  return Object.entries(values).map(([against, value]) => {
    return { metric, of, against: against as PeerName, bound: 'at most', value }
  })
}

const ALL: readonly PeerName[] = [
  'hawser',
  'hawser for await',
  'ws',
  'ws without addon',
  'ws corked',
  'undici',
  'Node',
  'raw socket',
]

/** Echo, and sending only. */
function outGoals(work: 'echo' | 'send', kind: Kind, size: number): Goal[] {
  if (size >= 64 * KiB) return faster('hawser', { ws: 1.25, 'ws without addon': 3, undici: 3.5, 'raw socket': 0.55 })
  if (size >= KiB) return faster('hawser', { ws: 10, undici: 12, 'raw socket': 0.6 })
  const corked = size === 16 && kind === 'binary' ? 2.5 : 3
  return faster('hawser', { ws: 30, 'ws corked': corked, undici: 40, 'raw socket': work === 'echo' ? 0.35 : 0.5 })
}

function inGoals(kind: Kind, size: number): Goal[] {
  if (size >= 64 * KiB) return faster('hawser', { ws: 1.1 })
  if (size >= KiB) return faster('hawser', { ws: 2 })
  if (size !== 16 || kind !== 'text') return []
  return [...faster('hawser', { ws: 6, undici: 15 }), ...faster('hawser for await', { ws: 2, undici: 5 })]
}

const SIZES = [16, 125, KiB, 64 * KiB, MiB]
const KINDS = ['text', 'binary'] as const

/** What a quick run has of the first three groups. */
const QUICK_SIZES = {
  echo: ['text 16', 'binary 65536'],
  send: ['binary 16', 'text 1024'],
  receive: ['text 16', 'text 1024', 'binary 65536'],
} as const satisfies Record<string, readonly string[]>

const GROUPS = {
  echo: 'Echo, many messages under way',
  send: 'Sending only',
  receive: 'Receiving only',
} as const

function oneSocketRows(work: 'echo' | 'send' | 'receive'): Row[] {
  const peers = work === 'send' ? ALL.filter((peer) => peer !== 'hawser for await') : ALL
  return SIZES.flatMap((size) =>
    KINDS.map((kind) => ({
      ...PLAIN,
      name: `${work} ${sizeName(size)} ${kind}`,
      group: GROUPS[work],
      unit: 'messages',
      work,
      kind,
      size,
      burst: burstOf(size),
      ahead: size < MiB ? 2 : 4,
      peers: work === 'receive' ? peers.filter((peer) => peer !== 'ws corked') : peers,
      goals: work === 'receive' ? inGoals(kind, size) : outGoals(work, kind, size),
      isQuick: (QUICK_SIZES[work] as readonly string[]).includes(`${kind} ${size}`),
    })),
  )
}

const pingPong: Row[] = [16, KiB].map((size) => ({
  ...PLAIN,
  name: `ping-pong ${sizeName(size)}`,
  group: 'One message under way',
  unit: 'messages',
  work: 'ping-pong',
  size,
  peers: ['hawser', 'hawser for await', 'ws', 'undici', 'Node', 'raw socket'],
  goals: [...less('p50', 'hawser', { ws: 0.95, 'raw socket': 1.05 }), ...less('cpu', 'hawser', { ws: 0.85 })],
  isQuick: size === 16,
}))

const web: Row[] = [16, 125, KiB].map((size) => ({
  ...PLAIN,
  name: `onmessage echo ${sizeName(size)}`,
  group: 'The WebSocket class, echo',
  unit: 'messages',
  work: 'echo',
  size,
  burst: burstOf(size),
  ahead: 2,
  peers: ['hawser WebSocket', 'ws onmessage', 'undici', 'Node', 'raw socket'],
  goals: faster('hawser WebSocket', { 'ws onmessage': 8, undici: 12 }),
  isQuick: size === 16,
}))

/** Over one connection; each of many sockets has a sixteenth of what one has under way alone, one message at least. */
const http2: Row[] = [1, 100].flatMap((sockets) =>
  [
    { size: 16, goal: 6 },
    { size: KiB, goal: 3 },
    { size: 64 * KiB, goal: 2 },
  ].map(({ size, goal }) => ({
    ...PLAIN,
    name: `h2 ${sockets} ${sockets === 1 ? 'socket' : 'sockets'} echo ${sizeName(size)}`,
    group: 'Echo over HTTP/2',
    unit: 'messages',
    work: 'echo' as const,
    size,
    burst: sockets === 1 ? burstOf(size) : Math.ceil(burstOf(size) / 16),
    ahead: 2,
    sockets,
    peers: ['hawser h2', 'hawser for await h2', 'undici h2', 'raw stream h2'] as const,
    goals: faster('hawser h2', { 'undici h2': goal }),
    isQuick: (sockets === 1) === (size === 16),
  })),
)

const flight: Row = {
  ...PLAIN,
  name: '100 sockets, one message each',
  group: '100 sockets, one message under way on each',
  unit: 'messages',
  work: 'echo',
  sockets: 100,
  peers: ['hawser h2', 'hawser', 'ws', 'undici h2', 'undici', 'raw stream h2'],
  goals: faster('hawser h2', { ws: 3, 'undici h2': 1.7 }),
  isQuick: true,
}

const transfer: Row = {
  ...PLAIN,
  name: 'h2 50 MB in, 20 ms round trip',
  group: '50 MB over HTTP/2 through a round trip of 20 ms',
  unit: 'MB',
  work: 'transfer',
  kind: 'binary',
  size: 1_000_000,
  burst: 50,
  delayed: true,
  peers: ['hawser h2', 'undici h2'],
  goals: faster('hawser h2', { 'undici h2': 10 }),
  isQuick: true,
}

const deflate: Row = {
  ...PLAIN,
  name: 'deflate echo 1 KiB JSON',
  group: 'permessage-deflate, echo',
  unit: 'messages',
  work: 'echo',
  size: KiB,
  burst: burstOf(KiB),
  ahead: 2,
  deflate: true,
  peers: ['hawser', 'hawser for await', 'ws'],
  goals: faster('hawser', { ws: 1.3 }),
  isQuick: true,
}

const sockets: Row[] = [
  {
    ...PLAIN,
    name: 'connects',
    group: 'Opening sockets',
    unit: 'sockets',
    work: 'connect',
    sockets: 8,
    peers: ['hawser', 'hawser h2', 'ws', 'undici', 'Node', 'raw socket', 'raw stream h2'],
    goals: [...faster('hawser', { ws: 1 }), ...faster('hawser h2', { ws: 2.5 })],
    isQuick: true,
  },
  {
    ...PLAIN,
    name: 'memory of an idle socket',
    group: 'Memory of an idle socket',
    unit: 'sockets',
    work: 'memory',
    sockets: 2000,
    peers: ['hawser', 'hawser h2', 'ws', 'undici', 'undici h2', 'raw socket'],
    goals: [...less('memory', 'hawser', { ws: 0.8 }), ...less('memory', 'hawser h2', { ws: 0.9 })],
    isQuick: true,
  },
]

const starting: Row[] = [
  {
    ...PLAIN,
    name: 'process start to open',
    group: 'Starting',
    unit: 'processes',
    work: 'start',
    peers: ['hawser', 'ws', 'undici', 'Node'],
    goals: less('time', 'hawser', { ws: 1.2 }),
    isQuick: true,
  },
  {
    ...PLAIN,
    name: 'import',
    group: 'Importing',
    unit: 'processes',
    work: 'import',
    peers: ['hawser edge', 'hawser', 'ws', 'undici'],
    goals: ['hawser edge', 'hawser'].flatMap((of) => less('time', of as PeerName, { ws: 0.5, undici: 0.2 })),
    isQuick: true,
  },
]

const masking: Row[] = [KiB, 64 * KiB, MiB].map((size) => ({
  ...PLAIN,
  name: `masking ${sizeName(size)} in place`,
  group: 'Masking in place',
  unit: 'bytes',
  work: 'mask',
  kind: 'binary',
  size,
  peers: ['hawser', 'memory.copy', 'bufferutil'],
  goals: faster('hawser', { 'memory.copy': 0.9, bufferutil: 1.6 }),
  isQuick: size === 64 * KiB,
}))

function codecRows(work: 'build-frames' | 'read-frames', name: string): Row[] {
  return [16, KiB, 64 * KiB - 4].flatMap((size) =>
    KINDS.map((kind) => ({
      ...PLAIN,
      name: `${name} ${size > KiB ? '64 KiB' : sizeName(size)} ${kind}`,
      group: `${name[0]!.toUpperCase()}${name.slice(1)}, without a connection`,
      unit: 'messages',
      work,
      kind,
      size,
      burst: burstOf(size),
      peers: ['hawser', 'ws', 'undici'] as const,
      goals: [],
      isQuick: false,
    })),
  )
}

const workerd: Row[] = [16, KiB].map((size) => ({
  ...PLAIN,
  name: `workerd echo ${sizeName(size)}, 64 under way`,
  group: 'Inside workerd, echo with 64 messages under way',
  unit: 'messages',
  work: 'workerd',
  size,
  burst: 64,
  peers: ['workerd hawser tcp', 'workerd hawser fetch', 'workerd native'],
  goals: less('cpu', 'workerd hawser tcp', { 'workerd native': 1 / 3 }),
  isQuick: size === 16,
}))

export const ROWS: readonly Row[] = [
  ...oneSocketRows('echo'),
  ...oneSocketRows('send'),
  ...oneSocketRows('receive'),
  ...pingPong,
  ...web,
  ...http2,
  flight,
  transfer,
  deflate,
  ...sockets,
  ...starting,
  ...masking,
  ...codecRows('build-frames', 'building frames of'),
  ...codecRows('read-frames', 'reading frames of'),
  ...workerd,
]

/** The metric that a row is about when no goal says so. */
export function metricOf({ work }: Pick<Row, 'work'>): Metric {
  if (work === 'memory') return 'memory'
  if (work === 'start' || work === 'import') return 'time'
  if (work === 'ping-pong') return 'p50'
  return work === 'workerd' ? 'cpu' : 'rate'
}

/** Every ratio that a row shows: its goals, then the first peer against those that no goal names. */
export function ratiosOf(row: Row): readonly Goal[] {
  const metric = metricOf(row)
  const [first, ...others] = row.peers
  const named = new Set(row.goals.flatMap(({ of, against }) => [of, against]))
  const bound = metric === 'rate' ? 'at least' : 'at most'
  const rest = others
    .filter((peer) => !named.has(peer))
    .map((against) => ({ metric, of: first!, against, bound }) as const)
  return [...row.goals, ...rest]
}
