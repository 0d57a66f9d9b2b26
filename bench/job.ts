/** What one process of a client is told, and what it tells. */
import type { PeerName } from './peers.ts'
import type { Kind } from './server/frames.ts'

/** The files of `work/`. */
export type WorkName =
  | 'echo'
  | 'ping-pong'
  | 'send'
  | 'receive'
  | 'transfer'
  | 'connect'
  | 'memory'
  | 'start'
  | 'import'
  | 'mask'
  | 'build-frames'
  | 'read-frames'
  | 'workerd'

export interface Job {
  readonly peer: PeerName
  readonly work: WorkName
  readonly kind: Kind
  /** Bytes of a message. */
  readonly size: number
  /** So many messages are sent before the turn ends. */
  readonly burst: number
  /** So many bursts are under way on each socket. */
  readonly ahead: number
  readonly sockets: number
  /** Whether permessage-deflate is used; the messages are JSON then. */
  readonly deflate: boolean
  /** Whether the HTTP/2 server is reached through the delay. */
  readonly delayed: boolean
  /** Milliseconds. */
  readonly warmUp: number
  readonly time: number
  readonly ports: { readonly http1: number; readonly http2: number; readonly delayed: number }
  readonly pids: { readonly http1: number; readonly http2: number }
}

/**
 * What is measured:
 *
 * - `rate`: how many a second; of `mask` bytes
 * - `p50`, `p99`: microseconds from a message to its echo
 * - `cpu`: microseconds of the process's CPU time for each
 * - `memory`: bytes of RSS for each socket
 * - `time`: milliseconds
 * - `server`: how much of a core the server used; above 0.95 it is the server that is measured
 */
export type Metric = 'rate' | 'p50' | 'p99' | 'cpu' | 'memory' | 'time' | 'server'
export type Figures = Readonly<Partial<Record<Metric, number>>>

/** Every file of `work/` exports one as `measure`. */
export type Measure = (job: Job) => Promise<Figures>
