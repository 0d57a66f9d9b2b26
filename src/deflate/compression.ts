import { Deflater } from './deflater.ts'
import { Inflater } from './inflater.ts'
import { StreamPool } from './stream-pool.ts'
import { rawStreams } from './zlib.ts'

/** What was agreed about the two directions (RFC 7692 §7.1). */
export interface Agreed {
  /** 8 to 15. */
  readonly clientMaxWindowBits: number
  readonly serverMaxWindowBits: number
  readonly clientContextTakeover: boolean
  readonly serverContextTakeover: boolean
}

/** permessage-deflate on one connection. */
export interface DeflateCompression {
  readonly inflater: Inflater
  readonly deflater: Deflater | undefined
  readonly threshold: number
  /** The connection is over. */
  close(): void
}

/** 32 MiB of zlib at most. */
const MAX_STREAMS = 128
let pool: StreamPool | undefined

/** Whether this runtime can compress. */
export function canCompress(): boolean {
  return rawStreams() !== undefined
}

/** Takes up work as agreed. Nothing is allocated before there is something to compress. */
export function createCompression(agreed: Agreed, threshold: number): DeflateCompression {
  const streams = rawStreams()!
  pool ??= new StreamPool(streams.takesHistory ? MAX_STREAMS : Infinity)
  const { clientMaxWindowBits, serverMaxWindowBits } = agreed
  const inflater = new Inflater(streams, pool, {
    windowBits: serverMaxWindowBits,
    takeover: agreed.serverContextTakeover,
  })
  // zlib deflates with no window smaller than 512 bytes: then our messages go out as they are, which the extension allows.
  const own = { windowBits: clientMaxWindowBits, takeover: agreed.clientContextTakeover }
  const deflater = clientMaxWindowBits < 9 ? undefined : new Deflater(streams, pool, own)
  return {
    inflater,
    deflater,
    threshold,
    close: () => {
      inflater.close()
      deflater?.close()
    },
  }
}
