/** What every client is, to a benchmark. */
import type { Kind } from '../server/frames.ts'
import type { Tally } from './tally.ts'

/** Bytes; above this no more is sent until less is waiting: hawser's own highWaterMark. */
export const HIGH_WATER_MARK = 256 * 1024

export interface Target {
  readonly url: string
  readonly http2: boolean
  readonly deflate: boolean
  /** What is sent in turn, from the first in each burst: text as strings, bytes as Buffers. */
  readonly messages: readonly (string | Buffer)[]
  readonly kind: Kind
  /** Bytes of the messages that come in. */
  readonly size: number
}

export interface Connection {
  /** Sends the message so many times within this turn. A promise is to be waited for before more is sent. */
  burst(count: number): Promise<unknown> | undefined
  close(): void
}

/** Opens a connection. Each message that comes goes to the tally. */
export type Open = (target: Target, tally: Tally) => Promise<Connection>
